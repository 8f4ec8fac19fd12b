"""URL shorteners: hosts whose addresses hide where they lead.

    is_shortener("bit.ly") -> True      is_shortener("www.bit.ly") -> True      is_shortener("example.com") -> False

Owner: the project (shorteners.txt, written from general knowledge, Apache-2.0). Honest mail shortens too: this is a fact about a link, not a verdict.
"""

from wardline.sources.shipped import shipped_list


def shipped() -> frozenset[str]:
    """The hosts of the shipped list."""
    return shipped_list("shorteners.txt")


def is_shortener(host: str) -> bool:
    """Whether a host in A-label form is a known shortener, with or without "www."."""
    return host.removeprefix("www.") in shipped()
