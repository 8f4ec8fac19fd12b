"""Lines on a terminal: broken between words, and what goes on hangs under what it belongs to.

    Terminal(markup=False).print("    credential       It threatens to close an account. It asks to confirm an account.")

        credential       It threatens to close an account.
                         It asks to confirm an account.

Only where a person looks on. In a pipe or a file every line stays one line, so that it can be searched and counted.
"""

import re
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

# What goes on begins at most this far to the right, so that something fits beside it.
HANG_SHARE = 0.6


class Terminal(Console):
    """A console that breaks long lines of text between words, where it writes to a terminal. Tables and bars pass as they are."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; a single text whose line ends here is laid out first."""
        if self.is_terminal and len(objects) == 1 and isinstance(objects[0], str) and options.get("end", "\n") == "\n":
            text = self.render_str(objects[0], style=options.pop("style", None) or "", markup=options.pop("markup", None))
            lines = (hanging(line, self.width) for line in text.split("\n", allow_blank=True))
            objects = (Text("\n").join(lines),)
        super().print(*objects, **options)


def hanging(line: Text, columns: int) -> Text:
    """One line as several of at most so many columns. A word that is longer stays whole: the terminal folds it, and it can be copied."""
    plain = line.plain
    if cell_len(plain) <= columns:
        return line
    hang = _hang(plain, columns)
    breaks: list[int] = []
    filled = 0
    for found in re.finditer(r"\s*\S+", plain):
        size = cell_len(found.group())
        if filled and filled + size > columns:
            breaks.append(found.end() - len(found.group().lstrip()))
            size = hang + cell_len(found.group().lstrip())
            filled = 0
        filled += size
    parts = line.divide(breaks)
    for part in parts:
        part.rstrip()
    return Text("\n" + " " * hang).join(parts)


def _hang(plain: str, columns: int) -> int:
    """Where the line's last part begins, which is set off by two spaces or more; else two columns further in than the line."""
    # What could count stands in the first columns: strangers may have written the rest, as long as they like.
    edges = [cell_len(plain[: found.end()]) for found in re.finditer(r"\S {2,}(?=\S)", plain[: columns + 1])]
    near = [edge for edge in edges if edge <= columns * HANG_SHARE]
    return near[-1] if near else min(len(plain) - len(plain.lstrip()) + 2, columns // 2)
