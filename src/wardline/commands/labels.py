"""The commands of labels: say that something was abusive or not, take it back, see what stands.

wardline label add account:alice --abusive --source desk --kind takeover --reason "the owner wrote to us"
wardline label withdraw 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --reason "it was him after all"
wardline label show account:alice
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from wardline.commands.connection import Client, connect
from wardline.commands.context import Failure, context_of, err, out, print_json
from wardline.commands.tables import Sheet, printable

DAYS_LIMIT = 36_500
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("label", epilog="Example: wardline label add account:alice --abusive --source desk --kind takeover")(label)


def label(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="add|withdraw|show")],
    about: Annotated[str, typer.Argument(help="an event's id, or an entity as account:alice; with withdraw: the label's id")],
    abusive: Annotated[bool | None, typer.Option("--abusive/--benign", help="what it was")] = None,
    source: Annotated[str, typer.Option("--source", help="who says so")] = "desk",
    kind: Annotated[str, typer.Option("--kind", help="what kind of abuse, such as spam or takeover")] = "",
    confidence: Annotated[float, typer.Option("--confidence", help="above 0, at most 1")] = 1.0,
    reason: Annotated[str, typer.Option("--reason", help="why, in one sentence")] = "",
    days: Annotated[float, typer.Option("--days", help="when it expires; 0: never")] = 0.0,
    as_of_seq: Annotated[int, typer.Option("--as-of", help="with show: what was known at this record of the journal")] = 0,
    as_json: Json = False,
) -> None:
    """Labels: statements that an event or an entity was abusive or not. Appended and withdrawn, never overwritten."""
    with connect(context_of(ctx)) as client:
        if what == "add":
            if abusive is None:
                raise Failure("say which: --abusive or --benign", status=2)
            if not 0 <= days <= DAYS_LIMIT:
                raise Failure(f"--days: 0 (never) to {DAYS_LIMIT}", status=2)
            if not 0 < confidence <= 1:
                raise Failure("--confidence: above 0, at most 1", status=2)
            expires = datetime.now(UTC) + timedelta(days=days) if days else None
            document = {
                "about": about,
                "abusive": abusive,
                "source": source,
                "kind": kind,
                "confidence": confidence,
                "reason": reason,
                "expires_at": expires,
            }
            given = client.post("/v1/labels", document)
            _say(given, as_json, f"{given['id']} about {given['about']}, counts as {given['counts_as']}")
            if not as_json and ":" not in about and not _ULID.fullmatch(about):
                _doubt(client, about)
        elif what == "withdraw":
            gone = client.delete(f"/v1/labels/{about}", reason=reason)
            _say(gone, as_json, f"withdrawn: {gone['withdrawn']}")
        elif what == "show":
            _show(client.get("/v1/labels", about=about, as_of_seq=as_of_seq or None), as_json)
        else:
            raise Failure("the first word is add, withdraw or show", status=2)


def _doubt(client: Client, about: str) -> None:
    """A name without its kind is taken for an event's id. Where no event has it, it was probably meant for an account's name."""
    try:
        client.get("/v1/events", id=about)
    except Failure:
        err().print(f"no event {printable(about)!r} is recorded here; an account is written account:NAME", style="yellow")


def _say(document: Any, as_json: bool, text: str) -> None:
    if as_json:
        print_json(document)
    else:
        out().print(text)


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    standing = found["standing"]
    verdict = {True: "abusive", False: "not abusive", None: "nothing conclusive"}[standing["abusive"]]
    out().print(f"{found['about']}: {verdict} (score {standing['score']:.3f}, {standing['sources']} sources, {standing['labels']} labels)")
    if not found["labels"]:
        return
    sheet = Sheet("id", "said", "abusive", "kind", "source", "confidence", "state", "reason")
    for one in found["labels"]:
        expired = one["expires_at"] is not None and datetime.fromisoformat(one["expires_at"]) <= datetime.now(UTC)
        state = "withdrawn" if one["withdrawn"] else "expired" if expired else "stands"
        said = "yes" if one["abusive"] else "no"
        source = one["source"] if one["source"] == one["counts_as"] else f"{one['source']} (as {one['counts_as']})"
        sheet.add_row(one["id"], one["said_at"][:16], said, one["kind"], source, f"{one['confidence']:.2f}", state, one["reason"])
    out().print(sheet)
