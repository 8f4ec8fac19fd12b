"""URL shorteners: hosts whose addresses hide where they lead.

    is_shortener("bit.ly") -> True      is_shortener("www.bit.ly") -> True      is_shortener("example.com") -> False

Owner: the project (shorteners.txt, written from general knowledge, Apache-2.0). Honest mail shortens too: this is a fact about a link, not a verdict.
"""

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def shipped() -> frozenset[str]:
    """The hosts of the shipped list."""
    text = resources.files("wardline.sources").joinpath("shorteners.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_shortener(host: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a host in A-label form is a known shortener, with or without "www."; `more` are the operator's own."""
    host = host.removeprefix("www.")
    return host in shipped() or host in more
