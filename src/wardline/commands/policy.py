"""The commands of whoever writes rules: policy check, test, backtest, diff, shadow, canary, promote, expire, rollback, list, explain.

wardline policy check many_failures.yaml
wardline policy backtest many_failures.yaml
wardline policy shadow many_failures
wardline policy promote many_failures --as bob
"""

import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardline.base.clock import when
from wardline.commands.connection import connect
from wardline.commands.context import Failure, context_of, err, out, print_json
from wardline.commands.history import say_waiting
from wardline.commands.tables import Sheet, printable

if TYPE_CHECKING:
    from wardline.engine.rules.rulefile import RuleFile

Json = Annotated[bool, typer.Option("--json", help="one JSON document, for machines")]
As = Annotated[str, typer.Option("--as", help="who you are; nothing: your user name")]
Reason = Annotated[str, typer.Option("--reason", help="why, for whoever reads the audit later")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    policy = typer.Typer(help="Rules as text: check, test, backtest, watch, roll out, take back.", no_args_is_help=True)
    policy.command("check", epilog="Example: wardline policy check many_failures.yaml")(check)
    policy.command("test", epilog="Example: wardline policy test rules/")(test)
    policy.command("put", epilog="Example: wardline policy put many_failures.yaml")(put)
    policy.command("backtest", epilog="Example: wardline policy backtest many_failures.yaml --since 30d")(backtest)
    policy.command("diff", epilog="Example: wardline policy diff rules/")(diff)
    policy.command("shadow", epilog="Example: wardline policy shadow many_failures")(shadow)
    policy.command("canary", epilog="Example: wardline policy canary many_failures --share 0.05")(canary)
    policy.command("promote", epilog="Example: wardline policy promote many_failures")(promote)
    policy.command("expire", epilog='Example: wardline policy expire many_failures --reason "the wave is over"')(expire)
    policy.command("rollback", epilog="Example: wardline policy rollback many_failures")(rollback)
    policy.command("list", epilog="Example: wardline policy list --json")(list_rules)
    policy.command("explain", epilog="Example: wardline policy explain many_failures")(explain)
    app.add_typer(policy, name="policy")


def check(
    ctx: typer.Context, files: Annotated[list[Path], typer.Argument(help="rule files, or folders of them")], as_json: Json = False
) -> None:
    """Read rules and say what is wrong with them; nothing is changed. Needs no server."""
    found = _checked(files)
    if as_json:
        print_json(
            {"rules": [{"file": str(path), "rule": file.name, "point": file.written.point, "digest": file.digest} for path, file in found]}
        )
        return
    for path, file in found:
        out().print(
            f"{path}: {file.name}, a rule of {file.written.point}, is sound" + ("" if file.written.cases else " (it has no cases yet)")
        )


def test(
    ctx: typer.Context, files: Annotated[list[Path], typer.Argument(help="rule files, or folders of them")], as_json: Json = False
) -> None:
    """Run the cases of rules. Needs no server."""
    found = [file for _path, file in _checked(files)]
    cases = sum(len(file.written.cases) for file in found)
    if as_json:
        print_json({"rules": len(found), "cases": cases, "failed": 0})
        return
    for file in found:
        out().print(f"{file.name}: {len(file.written.cases)} cases, all as expected")


def put(ctx: typer.Context, file: Annotated[Path, typer.Argument(help="a rule file")], who: As = "", as_json: Json = False) -> None:
    """Take a rule into the book as a draft; its cases are run first."""
    _said(_put(ctx, file, who), as_json)


def backtest(
    ctx: typer.Context,
    rule: Annotated[str, typer.Argument(help="a rule's file, or the name of one in the book")],
    since: Annotated[str, typer.Option("--since", help="30d, 12h, or a day: 2026-11-01; nothing: all that is kept")] = "",
    until: Annotated[str, typer.Option("--until", help="the same; nothing: now")] = "",
    in_shadow: Annotated[bool, typer.Option("--shadow", help="what it did hit in shadow, instead of what it would have hit")] = False,
    who: As = "",
    as_json: Json = False,
) -> None:
    """Whom a rule would have hit over the history that is kept. Takes the rule into the book, and the figures as its evidence."""
    order = {"since": since, "until": until, "shadow": in_shadow, "actor": who or user()}
    if rule.endswith((".yaml", ".yml")):
        path = Path(rule)
        order |= {"text": _read(path).decode("utf-8", "replace"), "source": path.name}
    else:
        order |= {"name": _name(rule)}
    with connect(context_of(ctx)) as client:
        if not as_json:
            say_waiting(client)
            if err().is_terminal:
                err().print("reading the history …", end="\r")
        found = client.post("/v1/rules/backtest", order)
    if as_json:
        print_json(found)
    else:
        out().print(found["text"])


def shadow(
    ctx: typer.Context, rule: Annotated[str, typer.Argument(help="a rule's name, or its file")], who: As = "", as_json: Json = False
) -> None:
    """Let a rule watch: it says what it would have done, and does nothing. Needs a backtest."""
    _move(ctx, rule, "shadow", who, 0.0, as_json)


def canary(
    ctx: typer.Context,
    rule: Annotated[str, typer.Argument(help="a rule's name")],
    share: Annotated[float, typer.Option("--share", help="of the entities that it acts on")] = 0.05,
    who: As = "",
    as_json: Json = False,
) -> None:
    """Let a rule act on a share of the entities, always the same ones. Needs its time in shadow."""
    _move(ctx, rule, "canary", who, share, as_json)


def promote(ctx: typer.Context, rule: Annotated[str, typer.Argument(help="a rule's name")], who: As = "", as_json: Json = False) -> None:
    """Let a rule act on everyone. Needs its time as a canary; severe rules need a second person, who gives the same command."""
    _move(ctx, rule, "live", who, 0.0, as_json)


def expire(
    ctx: typer.Context, rule: Annotated[str, typer.Argument(help="a rule's name")], reason: Reason = "", who: As = "", as_json: Json = False
) -> None:
    """End a rule at once."""
    with connect(context_of(ctx)) as client:
        _said(client.post(f"/v1/rules/{_name(rule)}/expire", {"reason": reason, "actor": who or user()}), as_json)


def rollback(
    ctx: typer.Context, rule: Annotated[str, typer.Argument(help="a rule's name")], reason: Reason = "", who: As = "", as_json: Json = False
) -> None:
    """Take a rule back at once; the version that was live before it is live again."""
    with connect(context_of(ctx)) as client:
        _said(client.post(f"/v1/rules/{_name(rule)}/rollback", {"reason": reason, "actor": who or user()}), as_json)


def list_rules(
    ctx: typer.Context, everything: Annotated[bool, typer.Option("--all", help="old versions too")] = False, as_json: Json = False
) -> None:
    """Every rule: version, stage, owner, end, how many decisions it saw and hit."""
    with connect(context_of(ctx)) as client:
        rules = client.get("/v1/rules")["rules"]
    newest = {rule["name"]: rule["number"] for rule in rules}
    shown = [
        rule for rule in rules if everything or rule["stage"] in ("shadow", "canary", "live") or newest[rule["name"]] == rule["number"]
    ]
    if as_json:
        print_json({"rules": shown})
        return
    sheet = Sheet("rule", "point", "stage", "verdict", "owner", "ends", "hits", whole=("rule",))
    for rule in shown:
        stage = f"canary {rule['share']:.0%}" if rule["stage"] == "canary" else rule["stage"]
        mark = f"{stage} ({rule['asked_by']} asks for {rule['asked_stage']})" if rule["asked_by"] else stage
        sheet.add_row(rule["id"], rule["point"], mark, rule["verdict"], rule["owner"], rule["expires"], f"{rule['hits']} of {rule['seen']}")
    out().print(sheet if shown else "there are no rules yet; docs/write-a-rule.md shows how to write one")
    for rule in shown:
        for trouble in (rule["fault"], rule["reason"] if rule["stage"] == "quarantined" else ""):
            if trouble:
                out().print(printable(f"{rule['id']}: {trouble}"), style="yellow")


def explain(ctx: typer.Context, rule: Annotated[str, typer.Argument(help="a rule's name")], as_json: Json = False) -> None:
    """One rule: its text, its versions, who moved it, and on what evidence."""
    with connect(context_of(ctx)) as client:
        versions = client.get(f"/v1/rules/{_name(rule)}")["versions"]
    if as_json:
        print_json({"versions": versions})
        return
    from rich.markup import escape

    for version in versions:
        since = when(version["since_us"]).strftime("%Y-%m-%d %H:%M")
        why = f": {escape(printable(version['reason']))}" if version["reason"] else ""
        out().print(
            f"[bold]{version['id']}[/]  {version['stage']} since {since} by {escape(printable(version['actor']))}{why}; saw {version['seen']}, hit {version['hits']}",
            markup=True,
        )
        for stage, evidence in version["evidence"].items():
            figures = ", ".join(f"{name.removesuffix('_us')} {_figure(name, value)}" for name, value in evidence["figures"].items())
            out().print(f"    {stage} by {evidence['actor']}: {figures or 'no figures'}")
    # The text as it stands: a line that is broken here would be another rule when it is copied.
    typer.echo("\n" + "\n".join(map(printable, versions[-1]["text"].rstrip().split("\n"))))


def diff(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="the folder of rule files under version control")],
    as_json: Json = False,
) -> None:
    """Where the files and the book differ. Ends with status 1 when they do."""
    files = {file.name: (path, file) for path, file in _checked([folder])}
    with connect(context_of(ctx)) as client:
        rules = client.get("/v1/rules")["rules"]
    running = {rule["name"]: rule for rule in rules if rule["stage"] in ("shadow", "canary", "live")}
    newest = {rule["name"]: rule for rule in rules}
    lines = []
    for name, (path, file) in sorted(files.items()):
        known = running.get(name) or newest.get(name)
        if known is None:
            lines.append({"rule": name, "what": "only in the files", "file": str(path)})
        elif known["digest"] != file.digest:
            lines.append({"rule": name, "what": f"the file differs from {known['id']} ({known['stage']})", "file": str(path)})
    lines += [
        {"rule": name, "what": f"{rule['id']} is {rule['stage']} and has no file", "file": ""}
        for name, rule in sorted(running.items())
        if name not in files
    ]
    if as_json:
        print_json({"different": lines})
    else:
        for line in lines:
            out().print(f"{line['rule']}: {line['what']}" + (f" ({line['file']})" if line["file"] else ""))
        if not lines:
            out().print("the files and the book agree")
    if lines:
        raise typer.Exit(1)


def _put(ctx: typer.Context, file: Path, who: str) -> dict[str, Any]:
    with connect(context_of(ctx)) as client:
        found: dict[str, Any] = client.post(
            "/v1/rules", {"text": _read(file).decode("utf-8", "replace"), "source": file.name, "actor": who or user()}
        )
        return found


def _move(ctx: typer.Context, rule: str, stage: str, who: str, share: float, as_json: bool) -> None:
    name = _put(ctx, Path(rule), who)["name"] if rule.endswith((".yaml", ".yml")) else _name(rule)
    with connect(context_of(ctx)) as client:
        moved = client.post(f"/v1/rules/{name}/move", {"stage": stage, "actor": who or user(), "share": share})
    if not as_json and moved["stage"] != stage:
        err().print(
            f"{moved['id']} asks for a second person: another than {moved['asked_by']} gives `wardline policy promote {name} --as NAME`"
        )
    _said(moved, as_json)


def _said(version: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(version)
    else:
        share = f" for {version['share']:.0%}" if version["stage"] == "canary" else ""
        out().print(f"{version['id']}: {version['stage']}{share}")


def _checked(paths: list[Path]) -> list[tuple[Path, "RuleFile"]]:
    """Every rule file of the paths, checked. Raises Failure for the first that is not sound."""
    from wardline.engine.rules.rulefile import RuleFileError, check_rule
    from wardline.shipped import rule_names

    offers = rule_names()
    try:
        return [(path, check_rule(_read(path), str(path), *offers)) for path in _files(paths)]
    except RuleFileError as error:
        raise Failure(str(error), status=1) from None


def _files(paths: list[Path]) -> Iterator[Path]:
    from wardline.engine.rules.rulebook import RULES_LIMIT

    found = 0
    for path in paths:
        if path.is_dir():
            inside = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
            if not inside:
                raise Failure(f"{path}: there is no rule file (*.yaml) in this folder", status=2)
        else:
            inside = [path]
        for each in inside:
            found += 1
            if found > RULES_LIMIT:
                raise Failure(f"more than {RULES_LIMIT} rule files; give fewer", status=2)
            yield each


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read((1 << 20) + 1)
    except OSError as error:
        raise Failure(f"{path}: cannot be read ({error.strerror or error}); give an existing rule file", status=2) from None


def _name(rule: str) -> str:
    if not rule.replace("_", "").isalnum() or not rule.isascii():
        raise Failure(f"{rule!r} is no rule's name; `wardline policy list` shows them", status=2)
    return rule


def user() -> str:
    """Who runs the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _figure(name: str, value: Any) -> str:
    if name.endswith("_us") and isinstance(value, int | float):
        return when(int(value)).strftime("%Y-%m-%d %H:%M")
    return "unknown" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
