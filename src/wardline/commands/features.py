"""The commands of features: what rules may read, one of them, and counters computed over history.

wardline features list
wardline features show failures_prefix24_1h
wardline features backfill failures_prefix24_1h
"""

from typing import Annotated

import msgspec
import typer

from wardline.commands.connection import connect
from wardline.commands.context import context_of, out, print_json
from wardline.commands.tables import Sheet

Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]
group = typer.Typer(name="features", help="What rules may read: facts of events, and counters.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group.command("list", epilog="Example: wardline features list --counters")(list_features)
    group.command("show", epilog="Example: wardline features show failures_prefix24_1h")(show)
    group.command("backfill", epilog="Example: wardline features backfill failures_prefix24_1h")(backfill)
    app.add_typer(group, name="features")


def list_features(
    ctx: typer.Context,
    counters: Annotated[bool, typer.Option("--counters", help="counters alone")] = False,
    as_json: Json = False,
) -> None:
    """Every fact and counter with its type and what it says, and how full the tables of keys are."""
    with connect(context_of(ctx)) as client:
        found = client.get("/v1/features")
    if counters:
        found["features"] = [line for line in found["features"] if line["source"] == "counter"]
    if as_json:
        print_json(found)
        return
    sheet = Sheet("name", "type", "source", "known from", "what it says", whole=("name",))
    for line in found["features"]:
        sheet.add_row(line["name"], line["type"], line["source"], line["known_from"] or "the beginning", line["line"])
    out().print(sheet)
    keys = Sheet("key", "keys", "of them seen again", "MB", "given up", whole=("key",))
    for row in found["tables"]:
        total = row["keys_once"] + row["keys_again"]
        name = " and ".join(row["key"]) or "(everything)"
        keys.add_row(name, f"{total:,}", f"{row['keys_again']:,}", f"{row['bytes'] / 1e6:.1f}", f"{row['evicted']:,}")
    out().print(keys)


def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="its name")], as_json: Json = False) -> None:
    """Everything about one feature."""
    from urllib.parse import quote

    with connect(context_of(ctx)) as client:
        found = client.get(f"/v1/features/{quote(name, safe='')}")
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        if value is not None:
            if isinstance(value, list):
                told = ", ".join(value)
            else:
                told = msgspec.json.encode(value).decode() if isinstance(value, dict) else str(value)
            out().print(f"{key:<12} {told}")


def backfill(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="counters; none: all that are not known from the beginning")] = None,
    as_json: Json = False,
) -> None:
    """Compute counters over the journal's history, beside the running state; then they read as if declared from the beginning."""
    with connect(context_of(ctx)) as client:
        found = client.post("/v1/features/backfill", {"names": names or []})
    if as_json:
        print_json(found)
        return
    if not found["computed"]:
        out().print("nothing to compute: every counter is known from the beginning")
        return
    out().print(f"computed {', '.join(found['computed'])} over {found['records']:,} records")
