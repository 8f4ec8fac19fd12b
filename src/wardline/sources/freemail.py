"""Free mail providers: domains where anybody can open a mailbox, so that the domain says nothing about who writes.

    is_freemail("gmail.com") -> True      is_freemail("example.com") -> False

Owner: the project (freemail.txt, written from general knowledge, Apache-2.0). Most honest people write from here: a fact, never a verdict.
"""

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def shipped() -> frozenset[str]:
    """The domains of the shipped list."""
    text = resources.files("wardline.sources").joinpath("freemail.txt").read_text("utf-8")
    return frozenset(domain for line in text.splitlines() if not line.startswith("#") for domain in line.split())


def is_freemail(domain: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether mailboxes at this domain are open to anybody; `more` are the operator's own."""
    return domain in shipped() or domain in more
