"""What came from one key lately: strange attempts, good logins, and on how many accounts; over the last hour and the last day. A few dozen numbers.

    entry = Entry()
    entry.strange(now_us, member)        an attempt that nothing in its account's history explains
    entry.good(now_us)                   a login that ended well
    entry.hour.seen(now_us)              (strange, good, accounts) of one to two window lengths

Each window is two tiles, the present and the one before. Accounts are counted by linear counting (Whang, Vander-Zanden, Taylor, ACM TODS 1990) in
256 bits: exact enough up to several hundred, and past that the number does not matter any more.
"""

from math import log

import msgspec

BITS = 256


class Window(msgspec.Struct, array_like=True):
    """Two tiles of `seconds` each."""

    seconds: int
    tile: int = 0
    strange: int = 0
    good: int = 0
    bits: str = "0"
    strange_before: int = 0
    good_before: int = 0
    bits_before: str = "0"

    def turn(self, now_us: int) -> None:
        """Move on to the present tile; an event of an earlier time counts as of now."""
        tile = now_us // (self.seconds * 1_000_000)
        if tile <= self.tile:
            return
        if tile == self.tile + 1:
            self.strange_before, self.good_before, self.bits_before = self.strange, self.good, self.bits
        else:
            self.strange_before, self.good_before, self.bits_before = 0, 0, "0"
        self.tile, self.strange, self.good, self.bits = tile, 0, 0, "0"

    def add(self, now_us: int, strange: int, good: int, member: int = -1) -> None:
        """Count; member: the account's place in the bits, -1 for none. strange may be -1: an attempt that turned out well."""
        self.turn(now_us)
        self.strange = max(self.strange + strange, 0)
        self.good += good
        if member >= 0:
            self.bits = format(int(self.bits, 16) | 1 << (member % BITS), "x")

    def accounts(self) -> int:
        """About how many accounts the strange attempts were on."""
        empty = BITS - (int(self.bits, 16) | int(self.bits_before, 16)).bit_count()
        return round(-BITS * log(max(empty, 1) / BITS))


class Entry(msgspec.Struct, array_like=True):
    """What is known of one key. until_us: it takes part in a campaign up to then, accounts: on about so many."""

    hour: Window = msgspec.field(default_factory=lambda: Window(3600))
    day: Window = msgspec.field(default_factory=lambda: Window(86_400))
    until_us: int = 0
    accounts: int = 0

    def add(self, now_us: int, strange: int, good: int, member: int = -1) -> None:
        """Count in both windows."""
        self.hour.add(now_us, strange, good, member)
        self.day.add(now_us, strange, good, member)
