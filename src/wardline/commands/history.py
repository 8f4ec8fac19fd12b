"""The commands of analysts: query the history, and its care.

wardline query "login where failures_prefix24_1h > 20 and missing(ip.asn)" --since 30d
wardline query "login where verdict == 'reject'" --count --by ip.country
wardline compact
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from wardline.commands.connection import Client, connect
from wardline.commands.context import Failure, context_of, counted, err, out, print_json
from wardline.commands.tables import Sheet

Json = Annotated[bool, typer.Option("--json", help="one JSON document, for machines")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("query", epilog='Example: wardline query "login where failures_account_10m > 5" --count --by ip.country --since 30d')(query)
    app.command("compact", epilog="Example: wardline compact --verify")(compact)


def query(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help='an event type, and a condition in the rule language: "login where score > 0.5"')],
    select: Annotated[str, typer.Option("--select", help="names to show, separated by commas")] = "",
    count: Annotated[bool, typer.Option("--count", help="how many instead of which")] = False,
    by: Annotated[str, typer.Option("--by", help="with --count: one number for each value of these names")] = "",
    since: Annotated[str, typer.Option("--since", help="30d, 12h, 2026-11-21 or 2026-11-21T09:30 (UTC)")] = "",
    until: Annotated[str, typer.Option("--until", help="the same; not included")] = "",
    limit: Annotated[int, typer.Option("--limit", help="rows to show")] = 20,
    seconds: Annotated[float, typer.Option("--seconds", help="stop the question after so long")] = 30.0,
    sql: Annotated[bool, typer.Option("--sql", help="also show the SQL that was run, and its parameters")] = False,
    as_json: Json = False,
) -> None:
    """Ask months of events and decisions a question in the language of rules. Nothing is changed."""
    order = {
        "text": question,
        "select": _names(select),
        "count": count,
        "by": _names(by),
        "since": since,
        "until": until,
        "limit": limit,
        "seconds": seconds,
    }
    with connect(context_of(ctx)) as client:
        if not as_json:
            say_waiting(client)
        reply = client.post("/v1/query", order)
    if as_json:
        print_json(reply)
        return
    _table(reply)
    if sql:
        err().print(f"{reply['sql']}\nparameters: {reply['parameters']}", soft_wrap=True)


def say_waiting(client: Client) -> None:
    """Tell a person who looks on that new records are compacted before the history answers, which may take a minute."""
    console = err()
    if console.is_terminal:
        standing = client.get("/v1/history")
        if standing["compacts_first"]:
            console.print(f"compacting first: {standing['waiting']:,} records are new …")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _table(reply: dict[str, Any]) -> None:
    sheet = Sheet(*("occurred" if name == "occurred_us" else name for name in reply["columns"]), whole=("occurred", "id"))
    for row in reply["rows"]:
        sheet.add_row(*(_shown(name, value) for name, value in zip(reply["columns"], row, strict=True)))
    if reply["rows"]:
        out().print(sheet)
    rows = len(reply["rows"])
    more = ", and there are more: --limit shows them" if reply["more"] else ""
    err().print(f"{counted(rows, 'row')} in {reply['seconds']:.2f} s{more}")


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "unknown"
    if name in ("occurred_us", "recorded_us", "_occurred_us", "_recorded_us"):
        try:
            return datetime.fromtimestamp(value / 1e6, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
        except (ValueError, OverflowError, OSError):
            return str(value)
    return ", ".join("unknown" if member is None else str(member) for member in value) if isinstance(value, list) else str(value)


def compact(
    ctx: typer.Context,
    verify: Annotated[bool, typer.Option("--verify", help="only compare every file with its checksum")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="remove the history and write it anew from the journal")] = False,
    as_json: Json = False,
) -> None:
    """Write what is new in the journal to the history's Parquet files. A server that runs does it by itself."""
    if verify and rebuild:
        raise Failure("--verify and --rebuild exclude each other", status=2)
    with connect(context_of(ctx)) as client:
        found = client.post("/v1/history/compact", {"what": "verify" if verify else "rebuild" if rebuild else "new"})
    if as_json:
        print_json(found)
    elif verify:
        for defect in found["defects"]:
            out().print(defect)
        if not found["defects"]:
            out().print(f"{found['files']} files are as they were written")
    else:
        out().print(
            f"{found['records']} records written; {found['all_records']} records in {found['all_files']} files, {found['all_bytes'] >> 10} KB"
        )
    if verify and found["defects"]:
        raise SystemExit(1)
