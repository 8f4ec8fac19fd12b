"""After a crash: which records of the commit log count, which never did, and which are lost although they were answered.

    found = recover(files, folder / "log", after_seq=17)       # 17: the newest record that the index holds durably
    found.places                 # batches to index, in order
    found.lost                   # [(24, 31)]: these were acknowledged and cannot be read: damage, never skipped in silence

A batch that is missing or torn at the end was never acknowledged: records are acknowledged strictly in order, each batch carries what had
been acknowledged when it was made, and no intact batch after the gap claims that the gap was.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from wardline.base.storage import Files
from wardline.engine.store import segment
from wardline.engine.store.commitlog import segment_names


class Recovery(msgspec.Struct, frozen=True):
    """What was found. last_seq: where the journal ends; dropped: records of an unfinished tail; lost: inclusive ranges of damage."""

    places: list[segment.Place]
    last_seq: int
    dropped: int
    lost: list[tuple[int, int]]


def recover(files: Files, path: Path, after_seq: int, promised_seq: int = 0) -> Recovery:
    """Read all segments and decide. Memory: one segment at a time and a few words per batch. Never raises on any content.

    promised_seq: how far the index was known to be once, where that is more than what it holds.
    """
    whole: dict[int, segment.Place] = {}
    promised = max(after_seq, promised_seq)
    torn = 0
    for name in segment_names(files, path):
        for place in segment.scan(files, path / name):
            promised = max(promised, place.durable_seq)
            if not place.whole:
                torn += place.count
            elif place.last_seq > after_seq:
                whole[place.first_seq] = place
    kept: list[segment.Place] = []
    lost: list[tuple[int, int]] = []
    last_seq = after_seq
    dropped = torn
    for first_seq in sorted(whole):
        place = whole[first_seq]
        if first_seq > last_seq + 1:
            if last_seq >= promised:
                dropped += place.count
                continue
            lost.append((last_seq + 1, min(first_seq - 1, promised)))
            if first_seq > promised + 1:
                # Nobody vouches for what lies between the last promise and this batch: it was never answered either.
                dropped += place.count
                last_seq = promised
                continue
        kept.append(place)
        last_seq = max(last_seq, place.last_seq)
    if last_seq < promised:
        lost.append((last_seq + 1, promised))
        last_seq = promised
    return Recovery(kept, last_seq, dropped, lost)


def payloads(files: Files, found: Recovery) -> Iterator[list[bytes]]:
    """The records to index, batch by batch."""
    for place in found.places:
        yield segment.load(files, place)
