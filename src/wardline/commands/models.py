"""The commands of models: train signup|login, model list|show|promote|rollback.

wardline train signup --since 60d
wardline model promote signup-2026-11-26 --as ada
wardline model rollback signup --reason "too many students challenged"
"""

from typing import Annotated, Any

import typer

from wardline.commands.connection import connect
from wardline.commands.context import context_of, err, out, print_json
from wardline.commands.history import say_waiting
from wardline.commands.policy import As, Json, Reason, user
from wardline.commands.tables import Sheet, printable

IMPORTANT = 12


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    model = typer.Typer(help="Trained models: which there are, what each is worth, which serves.", no_args_is_help=True)
    model.command("list", epilog="Example: wardline model list --json")(list_models)
    model.command("show", epilog="Example: wardline model show signup-2026-11-26")(show)
    model.command("promote", epilog="Example: wardline model promote signup-2026-11-26")(promote)
    model.command("rollback", epilog='Example: wardline model rollback signup --reason "too many students challenged"')(rollback)
    app.add_typer(model, name="model")


def train(point: str, ctx: typer.Context, since: str, until: str, shuffled: bool, who: str, as_json: bool) -> None:
    """Train a model of a decision point, and tell what it is worth."""
    with connect(context_of(ctx)) as client:
        if not as_json:
            say_waiting(client)
            if err().is_terminal:
                err().print("training …", end="\r")
        order = {"point": point, "since": since, "until": until, "shuffled": shuffled, "actor": who or user()}
        card = client.post("/v1/models/train", order)
    _show(card, as_json)
    if not as_json and not card["refused"]:
        out().print(f"\nto let it serve: wardline model promote {card['name']}")


def list_models(ctx: typer.Context, as_json: Json = False) -> None:
    """Every trained model, and which serves."""
    with connect(context_of(ctx)) as client:
        models = client.get("/v1/models")["models"]
    if as_json:
        print_json({"models": models})
        return
    sheet = Sheet("model", "made", "rows", "found at 1 %", "before", "area", "before", "state", whole=("model",))
    for model in models:
        state = (
            (f"serves, but: {model['fault']}" if model["fault"] else "serves")
            if model["serves"]
            else ("refused" if model["refused"] else "")
        )
        figures = (_number(model[key]) for key in ("found", "found_before", "area", "area_before"))
        sheet.add_row(model["name"], model["made"][:10], str(model["rows"]), *figures, state)
    out().print(sheet if models else "there are no models yet; docs/models.md shows how to train one")


def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="a model's name")], as_json: Json = False) -> None:
    """A model's card: what it was made from, how it was judged, what it errs in."""
    with connect(context_of(ctx)) as client:
        _show(client.get(f"/v1/models/{name}"), as_json)


def promote(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="a model's name")],
    reason: Reason = "",
    who: As = "",
    as_json: Json = False,
) -> None:
    """Let a model serve. Refused where it was worse than what serves, on later events than it learned from."""
    with connect(context_of(ctx)) as client:
        card = client.post("/v1/models/promote", {"name": name, "reason": reason, "actor": who or user()})
    _say({"point": card["point"], "serves": card["name"]}, as_json)


def rollback(
    ctx: typer.Context,
    point: Annotated[str, typer.Argument(help="signup or login")],
    reason: Reason = "",
    who: As = "",
    as_json: Json = False,
) -> None:
    """Take the serving model back at once; what served before it serves again."""
    with connect(context_of(ctx)) as client:
        _say(client.post("/v1/models/rollback", {"point": point, "reason": reason, "actor": who or user()}), as_json)


def _say(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        out().print(f"{document['point']}: {document['serves'] or 'no model'} serves")


def _show(card: Any, as_json: bool) -> None:
    if as_json:
        print_json(card)
        return
    data, figures, console = card["data"], card["figures"], out()
    console.print(f"[bold]{card['name']}[/]  a model of {card['point']}, made {card['made']}; values {data['origin']}", markup=True)
    sheet = Sheet("decisions", "honest", "abusive", "from", "to")
    for what, words in (("trained", "learned from"), ("calibrated", "calibrated with"), ("held", "judged on")):
        part = data[what]
        sheet.add_row(words, str(part["honest"]), str(part["abusive"]), part["first"][:16], part["last"][:16])
    console.print(sheet)
    sheet = Sheet("on the last of them", "area", "found at 0.1 %", "found at 1 %", "log loss")
    rows = [
        ("detectors", "the detectors alone"),
        ("present", f"what serves ({card['present'] or 'no model'})"),
        ("alone", "the model alone"),
        ("new", "detectors and model"),
        ("unseen_present", "of unseen groups: what serves"),
        ("unseen_new", "of unseen groups: detectors and model"),
    ]
    for key, words in rows:
        if score := figures[key]:
            sheet.add_row(
                words, _number(score["area"]), *(_share(score["found"][rate]) for rate in ("0.1%", "1.0%")), f"{score['loss']:.4f}"
            )
    console.print(sheet)
    if figures["asked_new"]:
        asked = f"{_share(figures['asked_present'])}, with the model {_share(figures['asked_new'])}"
        console.print(f"honest ones that the policy would ask for something: now {asked}")
    console.print(
        f"won {figures['won']}, lost {figures['lost']}, tied {figures['tied']}; ONNX and LightGBM differ by {card['difference']:.1e} at most"
    )
    for mistake in figures["worst"]:
        what = "abusive, passed over" if mistake["abusive"] else "honest, suspected"
        console.print(
            printable(f"a new mistake: {mistake['id']} ({what}): log-odds {mistake['before']:+.2f} before, {mistake['after']:+.2f} now")
        )
    weights = ", ".join(f"{name} {share:.0%}" for name, share in list(card["importance"].items())[:IMPORTANT])
    console.print(printable(f"what it looks at: {weights}"))
    for reason in card["refused"]:
        console.print(printable(f"may not be promoted: {reason}"), style="yellow")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _share(share: Any) -> str:
    return "" if share["share"] is None else f"{share['share']:.3f} ({share['low']:.3f}-{share['high']:.3f})"
