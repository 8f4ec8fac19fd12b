"""The commands of sources: what is declared and how it does, one of them, trying a file, loading anew, what can be declared.

wardline sources list
wardline sources check tor.txt --kind tor
wardline sources reload --accept tor-exits
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from wardline.commands.connection import connect
from wardline.commands.context import Failure, context_of, out, print_json
from wardline.commands.tables import Sheet

Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]
group = typer.Typer(name="sources", help="What is known from elsewhere: lists, address ranges, leaked passwords.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group.command("list", epilog="Example: wardline sources list")(list_sources)
    group.command("show", epilog="Example: wardline sources show tor-exits")(show)
    group.command("check", epilog="Example: wardline sources check tor.txt --kind tor --ask 192.0.2.7")(check)
    group.command("reload", epilog="Example: wardline sources reload --accept tor-exits")(reload)
    group.command("kinds", epilog="Example: wardline sources kinds")(kinds)
    app.add_typer(group, name="sources")


def list_sources(ctx: typer.Context, as_json: Json = False) -> None:
    """Every declared source: its state, age, licence, hits and false hits."""
    with connect(context_of(ctx)) as client:
        found = client.get("/v1/sources")
    if as_json:
        print_json(found)
        return
    _table(found)


def _table(found: dict[str, Any]) -> None:
    if not found["sources"] and not found["wrong_declarations"]:
        out().print("no source is declared; `wardline sources kinds` shows what one can look like")
        return
    sheet = Sheet("name", "kind", "state", "entries", "age (days)", "owner", "licence", "hits", "false hits", whole=("name",))
    for source in found["sources"]:
        rate = source["false_hit_rate"]
        sheet.add_row(
            source["name"],
            source["kind"],
            source["state"],
            f"{source['entries']:,}",
            "" if source["age_days"] is None else f"{source['age_days']:.1f}",
            source["owner"],
            source["licence"],
            f"{source['hits']:,}",
            "" if rate is None else f"{rate:.1%} of {source['labelled_hits']}",
        )
    out().print(sheet)
    for line in [source["detail"] for source in found["sources"] if source["detail"]] + found["wrong_declarations"]:
        out().print(line)


def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="its name")], as_json: Json = False) -> None:
    """Everything about one source."""
    from urllib.parse import quote

    with connect(context_of(ctx)) as client:
        found = client.get(f"/v1/sources/{quote(name, safe='')}")
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        out().print(f"{key:<16} {'' if value is None else value}")


def reload(
    ctx: typer.Context,
    accept: Annotated[list[str] | None, typer.Option("--accept", help="a source whose new file may be much smaller than the last")] = None,
    as_json: Json = False,
) -> None:
    """Load every source again now; what is no good is named, and the last good version stays in use."""
    with connect(context_of(ctx)) as client:
        found = client.post("/v1/sources/reload", {"accept": accept or []})
    if as_json:
        print_json(found)
        return
    out().print(f"loaded {len(found['loaded'])} of {len(found['sources'])}")
    _table(found)


def check(
    file: Annotated[Path, typer.Argument(help="the file or folder")],
    kind: Annotated[str, typer.Option("--kind", help="what it says: tor, vpn, asn, disposable …")],
    form: Annotated[str, typer.Option("--format", help="its format; guessed when left out")] = "",
    columns: Annotated[str, typer.Option("--columns", help="names of the columns of a csv file without a header, with commas")] = "",
    ask: Annotated[list[str] | None, typer.Option("--ask", help="look this up in it: an address, a domain, a user agent")] = None,
    as_json: Json = False,
) -> None:
    """Try a file before it is declared: read it as the server would, and look things up in it."""
    from wardline.sources.declaration import Source
    from wardline.sources.declaration import check as checked
    from wardline.sources.loading import load
    from wardline.sources.reading import SourceError
    from wardline.sources.trial import ask_source

    try:
        names = tuple(name.strip() for name in columns.split(",")) if columns else ()
        source = checked(Source(name="check", kind=kind, path=str(file), format=form, columns=names), "the command")
        loaded = load(source)
    except SourceError as error:
        raise Failure(str(error)) from None
    answers = {text: ask_source(source, loaded, text) for text in ask or ()}
    found = {
        "file": str(file),
        "kind": kind,
        "format": source.form,
        **msgspec.to_builtins(loaded.notes),
        "as_of_s": loaded.as_of_s,
        "memory_bytes": loaded.memory_bytes,
        "answers": answers,
    }
    if as_json:
        print_json(found)
        return
    notes = loaded.notes
    out().print(f"{file}: {notes.entries:,} entries as {source.form}, {loaded.memory_bytes / 1e6:.1f} MB of memory")
    if notes.bad_lines or notes.host_bits:
        out().print(f"passed over: {notes.bad_lines} unreadable lines; cleared: host bits of {notes.host_bits} networks")
    for text, answer in answers.items():
        out().print(f"{text}: {answer}")


def kinds(as_json: Json = False) -> None:
    """What a source can say, in which formats, and every key of a declaration with its default."""
    from wardline.sources.declaration import KINDS, render_declaration

    if as_json:
        print_json({name: msgspec.to_builtins(kind) for name, kind in KINDS.items()})
        return
    for name, kind in KINDS.items():
        out().print(f"{name:<17} {kind.says}: {', '.join(kind.facts)} ({', '.join(kind.formats)})")
    out().print("\n" + render_declaration())
