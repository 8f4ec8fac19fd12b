"""Disposable mail domains: mailboxes for minutes, so that an address there ties nobody to an account.

    shipped() -> {"mailinator.com", …}       is_disposable("mailinator.com") -> True

Owner: the project (disposable.txt, written from general knowledge, Apache-2.0). Careful people use such addresses too: a fact, never a verdict.
The shipped list is short: that a domain is not on it says nothing, unless a maintained list is configured (`sources/domainlist.py`).
"""

from wardline.sources.shipped import shipped_list


def shipped() -> frozenset[str]:
    """The domains of the shipped list."""
    return shipped_list("disposable.txt")


def is_disposable(domain: str) -> bool:
    """Whether this domain is known for disposable mailboxes."""
    return domain in shipped()
