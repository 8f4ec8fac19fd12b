"""One case of a conformance suite, and what the readers of suites share.

Case("v-macro-ip6", check)      check() -> "" when we agree, else what differed; it raises Skipped("why") when the case is not ours to run
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from wardline.protocols.dns import NXDOMAIN, TIMEOUT, Answer, Question


class Skipped(Exception):
    """A case that is not run; the text says why, in words that several cases can share."""


class Case(msgspec.Struct, frozen=True):
    """One vector: its name within the suite, and the check."""

    id: str
    check: Callable[[], str]


class TextZone:
    """TXT records by name, for vectors that need only keys and policies. A value None times out."""

    def __init__(self, records: dict[str, list[bytes] | None]) -> None:
        self.records = {name.lower().removesuffix("."): texts for name, texts in records.items()}

    def __call__(self, question: Question) -> Answer:
        if question.type != "TXT" or question.name not in self.records:
            return NXDOMAIN
        texts = self.records[question.name]
        return TIMEOUT if texts is None else Answer("ok", tuple(texts))


def differs(expected: str | list[str] | tuple[str, ...], found: str) -> str:
    """ "" when `found` is one of what is expected."""
    wanted = [expected] if isinstance(expected, str) else list(expected)
    return "" if found in wanted else f"{' or '.join(wanted)} expected, {found} found"


def named(directory: Path, path: Path) -> str:
    """A file's name within the folder, with / on every system."""
    return path.relative_to(directory).as_posix()
