"""What every command shares: the data folder, the configuration, how to print, and how to end with an error that helps.

wardline --data DIR --config FILE COMMAND …      Context(data=…, config=…, json=…)
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

if TYPE_CHECKING:
    from rich.console import Console

    from wardline.base.config import Config


PIPE_COLUMNS = 400


class Failure(Exception):
    """A command cannot go on: what is wrong, where, what to do. Ends with exit status 1 (2 for wrong usage)."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Context(msgspec.Struct, kw_only=True):
    """One run of the command line."""

    data: Path
    config_path: Path | None
    starter: bool = True

    def config(self) -> "Config":
        """The configuration; Failure when it cannot be used. Without --config, DATA/wardline.toml where it exists."""
        from wardline.base.config import ConfigError, load_config

        path = self.config_path
        try:
            if path is None and (self.data / "wardline.toml").exists():
                path = self.data / "wardline.toml"
            return load_config(path)
        except ConfigError as error:
            raise Failure(str(error)) from None
        except PermissionError:
            raise Failure(f"{self.data}: this user may not look into it; use its owner, or another folder with --data DIR") from None


def default_data() -> Path:
    """Where data lives when nobody says: $WARDLINE_DATA, /var/lib/wardline for root, else the user's data folder."""
    if os.environ.get("WARDLINE_DATA"):
        return Path(os.environ["WARDLINE_DATA"])
    if os.geteuid() == 0:
        return Path("/var/lib/wardline")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "wardline"


def out(*, markup: bool = False) -> "Console":
    """Where results go. Brackets are text, since strangers may have written them; with markup `[bold]` and the like are rich's, and such texts are escaped."""
    from wardline.commands.terminal import Terminal

    # A pipe or a file has no edge at which a table would have to be cut.
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_COLUMNS
    return Terminal(markup=markup, emoji=False, highlight=False, soft_wrap=True, width=width)


def err() -> "Console":
    """Where progress and errors go, so that results can be piped. Brackets are text here too."""
    from wardline.commands.terminal import Terminal

    return Terminal(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """A number with its noun, as "1 event" and "2 events"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_json(document: Any) -> None:
    """One machine-readable line."""
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def context_of(ctx: typer.Context) -> Context:
    """The run's context."""
    found = ctx.find_object(Context)
    if found is None:
        raise Failure("no context: start this through the wardline command")
    return found


def say_failure(text: str) -> None:
    """One line on standard error: what is wrong, where, what to do. Control characters, which a file's name can hold, are shown as "?"."""
    line = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    mark = "\033[1;31mwardline:\033[0m" if sys.stderr.isatty() else "wardline:"
    sys.stderr.write(f"{mark} {line}\n")
