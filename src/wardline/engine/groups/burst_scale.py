"""One scale of a burst sketch: for every cell the count of its running tick and the sum of its ticks before. Used by engine.groups.bursts.

    scale = Scale(tick_us=HOUR_US, speaks_from=24, halves_at=672, blocks=9, width=8192)
    scale.roll(tick)                               a later tick begins
    scale.count([0x5f…, None, …])                  one number for each block: two cells each, by conservative update
    scale.look([0x5f…, None, …], tick, busy=1.0)   [(23.4, 11), None, …]: bits of surprise, and the count before, for each block

A cell is brought up to date when it is counted in, so that no event pays for the others' cells and every event costs the same. `_bursts.c` is the
same, about fifteen times as fast.
"""

import math
from array import array
from typing import Protocol

try:
    from wardline.engine.groups import _bursts

    native: "_Native | None" = _bursts
except ImportError:  # a source install without a C compiler
    native = None

ROWS = 2
LEAST = 0.25  # the mean is taken to be at least so much: what was never seen may come twice
FAR = 3.0
FULL = (1 << 31) - 1  # what a cell holds
HALF = tuple(0.5**power for power in range(33))

Numbers = list[int | None]
Looked = list[tuple[float, int] | None]


class _Native(Protocol):
    """What the compiled twin has: the two functions below."""

    def look(
        self, seen: "array[int]", now: "array[int]", past: "array[float]", numbers: Numbers, width: int,
        tick: int, ticks: int, busy: float, least: float, /,
    ) -> Looked: ...  # fmt: skip

    def count(
        self, seen: "array[int]", now: "array[int]", past: "array[float]", numbers: Numbers, width: int,
        tick: int, first: int, halves_at: int, speaks_from: int, /,
    ) -> None: ...  # fmt: skip


class Scale:
    """See the module. tick_us: length of a tick; speaks_from: ticks before it says anything; halves_at: ticks after which the past counts half."""

    def __init__(self, tick_us: int, speaks_from: int, halves_at: int, blocks: int, width: int, plain: bool = native is None) -> None:
        self.tick_us, self.speaks_from, self.halves_at, self.width = tick_us, speaks_from, halves_at, width
        self.cells = ROWS * width * blocks
        self.first, self.tick = 0, 0
        self.now_all, self.past_all = 0.0, 0.0
        self.seen, self.now = array("i", bytes(4 * self.cells)), array("i", bytes(4 * self.cells))
        self.past = array("d", bytes(8 * self.cells))
        self._look = look_plain if plain or native is None else native.look
        self._count = count_plain if plain or native is None else native.count

    def ticks(self, tick: int) -> int:
        """Over how many ticks the past of a cell reaches, as of a tick; it counts half whenever that is twice halves_at."""
        return _ticks(tick - self.first, self.halves_at)

    def roll(self, tick: int) -> None:
        """Begin a later tick."""
        if tick <= self.tick:
            return
        if not self.tick:
            self.first = tick
        else:
            gone = _halvings(tick - self.first, self.halves_at) - _halvings(self.tick - self.first, self.halves_at)
            self.past_all = (self.past_all + self.now_all) * HALF[min(gone, 32)]
            self.now_all = 0.0
        self.tick = tick

    def busy(self, passed: float) -> float:
        """How much busier than usual the whole stream is; at least 1. passed: the share of the running tick that has passed."""
        mean = self.past_all / max(self.ticks(self.tick), 1)
        return max((self.now_all + 1.0) / max(mean * passed, 1.0), 1.0)

    def look(self, numbers: Numbers, tick: int, busy: float) -> Looked:
        """For each block the bits of surprise if it came once more, and how often it came in this tick. Changes nothing."""
        return self._look(self.seen, self.now, self.past, numbers, self.width, tick, self.ticks(tick), busy, LEAST)

    def count(self, numbers: Numbers) -> None:
        """One event, in the running tick."""
        self.now_all += 1.0
        self._count(
            self.seen, self.now, self.past, numbers, self.width, self.tick, self.first, self.halves_at, self.speaks_from
        )  # fmt: skip


def look_plain(
    seen: "array[int]", now: "array[int]", past: "array[float]", numbers: Numbers, width: int,
    tick: int, ticks: int, busy: float, least: float, /,
) -> Looked:  # fmt: skip
    """See Scale.look. tick, ticks: the running tick, and how many lie before it."""
    found: Looked = []
    for block, number in enumerate(numbers):
        if number is None:
            found.append(None)
            continue
        one, other = _cells(block, number, width)
        bits, count = 0.0, 0
        if seen[one] == tick and seen[other] == tick:  # else it is the first of its tick, and no burst
            count = min(now[one], now[other])
            bits = surprise(count + 1, max(min(past[one], past[other]) / ticks * busy, least))
        found.append((bits, count))
    return found


def count_plain(
    seen: "array[int]", now: "array[int]", past: "array[float]", numbers: Numbers, width: int,
    tick: int, first: int, halves_at: int, speaks_from: int, /,
) -> None:  # fmt: skip
    """See Scale.count."""
    for block, number in enumerate(numbers):
        if number is None:
            continue
        both = _cells(block, number, width)
        for cell in both:
            before = seen[cell]
            if before >= tick:
                continue
            if before:
                count, sums, ticks = now[cell], past[cell], _ticks(before - first, halves_at)
                mean = sums / ticks if ticks else 0.0
                # What was far above its mean adds its mean: a flood does not become usual by flooding.
                sums += count if ticks < speaks_from or count <= FAR * (mean + 1.0) else mean
                halved = _halvings(tick - first, halves_at) - _halvings(before - first, halves_at)
                past[cell] = sums * HALF[min(halved, 32)] if halved else sums
            else:
                past[cell] = 0.0
            now[cell] = 0
            seen[cell] = tick
        # Conservative update: no cell higher than it must be.
        lower, upper = now[both[0]], now[both[1]]
        if lower <= upper and lower < FULL:
            now[both[0]] = lower + 1
        if upper <= lower and upper < FULL:
            now[both[1]] = upper + 1


def surprise(count: float, mean: float) -> float:
    """Bits of a Poisson likelihood ratio: how much better a rate of `count` explains the count than `mean` does; 0 when it is not above it."""
    return count * math.log2(count / mean) - (count - mean) / math.log(2) if count > mean else 0.0


def _cells(block: int, number: int, width: int) -> tuple[int, int]:
    start = ROWS * width * block
    return start + number % width, start + width + (number >> 32) % width


def _ticks(gone: int, halves_at: int) -> int:
    return gone if gone < 2 * halves_at else halves_at + gone % halves_at


def _halvings(gone: int, halves_at: int) -> int:
    return max(gone // halves_at - 1, 0)
