"""The command that makes a synthetic city: events to a file or to a live door, the truth to another file.

wardline city --users 3000 --days 60 --seed 7 --out events.ndjson --truth truth.ndjson
wardline city --users 300 --days 20 --live http://127.0.0.1:8080 --truth truth.ndjson
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from wardline.commands.context import Failure, counted, err, print_json


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command("city", epilog="Example: wardline city --users 3000 --days 60 --seed 7 --out events.ndjson --truth truth.ndjson")(city)


def city(
    users: Annotated[
        int, typer.Option("--users", metavar="N", help="people with an account, those included who join while it runs")
    ] = 3000,
    days: Annotated[int, typer.Option("--days", metavar="D", help="how long it runs")] = 60,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="the same seed gives the same bytes")] = 1,
    attacks: Annotated[
        list[str] | None,
        typer.Option("--attacks", metavar="KIND", help="kinds of attack, repeated or with commas; nothing: all; none: honest life alone"),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write the events here; nothing: standard output, or nowhere with --live")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="write the truth about every sign-up, login and session here")
    ] = None,
    start: Annotated[str, typer.Option("--start", metavar="DATE", help="first day; moved back to its Monday")] = "2026-01-05",
    sources: Annotated[
        Path | None, typer.Option("--sources", metavar="DIR", help="write source files about the city's networks here")
    ] = None,
    live: Annotated[str, typer.Option("--live", metavar="URL", help="send the events to this door; everybody acts on its verdicts")] = "",
    deaf: Annotated[bool, typer.Option("--deaf", help="with --live: attackers who are stopped change nothing")] = False,
    api_key: Annotated[str, typer.Option("--api-key", envvar="WARDLINE_API_KEY", help="key for --live")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="end with one JSON document")] = False,
) -> None:
    """Make a synthetic city: a mail provider's life with honest people and attackers, as events for the door; the truth stands apart."""
    from wardline.city.founding import found
    from wardline.city.listing import write_sources
    from wardline.city.live import DoorLost, LiveDoor
    from wardline.city.plan import KINDS, Plan, PlanError

    wanted = [word for given in attacks or [] for word in given.replace(",", " ").split()]
    if "none" in wanted and len(wanted) > 1:
        raise Failure("--attacks: none stands alone", status=2)
    try:
        chosen = () if wanted == ["none"] else tuple(dict.fromkeys(wanted)) if wanted else KINDS
        plan = Plan(users=users, days=days, seed=seed, attacks=chosen, start=_date(start), deaf=deaf)
    except PlanError as error:
        raise Failure(f"--{error}", status=2) from None
    to_stdout = keep is None and not live
    if to_stdout and as_json:
        raise Failure("--json needs --out FILE: events and summary would share standard output", status=2)
    door = LiveDoor(live, api_key) if live else None
    began = time.perf_counter()
    town = found(plan, door)
    if sources is not None:
        write_sources(town.world, sources)
    with _opened(keep, to_stdout) as events, _opened(truth, False) as truths, _bar(not to_stdout or not sys.stdout.isatty()) as moved:
        try:
            for lines, told in town.run():
                if events is not None:
                    events.write("".join(lines).encode())
                if truths is not None:
                    truths.write("".join(told).encode())
                moved(town.now_share)
        except DoorLost as error:
            raise Failure(str(error)) from None
        finally:
            if door is not None:
                door.close()
    document = {**town.summary(), "seconds": round(time.perf_counter() - began, 2)}
    if door is not None:
        document |= {"refused": door.refused, "errors": door.errors}
    if as_json:
        print_json(document)
    else:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    console = err()
    console.print(
        f"{document['events']:,} events in {document['seconds']} s: "
        + ", ".join(f"{type} {count:,}" for type, count in document["types"].items())
    )
    attacks = {kind: count for kind, count in document["truths"].items() if kind != "legit"}
    for kind, count in attacks.items():
        said = ", ".join(f"{verdict} {number}" for verdict, number in document.get("verdicts", {}).get(kind, {}).items())
        console.print(
            f"  {kind}: {count:,} attempts and sessions, {counted(document['campaigns'].get(kind, 0), 'campaign')}"
            + (f" ({said})" if said else "")
        )
    if document.get("refused"):
        console.print(f"{counted(document['refused'], 'event')} refused: {'; '.join(document['errors'])}", style="yellow")


def _date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(f"--start: {text[:40]!r} is no date; write it as 2026-01-05", status=2) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextlib.contextmanager
def _opened(path: Path | None, to_stdout: bool) -> Iterator[IO[bytes] | None]:
    if to_stdout:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path is None:
        yield None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise Failure(
            f"{path}: cannot be written ({error.strerror or os.strerror(0)}); give a file in a folder that exists", status=2
        ) from None
    with file:
        yield file


@contextlib.contextmanager
def _bar(wanted: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar over the city's time, where a person looks on; gives what moves it."""
    console = err()
    if not wanted or not console.is_terminal:
        yield lambda share: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    with Progress(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("city", total=1.0)
        yield lambda share: progress.update(task, completed=share)
