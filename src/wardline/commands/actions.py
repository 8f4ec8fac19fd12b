"""The command of actions: see where they stand, begin one, take it back, send a dead letter again, approve what is held.

wardline action list --status failed
wardline action begin lock account:alice --hours 24 --reason "the owner wrote to us" --by ada
wardline action undo 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --reason "the wrong one"
"""

from typing import Annotated, Any

import typer

from wardline.commands.connection import connect
from wardline.commands.context import Failure, context_of, out, print_json
from wardline.commands.tables import Sheet

HOURS_LIMIT = 366 * 24
Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]
ACTS = {"undo": "it ends", "retry": "on its way again", "approve": "approved", "refuse": "refused"}


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("action", epilog='Example: wardline action undo 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --reason "the wrong one"')(action)


def action(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="list|show|begin|undo|retry|approve|refuse")] = "list",
    which: Annotated[str, typer.Argument(help="the action's id; with begin: its kind, such as lock; with retry: nothing for all")] = "",
    entity: Annotated[str, typer.Argument(help="with begin: on whom, as account:alice")] = "",
    status: Annotated[str, typer.Option("--status", help="with list: only these, also what has settled")] = "",
    on: Annotated[str, typer.Option("--on", help="with list: only those on this entity")] = "",
    hours: Annotated[float, typer.Option("--hours", help="with begin: when it ends by itself")] = 24.0,
    key: Annotated[str, typer.Option("--key", help="with begin: the same key is the same action")] = "",
    reason: Annotated[str, typer.Option("--reason", help="why, in one sentence")] = "",
    by: Annotated[str, typer.Option("--by", help="who acts, for the audit and for the second person")] = "",
    as_json: Json = False,
) -> None:
    """Actions: effects on accounts and other entities. Each ends, by an undo or by itself."""
    with connect(context_of(ctx)) as client:
        if what == "list":
            _list(client.get("/v1/actions", status=status, entity=on), as_json)
        elif what == "begin":
            if not which or not entity:
                raise Failure("give what and on whom: wardline action begin lock account:alice --hours 24", status=2)
            if not 0 < hours <= HOURS_LIMIT:
                raise Failure(f"--hours: above 0, at most {HOURS_LIMIT}", status=2)
            document = {"kind": which, "entity": entity, "ttl_seconds": int(hours * 3600), "key": key, "reason": reason, "by": by}
            begun = client.post("/v1/actions", document)
            held = "; beyond the cap: held until somebody else approves it" if begun["status"] == "held" else ""
            _say(begun, as_json, f"{begun['id']} {begun['kind']} on {begun['entity']}: {begun['status']}{held}")
        elif what == "retry" and not which:
            again = client.post("/v1/actions/retry", {"by": by})
            _say(again, as_json, f"{again['retried']} on their way again")
        elif what in (*ACTS, "show"):
            if not which:
                raise Failure(f"give the id: wardline action {what} ID; `wardline action list` prints them", status=2)
            if what == "show":
                _show(client.get(f"/v1/actions/{which}"), as_json)
            else:
                done = client.post(f"/v1/actions/{which}/{what}", {"reason": reason, "by": by})
                _say(done, as_json, f"{ACTS[what]}: {done['status']}")
        else:
            raise Failure("the first word is list, show, begin, undo, retry, approve or refuse", status=2)


def _say(document: Any, as_json: bool, text: str) -> None:
    if as_json:
        print_json(document)
    else:
        out().print(text)


def _list(found: Any, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if found["actions"]:
        sheet = Sheet("id", "kind", "entity", "status", "ends", "cause", "error")
        for one in found["actions"]:
            cause = f"{one['cause']['kind']} {one['cause']['id']}"
            sheet.add_row(one["id"], one["kind"], one["entity"], one["status"], one["expires_at"][:16], cause, one["error"])
        out().print(sheet)
    state = [f"{found['waiting']} messages wait", f"{found['failed']} failed", f"{found['held']} held"]
    state += ["paused: nothing is sent"] if found["paused"] else []
    state += [] if found["receiver"] else ["no receiver is configured (outbox.url)"]
    out().print("; ".join(state))


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for name in ("id", "kind", "entity", "status", "because", "reason", "key", "actor", "requested_at", "expires_at", "error"):
        if found[name]:
            out().print(f"{name:<16} {found[name]}")
    out().print(f"{'cause':<16} {found['cause']['kind']} {found['cause']['id']}")
    for step in found["steps"]:
        more = " ".join(str(step[name]) for name in ("phase", "actor", "reason", "error") if step.get(name))
        out().print(f"{step['at'][:19]}  {step['op']:<10} {more}")
