"""The commands of whoever runs Wardline: serve, mode, pause, list, held, key, audit, config, backup, restore, forget, replay.

wardline serve
wardline mode tag
wardline list block add bad.example --reason "phishing wave" --owner ada --days 30
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardline.commands.connection import connect, open_program, server_runs
from wardline.commands.context import Context, Failure, context_of, counted, err, out, print_json
from wardline.commands.tables import Sheet

if TYPE_CHECKING:
    from wardline.serving import Doors

Json = Annotated[bool, typer.Option("--json", help="one JSON document a line, for machines")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("serve", epilog="Example: wardline --data /var/lib/wardline serve")(serve_command)
    app.command("mode", epilog="Example: wardline mode tag")(mode)
    app.command("pause", epilog="Example: wardline pause; later: wardline pause --off")(pause)
    app.command("status", epilog="Example: wardline status --json")(status)
    app.command("list", epilog='Example: wardline list block add bad.example --reason "phishing wave" --owner ada --days 30')(list_command)
    app.command("held", epilog="Example: wardline held release 01KAJ5S8ZX4T7Q0M3V9C2R6B1E")(held)
    app.command("key", epilog="Example: wardline key add monitoring --scope read")(key)
    app.command("audit", epilog="Example: wardline audit")(audit)
    app.command("config", epilog="Example: wardline config check wardline.toml")(config)
    app.command("backup", epilog="Example: wardline backup /srv/backup/wardline-2026-11-21")(backup)
    app.command("restore", epilog="Example: wardline --data /var/lib/wardline restore /srv/backup/wardline-2026-11-21")(restore)
    app.command("forget", epilog="Example: wardline forget b@example.net")(forget)
    app.command("discard", epilog="Example: wardline discard co-training")(discard)
    app.command("replay", epilog="Example: wardline replay; with a negative control: wardline replay --corrupt 0")(replay)


def serve_command(
    ctx: typer.Context,
    no_starter: Annotated[bool, typer.Option("--no-starter", help="begin without the shipped model, from nothing")] = False,
) -> None:
    """Open the doors: HTTP, milter and rspamd's protocol, on 127.0.0.1 as shipped, until Ctrl-C."""
    context = context_of(ctx)
    if no_starter:
        context.starter = False
    config = context.config()

    import uvloop

    from wardline.app import Program
    from wardline.base.logs import configure_logs
    from wardline.base.storage import StorageError
    from wardline.engine.policy import PolicyError
    from wardline.serving import DoorError, serve

    configure_logs(config.logs.level, config.logs.format)

    def ready(doors: "Doors") -> None:
        console = err()
        mode = doors.program.point.mode
        console.print(f"Wardline serves from {context.data} in mode {mode}" + (" (nothing is changed)" if mode == "observe" else ""))
        for name, address in doors.addresses.items():
            console.print(f"  {name:<14} {address}")
        if not config.rspamd.learn_secret:
            console.print("  learning over the rspamd protocol is closed: set WARDLINE_LEARN_SECRET to open it", style="dim")

    async def run() -> None:
        try:
            program = Program.open(context.data, config, starter=context.starter)
        except (StorageError, PolicyError) as error:
            raise Failure(str(error)) from None
        except PermissionError as error:
            raise Failure(
                f"{error.filename or context.data}: this user may not use it; become its owner, or give another folder with --data DIR"
            ) from None
        try:
            await serve(program, ready)
        except DoorError as error:
            await program.close()
            raise Failure(str(error)) from None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def mode(
    ctx: typer.Context,
    mode: Annotated[str, typer.Argument(help="observe, tag or enforce; nothing: show it")] = "",
    point: Annotated[str, typer.Option("--point", help="mail.in, login, signup or session")] = "mail.in",
    as_json: Json = False,
) -> None:
    """What verdicts do: observe changes nothing, tag marks and delivers, enforce also holds and refuses.

    Logins and sign-ups begin in enforce: whoever asks gets the true verdict. In observe they answer the mildest one and record the true one.
    """
    with connect(context_of(ctx)) as client:
        if mode:
            client.put("/v1/mode", {"mode": mode, "point": point})
        found = client.get("/v1/status")
    if point not in found["modes"]:
        raise Failure(f"point: {point!r} decides nothing; choose {', '.join(found['modes'])}", status=2)
    if as_json:
        print_json({"mode": found["modes"][point], "paused": found["paused"]})
    else:
        out().print(found["modes"][point] + (" (paused: nothing is changed)" if found["paused"] else ""))


def pause(ctx: typer.Context, off: Annotated[bool, typer.Option("--off", help="let enforcement go on")] = False) -> None:
    """One switch that stops all enforcement at once; decisions go on being made and recorded."""
    with connect(context_of(ctx)) as client:
        client.put("/v1/pause", {"paused": not off})
    out().print("enforcement goes on" if off else "paused: nothing is changed until `wardline pause --off`")


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """What runs, in which mode, and how much it has done."""
    with connect(context_of(ctx)) as client:
        found = client.get("/v1/status")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name == "modes":
            out().print(f"{name:<16} " + ", ".join(f"{point} {mode}" for point, mode in value.items()))
        elif name != "counts":
            out().print(f"{name:<16} {value}")
    for name, value in found["counts"].items():
        out().print(f"{name:<16} {value}")


def list_command(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="allow|block")],
    what: Annotated[str, typer.Argument(metavar="add|remove|show")] = "show",
    value: Annotated[str, typer.Argument(help="a domain, address, IP or network")] = "",
    kind: Annotated[str, typer.Option("--kind", help="domain, address, ip, network or user; guessed when left out")] = "",
    owner: Annotated[str, typer.Option("--owner", help="whom to ask about the entry")] = "",
    reason: Annotated[str, typer.Option("--reason", help="why it is there")] = "",
    days: Annotated[int, typer.Option("--days", help="when it expires; 0: never")] = 90,
    as_json: Json = False,
) -> None:
    """Allow and block lists. An allow entry counts only for an authenticated sender: an aligned domain, a DKIM domain, a client's address."""
    if which not in ("allow", "block"):
        raise Failure("the first word is allow or block: wardline list block show", status=2)
    if what in ("add", "remove") and not value:
        raise Failure(f"give what to {what}: wardline list {which} {what} bad.example", status=2)
    with connect(context_of(ctx)) as client:
        if what == "add":
            entry = {"kind": kind or _kind(value), "value": value, "owner": owner, "reason": reason, "ttl_days": days or None}
            answer = client.post(f"/v1/lists/{which}", entry)
            if as_json:
                print_json(answer)
            else:
                out().print(f"added to the {which} list as {answer['id']}: {answer['kind']} {answer['shown']}")
        elif what == "remove":
            removed = client.delete(f"/v1/lists/{which}", value=value)["removed"]
            if as_json:
                print_json({"removed": removed})
            else:
                out().print(f"removed {len(removed)}")
        elif what == "show":
            _show_list(client.get(f"/v1/lists/{which}")["entries"], which, as_json)
        else:
            raise Failure("the second word is add, remove or show", status=2)


def _kind(value: str) -> str:
    if "/" in value:
        return "network"
    if "@" in value:
        return "address"
    return "ip" if ":" in value or value.replace(".", "").isdigit() else "domain"


def _show_list(entries: list[dict[str, Any]], which: str, as_json: bool) -> None:
    if as_json:
        print_json({"list": which, "entries": entries})
        return
    if not entries:
        out().print(f"the {which} list is empty")
        return
    sheet = Sheet("id", "kind", "value", "owner", "reason", "expires")
    for entry in entries:
        expires = _day(entry["expires_s"]) if entry.get("expires_s") else "never"
        sheet.add_row(
            entry["id"],
            entry["kind"],
            entry["shown"],
            entry["owner"],
            entry["reason"],
            expires + (" (expired)" if entry["expired"] else ""),
        )
    out().print(sheet)


def _day(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).date().isoformat()


def held(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="list|release|drop")] = "list",
    held_id: Annotated[str, typer.Argument(help="the decision's id")] = "",
    as_json: Json = False,
) -> None:
    """Messages on hold: which, who has the bytes, until when; release or drop them."""
    with connect(context_of(ctx)) as client:
        if what == "list":
            found = client.get("/v1/held")["held"]
            if as_json:
                print_json({"held": found})
            elif not found:
                out().print("nothing is on hold")
            else:
                sheet = Sheet("id", "held by", "queue id", "since", "expires", "why")
                for item in found:
                    sheet.add_row(
                        item["id"], item["holder"], item["queue_id"] or "–", _day(item["since_s"]), _day(item["expires_s"]), item["reason"]
                    )
                out().print(sheet)
        elif what in ("release", "drop"):
            if not held_id:
                raise Failure(f"give the id: wardline held {what} ID; `wardline held list` prints them", status=2)
            answer = client.post(f"/v1/held/{held_id}/{what}")
            if as_json:
                print_json(answer)
            elif answer["ran"]:
                out().print(f"{what}d: {' '.join(answer['command'])}")
            elif answer["command"]:
                out().print(f"noted; the holder does it with: {' '.join(answer['command'])}")
            else:
                out().print("noted; the caller that holds the bytes does the rest")
        else:
            raise Failure("the first word is list, release or drop", status=2)


def key(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="add|remove|list")] = "list",
    name: Annotated[str, typer.Argument(help="what the key is for; with remove: its id")] = "",
    scope: Annotated[list[str] | None, typer.Option("--scope", help="decide, read, learn or admin; repeat it for more")] = None,
    as_json: Json = False,
) -> None:
    """API keys: make one (its token is shown this once), withdraw one, list them."""
    with connect(context_of(ctx)) as client:
        if what == "add":
            answer = client.post("/v1/keys", {"name": name, "scopes": scope or ["decide"]})
            if as_json:
                print_json(answer)
            else:
                out().print(answer["token"])
                out().print(f"id {answer['id']}, scopes {', '.join(answer['scopes'])}; it is not shown again", style="dim")
        elif what == "remove":
            print_json(client.delete(f"/v1/keys/{name}")) if as_json else out().print(
                f"withdrawn: {client.delete(f'/v1/keys/{name}')['removed']}"
            )
        elif what == "list":
            keys = client.get("/v1/keys")["keys"]
            if as_json:
                print_json({"keys": keys})
            else:
                for item in keys:
                    out().print(f"{item['id']}  {item['name']:<20} {', '.join(item['scopes']):<30} {item['added'][:10]}")
        else:
            raise Failure("the first word is add, remove or list", status=2)


def audit(ctx: typer.Context, as_json: Json = False) -> None:
    """The latest administrative acts: when, what, by whom."""
    with connect(context_of(ctx)) as client:
        acts = client.get("/v1/audit")["acts"]
    if as_json:
        print_json({"acts": acts})
        return
    sheet = Sheet("when", "what", "by", "about", whole=("when",))
    for act in acts:
        sheet.add_row(act["time"][:19], act["op"], act["actor"], f"{act['point']} {act['value']}".strip())
    out().print(sheet if acts else "no acts yet")


def config(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="check|show")] = "show",
    path: Annotated[Path | None, typer.Argument(help="the file to check; nothing: the one in use")] = None,
) -> None:
    """Check a configuration file, or print one with every key, its default and a line of explanation."""
    context = context_of(ctx)
    if what == "show":
        from wardline.base.config import render_config

        typer.echo(render_config(context.config()), nl=False)
    elif what == "check":
        checked = Context(data=context.data, config_path=path or context.config_path).config()
        _check_policy(context, checked)
        out().print("the configuration is fine")
    else:
        raise Failure("the first word is check or show", status=2)


def _check_policy(context: Context, checked: Any) -> None:
    if checked.mail.policy:
        from wardline.domains.mail.examine import make_detectors
        from wardline.domains.mail.values import policy_names
        from wardline.engine.policy import PolicyError, load_policy

        try:
            load_policy(Path(checked.mail.policy), policy_names(make_detectors()))
        except PolicyError as error:
            raise Failure(str(error)) from None


def backup(
    ctx: typer.Context, target: Annotated[Path, typer.Argument(help="a folder that does not exist yet")], as_json: Json = False
) -> None:
    """Copy the data folder, consistently and while it runs. The copy holds the keys: guard it like the original."""
    with connect(context_of(ctx)) as client:
        answer = client.post("/v1/backup", {"path": str(target.absolute())})
    if as_json:
        print_json(answer)
    elif answer["database"]:
        out().print(f"keys, snapshots, policies and the other files are in {answer['path']}")
        out().print(
            f"the {answer['records']} records are not: they are in {answer['database']}, and its own tool saves them, best before this command:",
        )
        out().print(f"  {answer['dump']}")
    else:
        out().print(f"{counted(answer['records'], 'record')} in {answer['path']}")


def restore(ctx: typer.Context, source: Annotated[Path, typer.Argument(help="a folder made by `wardline backup`")]) -> None:
    """Put a backup back into the data folder, which must be empty or missing. Nothing is overwritten."""
    from wardline.base.storage import StorageError
    from wardline.engine.store.backup import restore as restore_folder

    context = context_of(ctx)
    try:
        manifest = restore_folder(source, context.data)
    except StorageError as error:
        raise Failure(str(error)) from None
    if manifest.database:
        from wardline.engine.servers.tools import restore_command

        out().print(f"keys, snapshots, policies and the other files are back in {context.data}")
        out().print(f"the records are not: they belong into {manifest.database}. Where they are lost there, put its dump back:")
        out().print(f"  {restore_command(manifest.kind, manifest.database)}")
    else:
        out().print(f"{counted(manifest.last_seq, 'record')} back in {context.data}")


def forget(
    ctx: typer.Context, subject: Annotated[str, typer.Argument(help="a recipient's address, or account:alice")], as_json: Json = False
) -> None:
    """Erase a person: their labels leave the models, their key is destroyed, their records go."""
    if not subject.strip():
        raise Failure("give the address of the person to forget: wardline forget b@example.net", status=2)
    with connect(context_of(ctx)) as client:
        answer = client.post("/v1/forget", {"subject": subject})
    if as_json:
        print_json(answer)
    else:
        out().print(f"{answer['erased_records']} records erased, {answer['labels_taken_back']} labels taken back")


def discard(
    ctx: typer.Context,
    layer: Annotated[str, typer.Argument(help="co-training: what the text model taught itself from unlabelled mail")] = "co-training",
    as_json: Json = False,
) -> None:
    """Take back, to the last unit, what a model learned by itself. What people taught it stays."""
    with connect(context_of(ctx)) as client:
        answer = client.delete(f"/v1/models/{layer}")
    if as_json:
        print_json(answer)
    else:
        out().print(f"{answer['labels_taken_back']} self-given labels taken back")


def replay(
    ctx: typer.Context,
    corrupt: Annotated[
        int | None,
        typer.Option("--corrupt", help="negative control: change the stored values of this decision (0 is the first) in memory first"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge every stored decision again, and rebuild the counters from the events: both must be equal to the last bit."""
    context = context_of(ctx)
    if server_runs(context):
        with connect(context) as client:
            report = client.post("/v1/replay", {"corrupt": corrupt})
    else:
        import msgspec

        program = open_program(context)
        try:
            report = msgspec.to_builtins(program.replay_now(corrupt))
        finally:
            asyncio.run(program.close())
    if as_json:
        print_json(report)
    else:
        out().print(
            f"{report['replayed']} decisions judged again, {report['features_replayed']} with counters rebuilt: {report['different']} different"
        )
        for item in report["differences"]:
            out().print(f"  {item['id']} {item['what']}: stored {item['stored']}, again {item['again']}")
        if report["erased"]:
            out().print(f"  {report['erased']} records not reproducible: erased")
    if report["different"]:
        raise SystemExit(3)
