"""Disposable mail domains: mailboxes for minutes, so that an address there ties nobody to an account.

    shipped() -> {"mailinator.com", …}       is_disposable("mailinator.com") -> True

Owner: the project (disposable.txt, written from general knowledge, Apache-2.0). Careful people use such addresses too: a fact, never a verdict.
The shipped list is short: that a domain is not on it says nothing, unless a maintained list is configured (`sources/domainlist.py`).
"""

from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def shipped() -> frozenset[str]:
    """The domains of the shipped list."""
    text = resources.files("wardline.sources").joinpath("disposable.txt").read_text("utf-8")
    return frozenset(domain for line in text.splitlines() if not line.startswith("#") for domain in line.split())


def is_disposable(domain: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether this domain is known for disposable mailboxes; `more` are the operator's own."""
    return domain in shipped() or domain in more
