"""Free mail providers: domains where anybody can open a mailbox, so that the domain says nothing about who writes.

    is_freemail("gmail.com") -> True      is_freemail("example.com") -> False

Owner: the project (freemail.txt, written from general knowledge, Apache-2.0). Most honest people write from here: a fact, never a verdict.
"""

from wardline.sources.shipped import shipped_list


def shipped() -> frozenset[str]:
    """The domains of the shipped list."""
    return shipped_list("freemail.txt")


def is_freemail(domain: str) -> bool:
    """Whether mailboxes at this domain are open to anybody."""
    return domain in shipped()
