"""Identifiers: 26 characters that sort by the time they were made (ULID layout: 48 bits of milliseconds, 80 bits of randomness).

    ids = Ids(SystemClock())
    ids.new()                   "01KAJ5S8ZX4T7Q0M3V9C2R6B1E"
    time_ms("01KAJ5S8ZX…")      1795253400125

Crockford's base 32 (no I, L, O, U), most significant character first, so that text order is time order. Within one millisecond the random
part is counted up, which keeps ids of one process strictly increasing; a clock that steps back does not make them go back.
"""

import secrets
from collections.abc import Callable

from wardline.base.clock import Clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
RANDOM_BITS = 80
TIME_LIMIT_MS = 1 << 48
KEPT_BYTES = 1024
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(number: int) -> str:
    """130 bits as 26 characters. Raises ValueError for a number outside 0 .. 2**130 - 1."""
    if not 0 <= number < 1 << 130:
        raise ValueError("an id holds 130 bits: the number is negative or too large")
    pairs = []
    for shift in range(120, -1, -10):
        pairs.append(_PAIRS[(number >> shift) & 1023])
    return "".join(pairs)


def decode(text: str) -> int:
    """The number behind an id. Raises ValueError with the reason when the text is no id."""
    if len(text) != LENGTH:
        raise ValueError(f"an id has {LENGTH} characters, not {len(text)}")
    number = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            raise ValueError("an id has only the characters 0-9 and A-Z without I, L, O and U")
        number = number << 5 | value
    return number


def time_ms(text: str) -> int:
    """When an id was made: milliseconds since the epoch. Raises ValueError when the text is no id."""
    return (decode(text) >> RANDOM_BITS) & (TIME_LIMIT_MS - 1)


class RandomBits:
    """Random bits from the system, fetched many at a time: a call into the kernel for each id costs more than the rest of it.

    Belongs to one process: a forked copy would give the same bits again.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._at = 0

    def __call__(self, count: int) -> int:
        """A number of `count` bits, at most 128, each bit used once."""
        size = (count + 7) // 8
        if self._at + size > len(self._kept):
            self._kept, self._at = secrets.token_bytes(KEPT_BYTES), 0
        found = self._kept[self._at : self._at + size]
        self._at += size
        return int.from_bytes(found, "big") >> (size * 8 - count)


class Ids:
    """Makes ids in strictly increasing order. One per process and thread: it keeps the last id that it gave."""

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] | None = None) -> None:
        self._clock = clock
        self._random_bits = random_bits or RandomBits()
        self._last_ms = -1
        self._last_random = 0

    def new(self) -> str:
        """The next id."""
        now_ms = self._clock.now_us() // 1000
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            # The top bit starts at 0, which leaves 2**79 ids in this millisecond before the random part could run over.
            self._last_random = self._random_bits(RANDOM_BITS - 1)
        else:
            # A small random step keeps neighbours unguessable enough that ids cannot simply be counted through.
            self._last_random += 1 + self._random_bits(32)
            if self._last_random >> RANDOM_BITS:
                self._last_ms += 1
                self._last_random = self._random_bits(RANDOM_BITS - 1)
        return encode(self._last_ms << RANDOM_BITS | self._last_random)
