"""The command line: `wardline [--data DIR] [--config FILE] COMMAND …`.

    wardline check message.eml        wardline serve        wardline explain ID

Commands live in `commands/`, one file per group; this file only puts them together and turns what goes wrong into one helpful line.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from wardline.app import default_data
from wardline.base.version import __version__
from wardline.commands import mail, measure, operate, train
from wardline.commands.context import Context, Failure, end

application = typer.Typer(
    name="wardline",
    help="Wardline decides about mail, explains every verdict, and learns from each correction.",
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
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="the data folder; made where it is missing")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="the configuration; nothing: DIR/wardline.toml or all defaults")
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")] = False,
) -> None:
    """What every command takes."""
    ctx.obj = Context(
        data=(data or default_data()).absolute(), config_path=config, starter=os.environ.get("WARDLINE_STARTER", "on") != "off"
    )


for group in (mail, operate, measure, train):
    group.register(application)


def main() -> None:
    """The entry point of the `wardline` command."""
    try:
        application()
    except Failure as failure:
        end(failure)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
