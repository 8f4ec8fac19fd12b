"""Facts that stand together as one number: what a key of the graph, and a cell of a sketch, is made of.

    joint = Joint((("device", ("device",)), ("browser", ("user_agent", "screen"))), size=7)
    joint.numbers({"device": "device:5f…", "user_agent": "template:77…"})      [0x3f…, None]: the screen is unknown

A part is hashed under its own name, so that equal values of different facts differ: BLAKE2b (RFC 7693) of "NAME|VALUE|VALUE", with a key where one is given.
The hash is the same on every machine and at every start. `_joint.c` is the same, about eight times as fast.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Protocol

from wardline.engine.feature import Value

try:
    from wardline.engine.groups import _joint

    native_numbers: "_Numbers | None" = _joint.numbers
except ImportError:  # a source install without a C compiler
    native_numbers = None

Parts = tuple[tuple[str, tuple[str, ...]], ...]


class _Numbers(Protocol):
    def __call__(self, key: bytes, size: int, parts: Parts, facts: dict[str, Value], /) -> list[int | None]: ...


def numbers_plain(key: bytes, size: int, parts: Parts, facts: Mapping[str, Value], /) -> list[int | None]:
    """The number of each part, None where one of its facts is unknown. size: bytes of a number, at most 8."""
    begun, get = blake2b(digest_size=size, key=key), facts.get
    found: list[int | None] = []
    for name, of in parts:
        text = name
        for fact in of:
            value = get(fact)
            if value is None:
                found.append(None)
                break
            text += f"|{value}"
        else:
            hashed = begun.copy()
            hashed.update(text.encode("utf-8", "surrogatepass"))
            found.append(int.from_bytes(hashed.digest(), "little"))
    return found


class Joint:
    """Some parts, each a name and the facts that make it."""

    def __init__(self, parts: Parts, size: int, key: bytes = b"") -> None:
        self.parts, self.size, self.key = parts, size, key
        self._numbers = native_numbers or numbers_plain

    def numbers(self, facts: Mapping[str, Value]) -> list[int | None]:
        """For each part its number; None: one of its facts is unknown."""
        return self._numbers(self.key, self.size, self.parts, facts if isinstance(facts, dict) else dict(facts))
