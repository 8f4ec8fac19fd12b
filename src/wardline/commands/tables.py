"""Tables on a terminal, cut nowhere that matters and safe to show whatever stands in them.

    sheet = Sheet("id", "reason", whole=("id",))
    sheet.add_row("01K…", "the owner wrote to us")
    out().print(sheet)

Where a table is wider than the terminal, columns of words give way first, and lines are broken between words. Columns that people copy into the
next command (`whole`) are never cut. Where not even single words fit beside each other, each row becomes a block of lines, `name  value`. Cells are
text and nothing else: brackets are no markup, and control characters, which a stranger may have written, are shown as "?".
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

GAP_COLUMNS = 2
# A last column of words that are longer than this may be broken within them.
LAST_LEAST_COLUMNS = 8


class Sheet:
    """A table without lines, filled row by row; rich prints it."""

    def __init__(self, *columns: str, whole: Sequence[str] = ("id",)) -> None:
        self._columns = columns
        self._whole = frozenset(whole)
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """One row, a text for each column."""
        self._rows.append(tuple(printable(cell) for cell in cells))

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        natural, least = [], []
        for number, name in enumerate(self._columns):
            texts = [name, *(row[number] for row in self._rows)]
            natural.append(max(map(cell_len, texts)))
            words = max(cell_len(word) for text in texts for word in text.split() or [""])
            least.append(natural[-1] if name in self._whole else words)
        widths = fitted(natural, least, options.max_width - GAP_COLUMNS * (len(natural) - 1))
        if widths is not None:
            table = Table(box=None, pad_edge=False)
            for name, width in zip(self._columns, widths, strict=True):
                table.add_column(name, width=width, overflow="fold")
            for row in self._rows:
                table.add_row(*map(Text, row))
            yield table
            return
        for at, row in enumerate(self._rows):
            if at:
                yield Text()
            block = Table(box=None, pad_edge=False, show_header=False)
            block.add_column(style="bold", no_wrap=True)
            block.add_column(overflow="fold")
            for name, cell in zip(self._columns, row, strict=True):
                if cell:
                    block.add_row(Text(name), Text(cell))
            yield block


def fitted(natural: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """A width for each column, between its least and its natural one, that together take at most `room` columns; None where nothing fits.

    What is left beyond the least goes to those that need little first, so that only the widest columns are broken over lines.
    """
    widths = list(least)
    if sum(widths) > room:
        last = room - sum(widths[:-1])
        if last < LAST_LEAST_COLUMNS:
            return None
        widths[-1] = last
    spare = room - sum(widths)
    wanting = sorted(range(len(widths)), key=lambda number: natural[number] - widths[number])
    for done, number in enumerate(wanting):
        more = min(natural[number] - widths[number], spare // (len(wanting) - done))
        widths[number] += more
        spare -= more
    return widths


def printable(text: str) -> str:
    """Text for a terminal: no control characters, and none that turns the direction of writing."""
    return "".join(char if char.isprintable() else "?" for char in text)
