"""Bursts: keys that are seen much more often than they used to be, in constant memory and time, with a baseline that an attack does not teach.

    bursts = Bursts("bursts", BLOCKS, types=frozenset({"signup"}))
    bursts.read("signup", at_us, facts, now_us)     {"burst.network": 3.2, "burst.browser": 41.0, "burst.count": 17, …}

For each block (a set of facts) and each of two scales, an hour and a day, two count-min sketches (G. Cormode and S. Muthukrishnan, 2005) hold the count of
the running tick and the sum of the ticks before. A value is how surprising the running tick is, in bits: a·log2(a/λ) − (a−λ)/ln 2, with λ the mean of the ticks
before, raised with the whole stream when that is busier than usual: if everybody comes, nobody is a burst.

Streams of edges are scored so by MIDAS (S. Bhatia et al., 2020); from its filtering kind (MIDAS-F, 2022) comes what keeps the baseline clean: when a tick ends, a cell
that was far above its mean adds its mean, not its count. So whoever floods does not become normal by flooding; who grows slowly is left to the graph.

The hash has a fixed seed. Times are event times, at most an hour ahead of ours; a late event counts into the running tick.
"""

import hashlib
import math
from array import array
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from wardline.engine.feature import Value, Values, joint_number
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

HOUR_US = 3_600_000_000
WIDTH = 1 << 13
ROWS = 2
LEAST = 0.25  # the mean is taken to be at least so much: what was never seen may come twice
SCALES = ((HOUR_US, 24, 24 * 28), (24 * HOUR_US, 3, 56))  # tick, ticks before it speaks, ticks after which the past counts half
FAR = 3.0
TOLD_BITS = 6.0
HALF = tuple(0.5**power for power in range(33))
SPEAKS_FROM = 100  # events, before which nothing is usual
_BEGUN = blake2b(digest_size=8, key=b"bursts")


class Block(msgspec.Struct, frozen=True):
    """A set of facts whose joint value is counted; name is that of the value, as burst.NAME."""

    name: str
    of: tuple[str, ...]


class _Scale:
    """One scale. Each cell holds the last tick in which it was seen, its count in that tick, and the sum of its ticks before; it is brought up to date when it
    is looked at, so that no event pays for the others' cells."""

    def __init__(self, tick_us: int, speaks_from: int, halves_at: int, cells: int) -> None:
        self.tick_us, self.speaks_from, self.halves_at, self.cells = tick_us, speaks_from, halves_at, cells
        self.first, self.tick = 0, 0
        self.now_all, self.past_all = 0.0, 0.0
        self.seen, self.now, self.past = array("i", bytes(4 * cells)), array("i", bytes(4 * cells)), array("d", bytes(8 * cells))

    def ticks(self, tick: int) -> int:
        """Over how many ticks the past of a cell reaches, as of a tick; it counts half whenever that is twice halves_at."""
        gone = tick - self.first
        return gone if gone < 2 * self.halves_at else self.halves_at + gone % self.halves_at

    def _halvings(self, tick: int) -> int:
        return max((tick - self.first) // self.halves_at - 1, 0)

    def at(self, cell: int, tick: int) -> tuple[int, float]:
        """A cell's count and past as of a tick."""
        seen = self.seen[cell]
        if seen >= tick:
            return self.now[cell], self.past[cell]
        if not seen:
            return 0, 0.0
        now, past, ticks = self.now[cell], self.past[cell], self.ticks(seen)
        mean = past / ticks if ticks else 0.0
        # What was far above its mean adds its mean: a flood does not become usual by flooding.
        past += now if ticks < self.speaks_from or now <= FAR * (mean + 1.0) else mean
        halvings = self._halvings(tick) - self._halvings(seen)
        return 0, past * HALF[min(halvings, 32)] if halvings else past

    def roll(self, tick: int) -> None:
        """Begin a later tick."""
        if tick <= self.tick:
            return
        if not self.tick:
            self.first = tick
        else:
            self.past_all = (self.past_all + self.now_all) * HALF[min(self._halvings(tick) - self._halvings(self.tick), 32)]
            self.now_all = 0.0
        self.tick = tick

    def busy(self, passed: float) -> float:
        """How much busier than usual the whole stream is; at least 1. passed: the share of the running tick that has passed."""
        mean = self.past_all / max(self.ticks(self.tick), 1)
        return max((self.now_all + 1.0) / max(mean * passed, 1.0), 1.0)


class _Kept(msgspec.Struct, array_like=True):
    seen: int
    heads: list[tuple[int, int, float, float]]
    cells: list[bytes]


class Bursts:
    """The state. A DomainState."""

    def __init__(self, name: str, blocks: Sequence[Block], types: frozenset[str], width: int = WIDTH) -> None:
        self.name, self.blocks, self.types, self.width = name, tuple(blocks), types, width
        self.gives: Mapping[str, str] = {f"burst.{block.name}": "number" for block in blocks} | {"burst.count": "number"}
        self.applied_seq = 0
        self.seen = 0
        self.names = tuple(f"burst.{block.name}" for block in blocks)
        self._last: tuple[Values, int, list[tuple[int, int, int]]] | None = None
        self.scales = [_Scale(*scale, ROWS * width * len(blocks)) for scale in SCALES]

    def _cells(self, facts: Values) -> list[tuple[int, int, int]]:
        """(block, cell in the first row, cell in the second) for each block whose facts are known."""
        found, width, get = [], self.width, facts.get
        for place, block in enumerate(self.blocks):
            number = joint_number(_BEGUN, block.name, block.of, get)
            if number is not None:
                start = ROWS * width * place
                found.append((place, start + number % width, start + width + (number >> 32) % width))
        return found

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """How surprising each block is, this event included. None: unknown, or too early to say."""
        found: dict[str, Value] = dict.fromkeys(self.gives)
        if self.seen < SPEAKS_FROM:
            return found
        at_us = min(occurred_us, time_us + HOUR_US)
        cells = self._cells(facts)
        self._last = facts, self.applied_seq, cells
        most = 0
        for scale in self.scales:
            tick = at_us // scale.tick_us
            fresh = tick > scale.tick  # the running tick is over, and read changes nothing
            tick = max(tick, scale.tick)
            ticks = scale.ticks(tick)
            if ticks < scale.speaks_from:
                continue
            busy = 1.0 if fresh else scale.busy(min(max((at_us - tick * scale.tick_us) / scale.tick_us, 0.1), 1.0))
            for place, one, other in cells:
                bits, count = 0.0, 0
                if scale.seen[one] == tick and scale.seen[other] == tick:  # else it is the first of its tick, and no burst
                    count = min(scale.now[one], scale.now[other])
                    past = min(scale.past[one], scale.past[other])
                    bits = surprise(count + 1, max(past / ticks * busy, LEAST))
                name = self.names[place]
                before = found[name]
                if before is None or bits > before:  # type: ignore[operator]
                    found[name] = bits
                    if bits > TOLD_BITS and count >= most:
                        most = count + 1
        found["burst.count"] = most
        return found

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count one event."""
        last, self._last = self._last, None
        if kept.type in self.types:
            self.seen += 1
            at_us = min(kept.occurred_us, time_us + HOUR_US)
            known = last is not None and last[0] is kept.facts and last[1] == self.applied_seq
            cells = last[2] if last is not None and known else self._cells(kept.facts)
            for scale in self.scales:
                scale.roll(at_us // scale.tick_us)
                tick = scale.tick
                scale.now_all += 1.0
                seen, now, past = scale.seen, scale.now, scale.past
                for _place, one, other in cells:
                    before = seen[one]
                    if before < tick:
                        now[one], past[one] = scale.at(one, tick) if before else (0, 0.0)
                        seen[one] = tick
                    before = seen[other]
                    if before < tick:
                        now[other], past[other] = scale.at(other, tick) if before else (0, 0.0)
                        seen[other] = tick
                    # Conservative update: no cell higher than it must be.
                    first, second = now[one], now[other]
                    if first <= second:
                        now[one] = first + 1
                    if second <= first:
                        now[other] = second + 1
        self.applied_seq = seq

    def apply(self, record: Record) -> None:
        """One record; anything but an event changes nothing."""
        if (kept := kept_event(record)) is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """A sketch holds counts of hashes and nobody's name: there is nothing to forget."""

    def snapshot(self) -> bytes:
        """Everything as MessagePack."""
        heads = [(scale.first, scale.tick, scale.now_all, scale.past_all) for scale in self.scales]
        cells = [part.tobytes() for scale in self.scales for part in (scale.seen, scale.now, scale.past)]
        return msgspec.msgpack.encode(_Kept(self.seen, heads, cells))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises ValueError, msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=_Kept)
        sizes = [size * scale.cells for scale in self.scales for size in (4, 4, 8)]
        if len(kept.heads) != len(self.scales) or [len(part) for part in kept.cells] != sizes:
            raise ValueError("a snapshot of other blocks or another width")
        self.seen, self._last = kept.seen, None
        for place, scale in enumerate(self.scales):
            scale.first, scale.tick, scale.now_all, scale.past_all = kept.heads[place]
            seen, now, past = kept.cells[3 * place : 3 * place + 3]
            scale.seen, scale.now, scale.past = array("i", seen), array("i", now), array("d", past)

    def digest(self) -> str:
        """SHA-256 of the snapshot."""
        return hashlib.sha256(self.snapshot()).hexdigest()


def surprise(count: float, mean: float) -> float:
    """Bits of a Poisson likelihood ratio: how much better a rate of `count` explains the count than `mean` does; 0 when it is not above it."""
    if count <= mean:
        return 0.0
    return round(count * math.log2(count / mean) - (count - mean) / math.log(2), 2)
