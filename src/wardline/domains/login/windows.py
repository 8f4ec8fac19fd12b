"""What came from one key lately: strange attempts, good logins, and on how many accounts; over the last hour and the last day. A few dozen numbers.

    entry = Entry()
    entry.add(now_us, 1, 0, bit)         an attempt that nothing in its account's history explains
    entry.add(now_us, 0, 1)              a login that ended well
    entry.hour.accounts()                on how many accounts, in one to two window lengths

Each window is two tiles, the present and the one before. Accounts are counted by linear counting (Whang, Vander-Zanden, Taylor, ACM TODS 1990) in
64 bits: exact enough up to two hundred, and past that the number does not matter any more.
"""

from math import log

import msgspec

BITS = 64
MOST = 266  # what 64 bits can tell apart


class Window(msgspec.Struct, array_like=True, gc=False):
    """Two tiles of `seconds` each."""

    seconds: int
    tile: int = 0
    strange: int = 0
    good: int = 0
    bits: int = 0
    strange_before: int = 0
    good_before: int = 0
    bits_before: int = 0

    def add(self, now_us: int, strange: int, good: int, bit: int = 0) -> None:
        """Count; bit: the account's bit, 0 for none. strange may be -1: an attempt that turned out well. Late events count as of now."""
        tile = now_us // (self.seconds * 1_000_000)
        if tile > self.tile:
            if tile == self.tile + 1:
                self.strange_before, self.good_before, self.bits_before = self.strange, self.good, self.bits
            else:
                self.strange_before = self.good_before = self.bits_before = 0
            self.tile, self.strange, self.good, self.bits = tile, 0, 0, 0
        if strange:
            self.strange = max(self.strange + strange, 0)
        self.good += good
        self.bits |= bit

    def accounts(self) -> int:
        """About how many accounts the strange attempts were on; at most MOST."""
        empty = BITS - (self.bits | self.bits_before).bit_count()
        return round(-BITS * log(max(empty, 1) / BITS))


class Entry(msgspec.Struct, array_like=True, gc=False):
    """What is known of one key. until_us: it takes part in a campaign up to then, accounts: on about so many."""

    hour: Window = msgspec.field(default_factory=lambda: Window(3600))
    day: Window = msgspec.field(default_factory=lambda: Window(86_400))
    until_us: int = 0
    accounts: int = 0

    def add(self, now_us: int, strange: int, good: int, bit: int = 0) -> None:
        """Count in both windows."""
        self.hour.add(now_us, strange, good, bit)
        self.day.add(now_us, strange, good, bit)
