"""The commands that measure: bench, conformance, train.

    wardline bench mail DIR --limit 2000
    wardline bench decisions
    wardline conformance DIR
"""

import typer


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
