"""The commands about mail: check, explain, learn, unlearn.

wardline check message.eml
wardline explain 01KAJ5S8ZX4T7Q0M3V9C2R6B1E
wardline learn spam ~/Maildir/.Junk
"""

import asyncio
import contextlib
import gc
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import typer

from wardline.commands.connection import Client, connect, open_program, server_runs
from wardline.commands.context import Context, Failure, context_of, counted, err, out, print_json, say_failure
from wardline.commands.entities import show_event
from wardline.commands.reading import Source, sources
from wardline.commands.tables import Sheet

if TYPE_CHECKING:
    from wardline.app import Program
    from wardline.base.config import Config
    from wardline.domains.mail.door import MailAnswer
    from wardline.domains.mail.examine import Examined
    from wardline.domains.mail.prepared import Prepared
    from wardline.engine.store.receipt import Receipt

# From so many messages on, the work is spread over processes.
BULK_FROM = 32
# So many are judged before their records go to the disk together.
DURABLE_TOGETHER = 128
COLOURS = {"allow": "green", "tag": "yellow", "junk": "red", "quarantine": "magenta", "defer": "magenta", "reject": "bold red"}

Paths = Annotated[list[Path], typer.Argument(readable=False, help="messages, folders, Maildirs, mbox files, or - for standard input")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("check", epilog="Example: wardline check message.eml")(check)
    app.command("explain", epilog="Example: wardline explain --to b@example.net --around 2026-11-21T09:30")(explain)
    app.command("learn", epilog="Example: wardline learn spam ~/Maildir/.Junk")(learn)
    app.command("unlearn", epilog="Example: wardline unlearn message.eml")(unlearn)


def check(ctx: typer.Context, paths: Paths, as_json: Json = False) -> None:
    """Judge messages: verdict, score and reasons. Each decision is recorded, so that `wardline explain ID` finds it."""
    context = context_of(ctx)
    found = list(sources(paths))
    if not found:
        raise Failure("there is no message under these paths", status=2)
    show = _json_check if as_json else _show_check if len(found) < BULK_FROM else _line_check
    failed = 0
    with _progress(len(found), "judging") as advance:
        if len(found) < BULK_FROM or server_runs(context):
            with connect(context) as client:
                for source in found:
                    with _one(source.name) as one:
                        show(source, client.post("/v1/mail/check", content=source.read()))
                    failed += one.failed
                    advance()
        else:
            failed = check_bulk(context, found, lambda source, answer: (show(source, msgspec.to_builtins(answer)), advance()))
    _end(failed, len(found))


class _Tried:
    """Whether one of many went wrong."""

    failed = False


@contextlib.contextmanager
def _one(name: str) -> Iterator[_Tried]:
    """One message of many: what is wrong with it is said under its name, and the others go on."""
    tried = _Tried()
    try:
        yield tried
    except Failure as failure:
        tried.failed = True
        text = str(failure)
        say_failure(text if text.startswith(name) else f"{name}: {text}")


def _end(failed: int, count: int) -> None:
    if failed and count > 1:
        raise Failure(f"{failed} of {count} messages could not be taken; the lines above say why")
    if failed:
        raise typer.Exit(1)


def check_bulk(context: Context, found: list[Source], done: Any, workers: int | None = None) -> int:
    """Judge many messages with all cores; `done(source, Checked)` for each, in order. Returns how many could not be read."""
    gc.disable()  # while everything is loaded, which stays, there is nothing to look for
    try:
        from wardline.commands.bulk import Bulk, work_of

        config = context.config()
        with Bulk(work_of(config, starter=context.starter), workers) as bulk:
            bulk.start(found)
            asyncio.run(_judge_all(context, config, bulk.prepared(), done))
            return bulk.failed
    finally:
        gc.unfreeze()
        gc.enable()


async def _judge_all(context: Context, config: "Config", prepared: Iterator[tuple[Source, "Prepared", bytes]], done: Any) -> None:
    program = open_program(context, config)
    gc.freeze()  # what stays is not to be searched again and again for what may go
    gc.enable()
    try:
        judged: list[_Judged] = []
        while some := list(itertools.islice(prepared, DURABLE_TOGETHER)):
            await program.journal.room()
            with program.journal.together():
                now = [await _judge(program, *one) for one in some]
            # While these go to the disk the next ones are judged: told is only what is durable.
            await _tell(program, judged, done)
            judged = now
        await _tell(program, judged, done)
    finally:
        await program.close()


class _Judged(NamedTuple):
    """A message whose record is on its way to the disk."""

    source: Source
    examined: "Examined"
    answer: "MailAnswer"
    receipt: "Receipt"
    started: float


async def _judge(program: "Program", source: Source, prepared: "Prepared", raw: bytes) -> _Judged:
    from wardline.domains.mail.events import Envelope

    started = time.perf_counter()
    answer, receipt = await program.point.decide_prepared(prepared, raw, Envelope(), source="cli", started=started)
    return _Judged(source, prepared.examined, answer, receipt, started)


async def _tell(program: "Program", judged: list[_Judged], done: Any) -> None:
    from wardline.domains.mail.events import Envelope
    from wardline.gateways.http.mail import checked

    for source, examined, answer, receipt, started in judged:
        await receipt
        done(source, checked(program.point.decided(answer, examined, Envelope(), source="cli", started=started)))


def _json_check(source: Source, answer: dict[str, Any]) -> None:
    keep = {name: answer[name] for name in ("id", "verdict", "score", "reasons", "policy", "model", "ms")}
    print_json({"file": source.name, **keep})


def _line_check(source: Source, answer: dict[str, Any]) -> None:
    verdict = answer["verdict"]
    if not sys.stdout.isatty():  # colours cost more than the verdict when there are thousands
        print(f"{verdict:<10} {answer['score']:.4f}  {answer['id']}  {_printable(source.name)}")
        return
    out(markup=True).print(
        f"[{COLOURS.get(verdict, 'white')}]{verdict:<10}[/] {answer['score']:.4f}  {answer['id']}  {_plain(source.name)}"
    )


def _show_check(source: Source, answer: dict[str, Any]) -> None:
    verdict, console = answer["verdict"], out(markup=True)
    console.print(f"[{COLOURS.get(verdict, 'white')}]{verdict}[/]  score {answer['score']:.4f}  {_plain(source.name)}")
    for reason in answer["reasons"]:
        console.print(f"    {_bar(reason['score'])} {reason['detector']:<16} {_plain(reason['text'])}")
    console.print(f"    [dim]id {answer['id']}, {answer['policy']}, {answer['ms']:.1f} ms[/]")


def _bar(score: float) -> str:
    """Ten cells from benign to abusive."""
    filled = round(score * 10)
    colour = "red" if score >= 0.5 else "green"
    return f"[{colour}]{'▮' * filled}[/][dim]{'▯' * (10 - filled)}[/]"


def _plain(text: str) -> str:
    """Text for rich: no control characters, no markup."""
    return _printable(text).replace("[", "\\[")


def _printable(text: str) -> str:
    """Text for a terminal: no control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)


def explain(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help="the id of a decision or an event, a queue id, a Message-ID, or a message file")] = "",
    to: Annotated[str, typer.Option("--to", help="the recipient whose mail is looked for")] = "",
    around: Annotated[
        str, typer.Option("--around", help="with --to: about when, such as 2026-11-21T09:30 (local time without a zone)")
    ] = "",
    as_json: Json = False,
) -> None:
    """Explain a decision: facts, every detector's signal and cost, the policy line that decided, words, and what would have flipped it."""
    if not what and not to:
        raise Failure("give a decision id, a queue id, a Message-ID or a file; or --to RECIPIENT to ask where mail went", status=2)
    with connect(context_of(ctx)) as client:
        if to:
            _explain_found(client, client.get("/v1/decisions", recipient=to, around=_around(around)), as_json)
        elif Path(what).is_file():
            _show_explanation(client.post("/v1/mail/explain", content=Path(what).read_bytes()), as_json)
        else:
            _explain_recorded(client, what, as_json)


def _explain_recorded(client: Client, what: str, as_json: bool) -> None:
    """A message's decision by any of its ids; else an event's, whose id is whatever its sender gave."""
    try:
        if re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}|k[0-9a-f]{32}", what):
            _show_explanation(client.get(f"/v1/decisions/{what}"), as_json)
        else:
            key = "message_id" if "@" in what else "queue_id"
            _explain_found(client, client.get("/v1/decisions", **{key: what}), as_json)
    except Failure as failure:
        try:
            found = client.get("/v1/events", id=what)
        except Failure:
            raise failure from None
        if as_json:
            print_json(found)
        else:
            show_event(found)


def _around(text: str) -> str:
    if not text:
        return ""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except ValueError:
        raise Failure("--around: not a time; write 2026-11-21T09:30", status=2) from None


def _explain_found(client: Client, answer: dict[str, Any], as_json: bool) -> None:
    decisions = answer["decisions"]
    if not decisions:
        raise Failure("no decision was found; it may be older than the store keeps, erased, or made elsewhere")
    if len(decisions) == 1:
        _show_explanation(client.get(f"/v1/decisions/{decisions[0]['id']}"), as_json)
    elif as_json:
        print_json(answer)
    else:
        sheet = Sheet("time", "id", "verdict", "score", "done", "first reason")
        for item in decisions:
            reason = item["reasons"][0]["text"] if item["reasons"] else ""
            done = f"{item['action']} ({item['mode']})"
            sheet.add_row(item["time"][:19], item["id"], item["verdict"], f"{item['score']:.3f}", done, reason)
        out().print(sheet)


def _show_explanation(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    console = out(markup=True)
    when = datetime.fromtimestamp(found["time_s"], UTC).isoformat()[:19]
    colour = COLOURS.get(found["verdict"], "white")
    console.print(f"[{colour}]{found['verdict']}[/]  score {found['score']:.4f}  {found['id'] or '(not recorded)'}  {when}Z")
    console.print(
        f"decided by line [bold]{found['line'] or 'none: the mildest verdict'}[/] of {found['policy']}, model {found['model']}, mode {found['mode']}"
    )
    if found["changed"]:
        console.print(f"[yellow]{_plain(found['changed'])}[/]")
    console.print("\n[bold]Detectors[/] (log-odds they added; cost)")
    for item in found["detectors"]:
        added = f"{item['contribution']:+.2f}" if item["score"] is not None else "  –  "
        style = "red" if item["contribution"] > 0 else "green" if item["contribution"] < 0 else "dim"
        console.print(
            f"  [{style}]{added:>7}[/] {item['name']:<16} {_plain(item['reason'] or 'nothing to say')} [dim]{item['cost_us']:.0f} µs[/]"
        )
    console.print("\n[bold]Policy lines[/]")
    for line in found["lines"]:
        mark = "→" if line["decided"] else " "
        held = {True: "held", False: "did not hold", None: "unknown"}[line["held"]]
        console.print(f"  {mark} {line['name']:<14} {line['verdict']:<10} {held:<13} [dim]{_plain(line['when'])}[/]")
    console.print("\n[bold]Words[/]")
    for word in found["words"]:
        style = "red" if word["weight"] > 0 else "green"
        console.print(f"  [{style}]{word['weight']:+.3f}[/] {word['field']:<10} {_plain(word['text'])}")
    if found["words_note"]:
        console.print(f"  [dim]{found['words_note']}[/]")
    console.print("\n[bold]What would have changed it[/]")
    for flip in found["flips"]:
        console.print(f"  {flip}")
    console.print("\n[bold]Facts[/]")
    for name, value in sorted(found["values"].items()):
        if value not in (None, [], False, 0, ""):
            console.print(f"  {name:<32} {_plain(json.dumps(value, ensure_ascii=False))}")


def learn(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="spam or ham")],
    paths: Paths,
    user: Annotated[str, typer.Option("--user", help="who says so; without it the site does")] = "",
    as_json: Json = False,
) -> None:
    """Learn that messages are spam or ham. A label counts once; the other label for the same message replaces it."""
    if label not in ("spam", "ham"):
        raise Failure("the first word is spam or ham: wardline learn spam FILE", status=2)
    _label(context_of(ctx), label, list(sources(paths)), user, as_json)


def unlearn(
    ctx: typer.Context,
    paths: Paths,
    user: Annotated[str, typer.Option("--user", help="whose label is taken back")] = "",
    as_json: Json = False,
) -> None:
    """Take labels back, exactly: what was learned from these messages is subtracted again."""
    _label(context_of(ctx), None, list(sources(paths)), user, as_json)


def _label(context: Context, label: str | None, found: list[Source], user: str, as_json: bool) -> None:
    if not found:
        raise Failure("there is no message under these paths", status=2)
    counts = {"messages": 0, "learned": 0, "already": 0}
    failed = 0

    def count(learned: bool, already: bool) -> None:
        counts["messages"] += 1
        counts["learned"] += learned
        counts["already"] += already

    with _progress(len(found), "learning" if label else "taking back") as advance:
        if len(found) < BULK_FROM or label is None or server_runs(context):
            with connect(context) as client:
                for source in found:
                    path = "/v1/mail/learn" if label else "/v1/mail/unlearn"
                    with _one(source.name) as one:
                        answer = client.post(path, content=source.read(), query={"label": label or "", "user": user})
                        count(answer["learned"], answer["already"])
                    failed += one.failed
                    advance()
        else:

            def done(answer: Any) -> None:
                count(answer.learned, answer.already)
                advance()

            failed = learn_bulk(context, found, label == "spam", user, done)
    if as_json:
        print_json(counts)
    else:
        moved = "moved the model" if label else "taken back"
        out().print(f"{counted(counts['messages'], 'message')}: {counts['learned']} {moved}, {counts['already']} known already")
    _end(failed, len(found))


def learn_bulk(context: Context, found: list[Source], abusive: bool, user: str, done: Any) -> int:
    """Learn many messages with all cores. Returns how many could not be read."""
    from wardline.commands.bulk import Bulk, work_of

    config = context.config()

    async def run(bulk: Bulk) -> None:
        bulk.start(found)
        program = open_program(context, config)
        try:
            for _source, prepared, _raw in bulk.prepared():
                examined = prepared.examined
                done(await program.learner.learn_examined(examined, None, abusive=abusive, subject=user, source="cli", wait=False))
            await program.learner.settled()
        finally:
            await program.close()

    with Bulk(work_of(config, starter=False)) as bulk:
        asyncio.run(run(bulk))
        return bulk.failed


@contextlib.contextmanager
def _progress(total: int, what: str) -> Any:
    """A progress bar on standard error when there is much to do and somebody watches."""
    console = err()
    if total < BULK_FROM or not console.is_terminal:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
