"""The lists that come with the program: names separated by spaces or lines, remarks on lines that begin with #.

    shipped_list("freemail.txt") -> {"gmail.com", …}

Read once: they are part of the program and do not change while it runs.
"""

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=8)
def shipped_list(name: str) -> frozenset[str]:
    """The entries of a list in this folder."""
    text = resources.files("wardline.sources").joinpath(name).read_text("utf-8")
    return frozenset(entry for line in text.splitlines() if not line.startswith("#") for entry in line.split())
