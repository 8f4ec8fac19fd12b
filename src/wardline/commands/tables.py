"""Tables on a terminal, cut nowhere that matters and safe to show whatever stands in them.

    sheet = Sheet("id", "reason", whole=("id",))
    sheet.add_row("01K…", "the owner wrote to us")
    out().print(sheet.table)

Columns that people copy into the next command (`whole`) are never cut or wrapped while another column can give way. Cells are text and nothing
else: brackets are no markup, and control characters, which a stranger may have written, are shown as "?".
"""

from collections.abc import Sequence


class Sheet:
    """A table without lines, filled row by row."""

    def __init__(self, *columns: str, whole: Sequence[str] = ("id",)) -> None:
        from rich.table import Table

        self.table: Table = Table(box=None, pad_edge=False)
        for name in columns:
            self.table.add_column(name, no_wrap=name in whole, overflow="fold")

    def add_row(self, *cells: str) -> None:
        """One row, a text for each column."""
        from rich.text import Text

        self.table.add_row(*(Text(printable(cell)) for cell in cells))


def printable(text: str) -> str:
    """Text for a terminal: no control characters, and none that turns the direction of writing."""
    return "".join(char if char.isprintable() else "?" for char in text)
