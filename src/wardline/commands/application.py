"""The command line put together: every group of commands, the options they share, and one helpful line for whatever goes wrong.

    run(["check", "message.eml"])  -> 0          run(["chek"])  -> 2, and "wardline: No such command 'chek'. …" on standard error

`wardline.cli` is the entry point. A failure never shows a stack trace; $WARDLINE_TRACE=1 does, for whoever mends it.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.base.version import __version__
from wardline.commands import (
    actions,
    campaigns,
    city,
    entities,
    evaluate,
    features,
    history,
    importing,
    labels,
    mail,
    measure,
    migrating,
    models,
    operate,
    policy,
    sources,
    train,
)
from wardline.commands.context import Context, Failure, default_data, say_failure

application = typer.Typer(
    name="wardline",
    help="Wardline decides about mail, sign-ups and logins, explains every verdict, and learns from each correction.",
    epilog="Begin with: wardline check message.eml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wardline {__version__}")
        raise typer.Exit


@application.callback()
def options(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="the data folder, made where it is missing; $WARDLINE_DATA, or a usual place"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="the configuration; nothing: DIR/wardline.toml or all defaults")
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")] = False,
) -> None:
    """What every command takes."""
    ctx.obj = Context(
        data=(data or default_data()).absolute(), config_path=config, starter=os.environ.get("WARDLINE_STARTER", "on") != "off"
    )


for group in (
    mail,
    operate,
    migrating,
    policy,
    importing,
    labels,
    actions,
    campaigns,
    entities,
    features,
    history,
    sources,
    measure,
    models,
    train,
    city,
    evaluate,
):
    group.register(application)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit status. Errors are one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not given:
            given = ["--help"]
        status = application(args=given, prog_name="wardline", standalone_mode=False)
    except Failure as failure:
        say_failure(str(failure))
        return failure.status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _failed(error)
    return status if isinstance(status, int) else 0


def _failed(error: Exception) -> int:
    if os.environ.get("WARDLINE_TRACE"):
        traceback.print_exc()
    wrong_usage: Any = getattr(error, "format_message", None)
    if wrong_usage is not None:
        return _wrong_usage(error, str(wrong_usage()))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say_failure(f"{where}{error.strerror or error}; check that the path exists and that this user may use it")
        return 1
    frame = traceback.extract_tb(error.__traceback__)[-1]
    say_failure(
        f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}. This is a mistake of ours: please report it with the command; "
        "WARDLINE_TRACE=1 before the command shows the details"
    )
    return 1


def _wrong_usage(error: Exception, text: str) -> int:
    """typer's own complaints (an unknown option, a missing argument) in one line, with where to look."""
    context: Any = getattr(error, "ctx", None)
    if not text and context is not None:  # a group without a command: its help is the answer
        typer.echo(context.get_help())
        return 2
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(text)
        return 2
    path = context.command_path if context is not None else "wardline"
    end = "" if text.endswith((".", "?")) else "."
    say_failure(f"{text}{end} Try: {path} --help")
    return int(getattr(error, "exit_code", 2))
