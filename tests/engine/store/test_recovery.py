"""Recovery decides from what it finds: unfinished tails are dropped, what was answered and is gone is reported."""

import random
from pathlib import Path

import pytest

from tests.forgetful_disk import ForgetfulDisk
from wardline.engine.store import segment
from wardline.engine.store.recovery import payloads, recover

FOLDER = Path("/nowhere/log")


def disk_with(*batches: tuple[int, int, int, bool]) -> ForgetfulDisk:
    """Batches of (first_seq, count, durable_seq, whole), one segment each, in this order."""
    disk = ForgetfulDisk(random.Random(1))
    disk.make_folder(FOLDER)
    for number, (first_seq, count, durable_seq, whole) in enumerate(batches, 1):
        data = bytearray(segment.batch(first_seq, durable_seq, [segment.frame(b"%d" % (first_seq + i)) for i in range(count)]))
        if not whole:
            data[segment.HEADER_BYTES + 4] ^= 1
        descriptor = disk.open(FOLDER / f"{number:06}.log", create=True)
        disk.pwrite(descriptor, bytes(data), 0)
    return disk


@pytest.mark.parametrize(
    ("batches", "after_seq", "kept", "last_seq", "lost"),
    [
        pytest.param([], 0, [], 0, [], id="an empty log"),
        pytest.param([], 7, [], 7, [], id="everything indexed"),
        pytest.param([(1, 2, 0, True), (3, 1, 2, True)], 0, [1, 3], 3, [], id="everything whole"),
        pytest.param([(3, 1, 2, True), (1, 2, 0, True)], 0, [1, 3], 3, [], id="files in another order"),
        pytest.param([(1, 2, 0, True), (3, 1, 2, True)], 3, [], 3, [], id="all of it indexed already"),
        pytest.param([(1, 4, 0, True)], 2, [1], 4, [], id="half a batch indexed"),
        pytest.param([(1, 2, 0, True), (3, 1, 2, False)], 0, [1], 2, [], id="torn tail"),
        pytest.param([(1, 2, 0, True), (3, 1, 0, False), (4, 1, 0, True)], 0, [1], 2, [], id="a later batch was faster than a torn one"),
        pytest.param([(1, 2, 0, True), (3, 1, 2, False), (4, 1, 3, True)], 0, [1, 4], 4, [(3, 3)], id="damage in the middle"),
        pytest.param([(1, 2, 0, False), (3, 1, 2, True)], 0, [3], 3, [(1, 2)], id="damage at the beginning"),
        pytest.param([(1, 2, 0, True), (9, 1, 5, True)], 0, [1], 5, [(3, 5)], id="a promise without its batches"),
        pytest.param([(5, 2, 4, True)], 2, [5], 6, [(3, 4)], id="the index is behind what the log promises"),
    ],
)
def test_decisions(
    batches: list[tuple[int, int, int, bool]], after_seq: int, kept: list[int], last_seq: int, lost: list[tuple[int, int]]
) -> None:
    disk = disk_with(*batches)
    found = recover(disk, FOLDER, after_seq)
    assert ([place.first_seq for place in found.places], found.last_seq, found.lost) == (kept, last_seq, lost)
    assert [batch[0] for batch in payloads(disk, found)] == [b"%d" % first for first in kept]


def test_a_folder_that_is_not_there_is_an_empty_log() -> None:
    assert recover(ForgetfulDisk(random.Random(1)), FOLDER, 0).last_seq == 0
