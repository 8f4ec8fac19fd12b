"""The labels that stand: a state of the journal, read in one look-up.

    labels = Labels(Trust())
    labels.standing("account:5f2c…", now_us=…)                  Standing(abusive=True, confidence=0.99, sources=1, …)
    labels.standing("event:01K…", now_us=…, as_of_seq=1200)     what was known when record 1200 had been written: for training and backtests

Records of kind "label" alone are read: our own at the point "label", and those of a domain that keeps labels in a form of its own (mail), through
the reader that the domain gives for its point. Memory is bounded: so many things, of each so many sources, of each so many labels; what was labelled
longest ago goes first, reads as unknown, and stays in the journal under its key.

as_of_seq is exact: a label that came later, or was backdated, is not seen. now_us is label time: what had been said by then, by the sources' clocks.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from wardline.engine.label import UNKNOWN, Label, Standing, Trust, Voice, weigh
from wardline.engine.record import Record

POINT = "label"
THINGS_LIMIT = 200_000
SOURCES_LIMIT = 32
LABELS_LIMIT = 16  # of one source about one thing

# A domain's own form of label, read as the engine's; None for a record that is no statement about anything.
Reader = Callable[[Record], Label | None]

_decoder = msgspec.msgpack.Decoder(Label)


class Said(msgspec.Struct, array_like=True):
    """One label as the state keeps it. withdrawn_seq 0: not withdrawn."""

    seq: int
    id: str
    abusive: bool
    confidence: float
    said_us: int
    told_us: int
    expires_us: int | None
    reporter: str
    kind: str
    source: str
    withdrawn_seq: int = 0


class _Thing(msgspec.Struct, array_like=True):
    sources: dict[str, list[Said]] = {}
    dropped_seq: int = 0


class Labels:
    """The state. `trust` and the time are asked for when it is read, never when a record is applied: its digest depends on records alone."""

    name = "labels"

    def __init__(self, trust: Trust, readers: Mapping[str, Reader] | None = None, things_limit: int = THINGS_LIMIT) -> None:
        self.trust = trust
        self.readers = dict(readers or {})
        self.things_limit = things_limit
        self.applied_seq = 0
        # Ordered: finding the first of a dict walks over all that were taken from before it.
        self.things: OrderedDict[str, _Thing] = OrderedDict()

    def apply(self, record: Record) -> None:
        """One record, once and in order; anything but a label changes nothing."""
        if record.seq <= self.applied_seq:
            return
        self.applied_seq = record.seq
        label = label_of(record, self.readers)
        if label is None:
            return
        if label.withdrawn:
            self._withdraw(record.seq, label)
        else:
            self._add(record.seq, label)

    def _add(self, seq: int, label: Label) -> None:
        thing = self.things.pop(label.about, None) or _Thing()
        self.things[label.about] = thing  # what was labelled last goes last
        said = thing.sources.setdefault(label.counts_as, [])
        said.append(
            Said(
                seq,
                label.id,
                label.abusive,
                label.confidence,
                label.said_us,
                label.told_us,
                label.expires_us,
                label.reporter,
                label.kind,
                label.source,
            )
        )
        if len(said) > LABELS_LIMIT:
            del said[_least(said)]
            thing.dropped_seq = seq
        if len(thing.sources) > SOURCES_LIMIT:
            del thing.sources[min(thing.sources, key=lambda source: thing.sources[source][-1].seq)]
            thing.dropped_seq = seq
        while len(self.things) > self.things_limit:
            self.things.popitem(last=False)

    def _withdraw(self, seq: int, label: Label) -> None:
        thing = self.things.get(label.about)
        for said in thing.sources.get(label.counts_as, ()) if thing else ():
            mine = said.id == label.withdraws if label.withdraws else said.reporter == label.reporter
            if mine and not said.withdrawn_seq:
                said.withdrawn_seq = seq

    def standing(self, about: str, *, now_us: int, as_of_seq: int | None = None) -> Standing:
        """What the labels about one thing come to, at a time, as far as they were known at a seq."""
        thing = self.things.get(about)
        if thing is None:
            return UNKNOWN
        # A copy at once: whoever looks for campaigns asks from a thread, while labels come in.
        voices = {source: _voices(said, now_us, as_of_seq) for source, said in tuple(thing.sources.items())}
        found = weigh(voices, self.trust)
        if as_of_seq is not None and as_of_seq < thing.dropped_seq:
            return msgspec.structs.replace(found, whole=False)
        return found

    def of(self, about: str) -> list[tuple[str, Said]]:
        """The labels about one thing that are in memory, oldest first, each with the source that it counts as."""
        thing = self.things.get(about)
        # A copy at once, as in `standing`: a training asks from a thread.
        found = [(source, said) for source, every in tuple(thing.sources.items()) for said in every] if thing else []
        return sorted(found, key=lambda pair: pair[1].seq)

    def find(self, about: str, label_id: str) -> Said | None:
        """One label about a thing; None when it is not in memory."""
        return next((said for _source, said in self.of(about) if said.id == label_id), None)

    def erase(self, subject: str) -> int:
        """Forget what was said about a subject, and what the subject said: their records are going. Gives how many labels that were."""
        thing = self.things.pop(subject, None)
        count = sum(len(said) for said in thing.sources.values()) if thing else 0
        return count + self._keep(lambda said: said.reporter != subject)

    def expire(self, before_us: int) -> int:
        """Forget labels that we were told before a time: retention has removed their records."""
        return self._keep(lambda said: said.told_us >= before_us)

    def _keep(self, wanted: Callable[[Said], bool]) -> int:
        count = 0
        for about, thing in list(self.things.items()):
            for source, every in list(thing.sources.items()):
                kept = [said for said in every if wanted(said)]
                count += len(every) - len(kept)
                if kept:
                    thing.sources[source] = kept
                else:
                    del thing.sources[source]
            if not thing.sources:
                del self.things[about]
        return count

    def snapshot(self) -> bytes:
        """The whole state as MessagePack, in the order in which it would be forgotten."""
        return msgspec.msgpack.encode(list(self.things.items()))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        self.things = OrderedDict(msgspec.msgpack.decode(data, type=list[tuple[str, _Thing]]))

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is part of the state."""
        return hashlib.sha256(self.snapshot()).hexdigest()


def label_of(record: Record, readers: Mapping[str, Reader]) -> Label | None:
    """The label in a record; None for a record of another kind, or of a point whose form nobody here knows. A damaged body raises
    msgspec.DecodeError or ValidationError, as in every other state."""
    if record.kind != "label":
        return None
    if record.point == POINT:
        return _decoder.decode(record.body)
    reader = readers.get(record.point)
    return reader(record) if reader else None


def _voices(every: list[Said], now_us: int, as_of_seq: int | None) -> list[Voice]:
    """Per reporter the last thing said that counts at this time."""
    last: dict[str, Said] = {}
    for said in every:
        known = as_of_seq is None or said.seq <= as_of_seq
        withdrawn = said.withdrawn_seq and (as_of_seq is None or said.withdrawn_seq <= as_of_seq)
        if not known or withdrawn or said.said_us > now_us:
            continue
        before = last.get(said.reporter)
        if before is None or said.said_us >= before.said_us:
            last[said.reporter] = said
    # An expired label is silent; that it replaced an older one of the same reporter stays true.
    return [
        Voice(said.abusive, said.confidence, said.kind) for said in last.values() if said.expires_us is None or said.expires_us > now_us
    ]


def _least(every: list[Said]) -> int:
    """The place of the label that is missed least: one that was withdrawn or replaced, else the oldest."""
    newer: set[str] = set()
    found = 0
    for place in range(len(every) - 1, -1, -1):
        said = every[place]
        if said.withdrawn_seq or said.reporter in newer:
            found = place
        newer.add(said.reporter)
    return found
