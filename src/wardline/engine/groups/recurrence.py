"""Keys that come back too often in too short a stretch of the site's whole history: a state of the journal, with the chance that it is none.

    state = Recurrence("recurrence", KINDS, types=frozenset({"signup"}))
    state.read("signup", at_us, facts, now_us)      {"recurs.name": 21.4, "recurs.phone": 0.0, "recurs.phone_count": 0, …}
    state.since(state.keys(facts), 311)             the same of an event of long ago, the 312th, with what is known today

Time is counted in events, not in hours. A key that came n times more since it was first seen, in the last L of N events, would by chance do so with
probability (L/N)**n, were it spread over the history like any other (the scan statistic of a run of gaps; J. Naus, 1965). The value is that in nats, n ln(N/L), less the
log of how many keys of the kind came back at all: that many had the chance. Where a run began anew after earlier ones, the ways to choose which of all
the uses were the late ones come off too. So a common first name says nothing however often it comes, a rare one says much at
its fifth time, and a slow series of two weeks as much as one of an hour.

What is counted are witnesses: a kind names what must differ for a use to count anew (the network: one company is one witness; the clock: a class within an
hour is one; nothing: each use). A key that was silent for four times its run and a quarter of the history begins a new run.

Bounded: so many keys, of which the one that was seen longest ago goes first; a key keeps its last eight witnesses. Whole numbers throughout, no clock of ours.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from wardline.engine.feature import Value, Values
from wardline.engine.groups.joint import Joint
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

KEYS_LIMIT = 200_000
WITNESSES = 8
HISTORY = 1 << 16  # the last events against which a run is held: on an old site a new company's domain is not rarer than on a young one
SPEAKS_FROM = 200  # events, before which there is no history to be rare against
YOUNG = 2.0  # a run that fills more than half of the history is the key's ordinary rate
SILENT_RUNS, SILENT_SHARE = 4, 4
KINDS_LIMIT = 16
EVENTS = "recurs.events"  # how many events counted before this one


class Kind(msgspec.Struct, frozen=True):
    """A kind of key. of: the facts that make it. witness: the fact that must differ for a use to count anew, "" for none; slot_us: instead of a fact
    the time, in slots so long. counted: tell the count too."""

    name: str
    of: tuple[str, ...]
    witness: str = ""
    slot_us: int = 0
    counted: bool = False


class Run(msgspec.Struct, array_like=True, gc=False):
    """A key's running run. first, last: numbers of events; count: witnesses; seen: the last witnesses; before: witnesses
    of earlier runs."""

    first: int
    last: int
    count: int
    seen: tuple[int, ...]
    before: int = 0


class _Kept(msgspec.Struct, array_like=True):
    total: int
    back: list[int]
    runs: list[tuple[int, Run]]


class Recurrence:
    """The state. A DomainState."""

    def __init__(self, name: str, kinds: Sequence[Kind], types: frozenset[str], limit: int = KEYS_LIMIT) -> None:
        if len(kinds) > KINDS_LIMIT:
            raise ValueError(f"{len(kinds)} kinds of key; at most {KINDS_LIMIT}")
        self.name, self.kinds, self.types, self.limit = name, tuple(kinds), types, limit
        self.gives: Mapping[str, str] = (
            {f"recurs.{kind.name}": "number" for kind in kinds}
            | {f"recurs.{kind.name}_count": "number" for kind in kinds if kind.counted}
            | {EVENTS: "number"}
        )
        self._told = tuple(f"recurs.{kind.name}" for kind in kinds)
        self.applied_seq = 0
        self.total = 0
        self.back = [0] * len(kinds)  # keys of each kind that ever had a second witness
        self.runs = OrderedDict[int, Run]()
        # A kind that is made of one fact alone is that fact's number too, for whatever takes the fact as witness.
        alone = {kind.of[0]: place for place, kind in enumerate(kinds) if len(kind.of) == 1}
        further = sorted({kind.witness for kind in kinds if kind.witness} - set(alone))
        alone |= {fact: len(kinds) + place for place, fact in enumerate(further)}
        self._plan = tuple((place, kind, alone.get(kind.witness, -1), kind.slot_us) for place, kind in enumerate(kinds))
        self._joint = Joint((*((kind.name, kind.of) for kind in kinds), *((fact, (fact,)) for fact in further)), size=7, key=b"recurs")
        self._last: tuple[Values, list[int | None]] = ({}, [])

    def keys(self, facts: Values) -> list[int | None]:
        """A number for each kind, None where a fact is unknown; then one for each witness that is no kind. Of the same facts they are made once."""
        if self._last[0] is not facts:
            self._last = (facts, self._joint.numbers(facts))
        return self._last[1]

    def _over(self, run: Run) -> bool:
        """A key that was silent for so long begins anew."""
        gap = self.total - run.last
        return gap > SILENT_RUNS * (run.last - run.first + 1) and gap * SILENT_SHARE > self.total

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """For each kind how surprising the run is with this event, in nats, and the witnesses before it. Unknown: too early to say, or no such fact; a count is told at once."""
        if type not in self.types:
            return {}
        numbers = self.keys(facts)
        speaks, history = self.total >= SPEAKS_FROM, min(self.total + 1, HISTORY)
        found: dict[str, Value] = {EVENTS: self.total}
        for place, kind, witness_at, slot_us in self._plan:
            if not speaks and not kind.counted:
                continue
            number = numbers[place]
            if number is None:
                continue
            run = self.runs.get(number << 4 | place)
            nats, count = 0.0, 0
            if run is not None and not self._over(run):
                count = run.count
                witness = occurred_us // slot_us if slot_us else numbers[witness_at] if witness_at >= 0 else None
                more = count if witness is None or witness not in run.seen else count - 1
                stretch = history / (self.total + 1 - run.first)
                if more > 0 and stretch >= YOUNG:
                    chances = 1 + self.back[place] * history // (self.total + 1)
                    nats = max(more * math.log(stretch) - math.log(chances) - _ways(more, run.before), 0.0)
            if speaks:
                found[self._told[place]] = round(nats, 2) if nats else 0.0
            if kind.counted:
                found[f"recurs.{kind.name}_count"] = count
        return found

    def since(self, numbers: Sequence[int | None], index: int) -> dict[str, Value]:
        """What `read` would have said of an event, had it known what came after it. numbers: its `keys`; index: how many events counted before it (EVENTS).

        A run that ended stays as surprising as it was: by chance n more uses lie within the L events of the run with a probability of (n+1)(L/N)**n.
        A run that began after the event is somebody else's, and says nothing of it."""
        if self.total < SPEAKS_FROM or index >= self.total:  # counted anew from fewer records: this event is not among them
            return {}
        found: dict[str, Value] = {}
        history = min(self.total, HISTORY)
        for place, kind, _witness_at, _slot_us in self._plan:
            number = numbers[place]
            if number is None:
                continue
            run = self.runs.get(number << 4 | place)
            nats, more = 0.0, 0
            if run is not None and run.first <= index:
                more = run.count - 1
                stretch = history / (run.last - run.first + 1)
                if more > 0 and stretch >= YOUNG:
                    chances = 1 + self.back[place] * history // self.total
                    nats = max(more * math.log(stretch) - math.log(more + 1) - math.log(chances) - _ways(more, run.before), 0.0)
            found[self._told[place]] = round(nats, 2)
            if kind.counted:
                found[f"recurs.{kind.name}_count"] = more
        return found

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count one event."""
        if kept.type in self.types:
            numbers = self.keys(kept.facts)
            for place, _kind, witness_at, slot_us in self._plan:
                number = numbers[place]
                if number is not None:
                    witness = kept.occurred_us // slot_us if slot_us else numbers[witness_at] if witness_at >= 0 else None
                    self._count(number << 4 | place, place, witness)
            self.total += 1
        self.applied_seq = seq

    def _count(self, number: int, place: int, witness: int | None) -> None:
        runs = self.runs
        run = runs.get(number)
        if run is None:
            runs[number] = Run(self.total, self.total, 1, () if witness is None else (witness,))
            if len(runs) > self.limit:
                runs.popitem(last=False)
            return
        runs.move_to_end(number)
        if self._over(run):
            runs[number] = Run(self.total, self.total, 1, () if witness is None else (witness,), run.before + run.count)
            self.back[place] += run.count == 1  # it came back, if late
            return
        run.last = self.total
        if witness is not None:
            if witness in run.seen:
                return
            run.seen = (*run.seen[1 - WITNESSES :], witness)
        run.count += 1
        if run.count == 2:
            self.back[place] += 1

    def apply(self, record: Record) -> None:
        """One record; anything but an event changes nothing."""
        if (kept := kept_event(record)) is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Hashes of keys lead to nobody's account: there is nothing to forget."""

    def snapshot(self) -> bytes:
        """Everything as MessagePack, in the order in which it would be forgotten."""
        return msgspec.msgpack.encode(_Kept(self.total, self.back, list(self.runs.items())))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises ValueError, msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=_Kept)
        if len(kept.back) != len(self.kinds):
            raise ValueError("a snapshot of other kinds of key")
        self.total, self.back, self.runs = kept.total, kept.back, OrderedDict(kept.runs)

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is part of the state."""
        return hashlib.sha256(self.snapshot()).hexdigest()


def _ways(late: int, early: int) -> float:
    """The log, at most, of how many ways there are to choose which of a key's uses were the late ones."""
    if not early:
        return 0.0
    return late * math.log((late + early) / late) + early * math.log((late + early) / early)
