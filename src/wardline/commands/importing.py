"""The command that plays a history through the door: events from NDJSON, or from a table with a map.

wardline import events.ndjson                 recorded and counted
wardline import events.ndjson --decide        decided as it happened; --out keeps the decisions
wardline import logins.csv --map logins.toml
wardline import rba rba-dataset.csv           by a map that ships; --events and --truth write files instead
wardline import sshd auth.log --decide        tries of passwords in the log of an SSH server
"""

import codecs
import contextlib
import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from wardline.commands.connection import Client, connect
from wardline.commands.context import Failure, context_of, counted, err, out, print_json
from wardline.commands.tables import printable

CHUNK_BYTES = 1 << 20
CHUNK_LINES = 5_000
LINE_LIMIT_BYTES = 1 << 20
ERRORS_SHOWN = 10
SSHD = "sshd"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("import", epilog="Example: wardline import events.ndjson --decide")(import_events)


class _Tally:
    """What became of the lines."""

    def __init__(self) -> None:
        self.lines = self.accepted = self.known = self.refused = 0
        self.verdicts: dict[str, int] = {}
        self.errors: list[str] = []

    def refuse(self, text: str) -> None:
        """Count a line that was not taken; the first few are shown."""
        self.refused += 1
        if len(self.errors) < ERRORS_SHOWN:
            self.errors.append(text)


def import_events(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="NDJSON, one event a line, or CSV with --map; .gz too; - for standard input; or rba, sshd")],
    second: Annotated[Path | None, typer.Argument(metavar="[TABLE|LOG]", help="after rba: the table; after sshd: the log")] = None,
    table: Annotated[Path | None, typer.Option("--map", help="which column of a CSV file is what; docs/import.md shows one")] = None,
    decide: Annotated[bool, typer.Option("--decide", help="decide sign-ups, logins and the like as they come, in order")] = False,
    keep: Annotated[Path | None, typer.Option("--out", help="write the answers here, one a line")] = None,
    events_to: Annotated[
        Path | None, typer.Option("--events", help="with rba and sshd: write the events here; nothing is imported")
    ] = None,
    truth_to: Annotated[Path | None, typer.Option("--truth", help="with rba and --events: write the truth about each login here")] = None,
    year: Annotated[int, typer.Option("--year", min=0, max=9998, help="with sshd: of the first line, where the log names none")] = 0,
    timezone: Annotated[str, typer.Option("--timezone", help="with sshd: of times without a zone, as Europe/Vienna")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="end with one JSON document")] = False,
) -> None:
    """Play a history of events through the door, in order. Importing the same file again changes nothing: every event has its id."""
    tally = _Tally()
    name, file = (str(file), second) if second is not None else ("", file)
    if (year or timezone != "UTC") and name != SSHD:
        raise Failure("--year and --timezone go with a log: wardline import sshd auth.log --year 2026", status=2)
    if (truth_to is not None and (name in ("", SSHD) or events_to is None)) or (events_to is not None and not name):
        raise Failure("--events and --truth go with a map that ships: wardline import rba TABLE.csv --events FILE --truth FILE", status=2)
    lines = _ssh_lines(file, year, timezone, tally) if name == SSHD else _lines(file, table, tally, _shipped(name) if name else b"")
    if events_to is not None:
        _convert(file, name, lines, tally, events_to, truth_to, as_json)
        return
    size = file.stat().st_size if file.is_file() and file.suffix != ".gz" else None
    with connect(context_of(ctx)) as client, _opened(keep) as kept, _bar(size, not as_json) as moved:
        for first, chunk in _chunks(lines):
            _send(client, first, chunk, decide, tally, kept)
            moved(sum(map(len, chunk)) + len(chunk))
    if as_json:
        print_json(
            {"lines": tally.lines, "decided": tally.verdicts, "accepted": tally.accepted, "refused": tally.refused, "errors": tally.errors}
        )
    else:
        for text in tally.errors:
            err().print(printable(text), style="yellow")
        if tally.refused > len(tally.errors):
            err().print(f"… and {tally.refused - len(tally.errors)} more", style="yellow")
        told = ", ".join(f"{verdict} {count}" for verdict, count in sorted(tally.verdicts.items()))
        known = f"; {tally.known} of them known before, which count once" if tally.known else ""
        decided = f"{sum(tally.verdicts.values())} decided" + (f" ({told})" if told else "")
        out().print(f"{counted(tally.lines, 'event')}: {tally.accepted} recorded, {decided}{known}")
        if tally.refused:
            out().print(f"{tally.refused} {'was' if tally.refused == 1 else 'were'} refused")
    if tally.refused:
        raise typer.Exit(1)


def _send(client: Client, first: int, lines: list[bytes], decide: bool, tally: _Tally, kept: IO[bytes] | None) -> None:
    """One batch. Everything goes through the batch door, whose answers name the lines that were refused."""
    path = f"/v1/{'decide' if decide else 'events'}/batch?mark=repeated"
    answer = client.lines(path, b"\n".join(lines))
    for number, line in enumerate(answer.splitlines()):
        said: dict[str, Any] = msgspec.json.decode(line)
        tally.lines += 1
        tally.known += bool(said.get("repeated"))
        if "verdict" in said:
            tally.verdicts[said["verdict"]] = tally.verdicts.get(said["verdict"], 0) + 1
        elif said.get("accepted"):
            tally.accepted += 1
        else:
            tally.refuse(f"event {first + number}: {said.get('detail', 'no details')}")
            if said.get("status") == 503:
                raise Failure(f"event {first + number}: {said.get('detail')}; import the file again: what was taken is not taken twice")
    if kept:
        kept.write(answer)


def _shipped(name: str) -> bytes:
    from wardline.gateways.table import TableError
    from wardline.gateways.truth_table import shipped_map

    try:
        return shipped_map(name)
    except TableError as error:
        raise Failure(str(error), status=2) from None


def _convert(file: Path, name: str, lines: Iterator[bytes], tally: _Tally, events_to: Path, truth_to: Path | None, as_json: bool) -> None:
    """A table or a log to files of events and of truth; nothing is imported."""
    from wardline.gateways.table import TableError
    from wardline.gateways.truth_table import truths_of

    count = 0
    with _opened(events_to) as kept:
        for line in lines:
            count += 1
            if kept:
                kept.write(line + b"\n")
    if truth_to is not None:
        try:
            with _opened(truth_to) as kept, _source(file) as stream:
                for truth in truths_of(name, _texts(stream, file)):
                    if kept:
                        kept.write(msgspec.json.encode(truth) + b"\n")
        except TableError as error:
            raise Failure(str(error)) from None
    if as_json:
        print_json({"events": count, "refused": tally.refused, "errors": tally.errors})
    else:
        out().print(f"{counted(count, 'event')} written, {counted(tally.refused, 'row')} refused")
        for text in tally.errors:
            err().print(printable(text), style="yellow")
    if tally.refused:
        raise typer.Exit(1)


def _texts(stream: IO[bytes], file: Path, *, log: bool = False) -> Iterator[str]:
    return (line.decode("utf-8", "replace") for line in _read_lines(stream, file, log=log))


def _lines(file: Path, table: Path | None, tally: _Tally, shipped: bytes = b"") -> Iterator[bytes]:
    """The events as JSON lines. shipped: the text of a map that ships."""
    if table is None and not shipped:
        if file.suffixes[:1] == [".csv"]:
            raise Failure(f"{file}: a table needs --map MAP.toml, which says which column is what; docs/import.md shows one", status=2)
        with _source(file) as stream:
            yield from (line.strip() for line in _read_lines(stream, file) if line.strip())
        return
    from wardline.gateways.table import TableError, events_of, read_map

    try:
        mapped = read_map(shipped or _read(table or file), str(table or "the shipped map"))
        with _source(file) as stream:
            yield from _encoded(events_of(_texts(stream, file), mapped), tally)
    except TableError as error:
        raise Failure(str(error)) from None


def _encoded(found: Iterable[tuple[int, dict[str, Any] | Exception]], tally: _Tally) -> Iterator[bytes]:
    """Events as JSON lines; what a row or a line of a log has wrong is counted."""
    for _number, document in found:
        if isinstance(document, Exception):
            tally.lines += 1
            tally.refuse(str(document))
        else:
            yield msgspec.json.encode(document)


def _ssh_lines(file: Path, year: int, timezone: str, tally: _Tally) -> Iterator[bytes]:
    """The events of a log of sshd as JSON lines. Failure where it holds no attempt at all."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from wardline.gateways.sshd import LogClock, events_of

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure(f"--timezone: {timezone!r} is none; write it as Europe/Vienna or UTC", status=2) from None
    none = True
    with _source(file) as stream:
        clock = LogClock(ends=_last_written(file), year=year, zone=zone)
        for line in _encoded(events_of(_texts(stream, file, log=True), clock), tally):
            none = False
            yield line
    if none and not tally.refused:
        raise Failure(f"{file}: no line tells of a password that was tried or of a login; is it the log of an SSH server (sshd)?")


def _last_written(file: Path) -> datetime:
    """When a file was last written to; now where it is none, or where no calendar has that time."""
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.is_file() else datetime.now(UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)


def _read_lines(stream: IO[bytes], file: Path, *, log: bool = False) -> Iterator[bytes]:
    """Every line, without a byte order mark. Failure where a line is too long to be one, or where the file breaks off. log: other programs write
    to it too, and a line of theirs that is too long is passed over."""
    try:
        line = stream.readline(LINE_LIMIT_BYTES + 1).removeprefix(codecs.BOM_UTF8)
        while line:
            if len(line) <= LINE_LIMIT_BYTES:
                yield line
            elif not log:
                raise Failure(f"{file}: a line has more than {LINE_LIMIT_BYTES} bytes; write one event, or one row, a line")
            while len(line) > LINE_LIMIT_BYTES and not line.endswith(b"\n"):
                line = stream.readline(LINE_LIMIT_BYTES + 1)
            line = stream.readline(LINE_LIMIT_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Failure(
            f"{file}: not gzip, broken off or damaged ({error}); fetch it again, then import it again: what was taken is not taken twice"
        ) from None


def _chunks(lines: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """(number of the first event, lines), in portions that one request may hold."""
    first, chunk, size = 1, [], 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= CHUNK_BYTES or len(chunk) >= CHUNK_LINES:
            yield first, chunk
            first, chunk, size = first + len(chunk), [], 0
    if chunk:
        yield first, chunk


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error.strerror or error}); give a file in a folder that exists", status=2) from None
    with file:
        yield file


@contextlib.contextmanager
def _bar(total: int | None, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar over bytes, where a person looks on; gives what moves it."""
    console = err()
    if not wanted or not console.is_terminal:
        yield lambda size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("events", total=total)
        yield lambda size: progress.update(task, advance=size)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{path}: cannot be read ({error.strerror or error})", status=2) from None


def _source(file: Path) -> IO[bytes]:
    try:
        if str(file) == "-":
            return sys.stdin.buffer
        return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise Failure(f"{file}: cannot be read ({error.strerror or error}); give a file of events", status=2) from None
