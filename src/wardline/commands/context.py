"""What every command shares: the data folder, the configuration, how to print, and how to end with an error that helps.

wardline --data DIR --config FILE COMMAND …      Context(data=…, config=…, json=…)
"""

import sys
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console

from wardline.base.config import Config, ConfigError, load_config


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

    def config(self) -> Config:
        """The configuration; Failure when it cannot be used. Without --config, DATA/wardline.toml where it exists."""
        path = self.config_path
        if path is None and (self.data / "wardline.toml").exists():
            path = self.data / "wardline.toml"
        try:
            return load_config(path)
        except ConfigError as error:
            raise Failure(str(error)) from None


def out() -> Console:
    """Where results go."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """Where progress and errors go, so that results can be piped."""
    return Console(stderr=True, highlight=False)


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


def end(failure: Failure) -> NoReturn:
    """Print a failure for a person and end."""
    err().print(f"[bold red]wardline:[/] {_escaped(str(failure))}")
    raise SystemExit(failure.status)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
