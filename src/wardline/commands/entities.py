"""The command of entities: what happened to one, and who is near it.

wardline entity show account:alice
wardline entity neighbours account:5f2c0e7a91b2c3d4e5f60718 --json
"""

from typing import Annotated, Any

import msgspec
import typer

from wardline.commands.connection import connect
from wardline.commands.context import Failure, context_of, out, print_json
from wardline.commands.tables import Sheet, printable

PARTS_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("entity", epilog="Example: wardline entity show account:alice")(entity)


def entity(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="show|neighbours")],
    about: Annotated[str, typer.Argument(help="such as account:alice, ip:192.0.2.7, or a pseudonym as account:5f2c…")],
    limit: Annotated[int, typer.Option("--limit", help="how many records or neighbours, at most 200")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")] = False,
) -> None:
    """Entities: the timeline of an account, an address or a device; the accounts that share rare things with an account."""
    if what not in ("show", "neighbours"):
        raise Failure("the first word is show or neighbours", status=2)
    with connect(context_of(ctx)) as client:
        path = "/v1/entities" if what == "show" else "/v1/entities/neighbours"
        found = client.get(path, about=about, limit=limit)
    if as_json:
        print_json(found)
    elif what == "show":
        _show(found, about)
    else:
        _near(found)


def _show(found: Any, given: str) -> None:
    reputation, standing, cluster = found["reputation"], found["standing"], found["cluster"]
    said = {True: "abusive", False: "not abusive", None: "nothing conclusive"}[standing["abusive"]]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(reputation["verdicts"].items())) or "none"
    out().print(f"{found['about']}: labels say {said}; verdicts: {verdicts}")
    if cluster:
        out().print(
            f"in a cluster of {cluster['size']} accounts, {cluster['bad']} called abusive and {cluster['good']} called benign by labels"
        )
    for action in found["actions"]:
        out().print(f"action {action['id']}: {action['kind']}, {action['status']}")
    if not found["timeline"]:
        out().print(
            "nothing is recorded under this name, or no more"
            + ("" if ":" in given else f"; {printable(given)!r} was taken for an event's id: an account is written account:NAME")
        )
        return
    sheet = Sheet("when", "what", "verdict", "score", "why")
    for moment in found["timeline"]:
        score = f"{moment['score']:.2f}" if moment.get("score") is not None else ""
        sheet.add_row(
            moment["at"][:19], moment["what"] or moment["kind"], moment.get("verdict", ""), score, " ".join(moment.get("reasons", [])[:1])
        )
    out().print(sheet)


def show_event(found: Any) -> None:
    """One event as GET /v1/events tells it."""
    console = out()
    decided = f"{found['verdict']}  score {found['score']:.4f}  " if found["verdict"] else ""
    console.print(printable(f"{decided}{found['type']}  {found['id']}  {found['occurred_at'][:19]}Z"))
    if found["verdict"]:
        line = found["line"] or "none: the mildest verdict"
        console.print(f"decided by line {line} of {found['policy']}, mode {found['mode']}")
    for title, texts in (
        ("Reasons", found["reasons"]),
        ("Obligations", [msgspec.json.encode(each).decode() for each in found["obligations"]]),
        ("Rules that matched", found["hits"]),
        ("Rules in shadow that would have matched", found["shadow"]),
        ("Rules that failed", found["failed"]),
        ("Counters, before this event counted", _known(found["read"])),
        ("Facts", _known(found["facts"])),
    ):
        if texts:
            console.print(f"\n{title}", style="bold")
        for text in texts:
            console.print(f"  {printable(text)}")
    if model := found.get("model"):
        console.print(
            f"\n[bold]What the model {model['model']} saw[/] (log-odds; together {model['evidence']:+.2f}, then held within bounds)",
            markup=True,
        )
        console.print(f"  {model['base']:+.2f} before anything is known of an event")
        for part in model["parts"][:PARTS_SHOWN]:
            value = "unknown" if part["value"] is None else msgspec.json.encode(part["value"]).decode()
            console.print(printable(f"  {part['log_odds']:+.2f} {part['name']:<32} {value}"))
        rest = model["parts"][PARTS_SHOWN:]
        if rest:
            console.print(f"  {sum(part['log_odds'] for part in rest):+.2f} {len(rest)} more")


def _known(values: dict[str, Any]) -> list[str]:
    return [f"{name:<32} {msgspec.json.encode(value).decode()}" for name, value in sorted(values.items()) if value is not None]


def _near(found: Any) -> None:
    if not found["known"]:
        out().print(f"{found['about']}: not among the accounts that the graph remembers")
        return
    sheet = Sheet("account", "bits", "same cluster", "shares", whole=("account",))
    for one in found["neighbours"]:
        shares = ", ".join(f"{shared['what']} ({shared['bits']:g} bits, {shared['accounts']} accounts)" for shared in one["shared"])
        sheet.add_row(one["account"], f"{one['bits']:g}", "yes" if one["same_cluster"] else "no", shares)
    out().print(sheet)
