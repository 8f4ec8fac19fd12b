"""The command that brings a data folder's journal up to date, moves it to another database, or takes a database over.

wardline migrate
wardline migrate --to postgresql+psycopg://wardline@db.example.com/wardline
wardline migrate --to sqlite
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from wardline.commands.connection import server_runs
from wardline.commands.context import Context, Failure, context_of, counted, err, out, print_json

if TYPE_CHECKING:
    from wardline.engine.servers.address import Address

EMBEDDED = "sqlite"


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command("migrate", epilog="Example: wardline migrate --to postgresql+psycopg://wardline@db.example.com/wardline")(migrate)


def migrate(
    ctx: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="move the journal to this database; sqlite: into the data folder")] = "",
    adopt: Annotated[
        bool, typer.Option("--adopt", help="let this new folder take over the database of store.database, whose own folder is lost")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document, for machines")] = False,
) -> None:
    """Bring a data folder of an older version up to date, as opening does; or move its journal to another database. Nothing may run on it."""
    from wardline.base.logs import configure_logs
    from wardline.base.storage import StorageError

    context = context_of(ctx)
    logs = context.config().logs
    configure_logs("error" if logs.level == "info" else logs.level, logs.format)
    if to and adopt:
        raise Failure("--to and --adopt exclude each other", status=2)
    if server_runs(context):
        raise Failure("a server runs on this folder: stop it first")
    try:
        if to:
            _move(context, to, as_json)
        elif adopt:
            _adopt(context, as_json)
        else:
            _update(context, as_json)
    except StorageError as error:
        raise Failure(str(error)) from None


def _address(context: Context, url: str) -> "Address | None":
    from wardline.engine.servers.address import read_address

    return read_address(url, context.config().store.database_password_file) if url else None


def _update(context: Context, as_json: bool) -> None:
    from wardline.engine.store.backup import migrate as migrate_folder

    before, after = migrate_folder(context.data, _address(context, context.config().store.database))
    if as_json:
        print_json({"before": before, "after": after})
    else:
        out().print(f"nothing to do: the journal has version {after}" if before == after else f"version {before} became {after}")


def _move(context: Context, to: str, as_json: bool) -> None:
    from wardline.engine.sql.indices import ELSEWHERE
    from wardline.engine.sql.indices import EMBEDDED as JOURNAL
    from wardline.engine.store.moving import move

    in_folder, elsewhere = ((context.data / name).exists() for name in (JOURNAL, ELSEWHERE))
    if not in_folder and not elsewhere:
        raise Failure(f"there is no journal in {context.data}: choose the data folder with --data")
    database = context.config().store.database
    if elsewhere and not in_folder and not database:
        raise Failure("the journal is in a database server: give its address as store.database, so that it can be read")
    target = None if to == EMBEDDED else _address(context, to)
    # A folder that has both was left by a move that was cut short: where it should go says which counts.
    source = _address(context, database) if elsewhere and not (in_folder and target is not None) else None
    with _progress() as told:
        moved = move(context.data, source, target, told)
    if as_json:
        print_json({"rows": moved.rows, "damaged": moved.damaged, "where": moved.where, "left": moved.left})
        return
    if moved.rows:
        out().print(f"{counted(moved.rows['records'], 'record')} in {moved.where}: {sum(moved.rows.values())} rows, counted and compared")
    else:
        out().print(f"the move to {moved.where} is complete")
    if moved.damaged:
        out().print(f"{moved.damaged} records were damaged before and are so now: their checksums do not match")
    setting = "" if target is None else str(target.url.set(password=None))
    out().print(f'now set in the configuration, under [store]: database = "{setting}"')
    out().print(f"the old journal is left in {moved.left}: erasures do not reach it any more, so remove it once all is well")


def _adopt(context: Context, as_json: bool) -> None:
    from wardline.base.clock import SystemClock
    from wardline.engine.store.opening import open_journal

    config = context.config()
    if not config.store.database:
        raise Failure("--adopt needs the database's address as store.database")
    with open_journal(context.data, config.store, SystemClock(), adopt=True) as journal:
        records = journal.last_seq
    if as_json:
        print_json({"records": records})
        return
    out().print(f"{context.data} has taken the database over, {records} records")
    out().print(
        "the lost folder's keys cannot be made again: sealed entries stay closed, and everybody gets a new pseudonym. "
        "Where there is a backup of that folder, restore it instead"
    )


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error where a person looks on."""
    console = err()
    if not console.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {what: progress.add_task(what, total=None) for what in ("copying", "comparing")}
        yield lambda what, done, total: progress.update(tasks[what], completed=done, total=total)
