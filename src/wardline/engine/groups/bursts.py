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
from array import array
from collections.abc import Mapping, Sequence

import msgspec

from wardline.engine.feature import Value, Values
from wardline.engine.groups.burst_scale import Scale
from wardline.engine.groups.joint import Joint
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

HOUR_US = 3_600_000_000
WIDTH = 1 << 13
SCALES = ((HOUR_US, 24, 24 * 28), (24 * HOUR_US, 3, 56))  # tick, ticks before it speaks, ticks after which the past counts half
TOLD_BITS = 6.0
SPEAKS_FROM = 100  # events, before which nothing is usual


class Block(msgspec.Struct, frozen=True):
    """A set of facts whose joint value is counted; name is that of the value, as burst.NAME."""

    name: str
    of: tuple[str, ...]


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
        self.joint = Joint(tuple((block.name, block.of) for block in blocks), size=8, key=b"bursts")
        self._last: tuple[Values, int, list[int | None]] | None = None
        self.scales = [Scale(*scale, len(blocks), width) for scale in SCALES]

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """How surprising each block is, this event included. None: unknown, or too early to say."""
        unknown: dict[str, Value] = dict.fromkeys(self.gives)
        if self.seen < SPEAKS_FROM:
            return unknown
        at_us = min(occurred_us, time_us + HOUR_US)
        numbers = self.joint.numbers(facts)
        self._last = facts, self.applied_seq, numbers
        found: dict[str, float] = {}
        most = 0
        for scale in self.scales:
            tick = at_us // scale.tick_us
            fresh = tick > scale.tick  # the running tick is over, and read changes nothing
            tick = max(tick, scale.tick)
            if scale.ticks(tick) < scale.speaks_from:
                continue
            busy = 1.0 if fresh else scale.busy(min(max((at_us - tick * scale.tick_us) / scale.tick_us, 0.1), 1.0))
            for name, looked in zip(self.names, scale.look(numbers, tick, busy), strict=True):
                if looked is None:
                    continue
                bits, count = looked
                if bits:
                    bits = round(bits, 2)
                if bits > found.get(name, -1.0):
                    found[name] = bits
                    if bits > TOLD_BITS and count >= most:
                        most = count + 1
        return {**unknown, **found, "burst.count": most}

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count one event."""
        last, self._last = self._last, None
        if kept.type in self.types:
            self.seen += 1
            at_us = min(kept.occurred_us, time_us + HOUR_US)
            known = last is not None and last[0] is kept.facts and last[1] == self.applied_seq
            numbers = last[2] if last is not None and known else self.joint.numbers(kept.facts)
            for scale in self.scales:
                scale.roll(at_us // scale.tick_us)
                scale.count(numbers)
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
