"""The bytes of a segment: batches are found again, damage is told, and no content makes scanning fail."""

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.forgetful_disk import ForgetfulDisk
from wardline.engine.store import segment

PATH = Path("/nowhere/000001.log")


def disk_with(data: bytes) -> ForgetfulDisk:
    disk = ForgetfulDisk(random.Random(1))
    descriptor = disk.open(PATH, create=True)
    disk.pwrite(descriptor, data, 0)
    return disk


@given(st.lists(st.lists(st.binary(max_size=5000), min_size=1, max_size=5), max_size=4))
def test_what_was_written_is_found(batches: list[list[bytes]]) -> None:
    data, seq = b"", 1
    for payloads in batches:
        data += segment.batch(seq, seq - 1, [segment.frame(payload) for payload in payloads])
        seq += len(payloads)
    assert len(data) % segment.BLOCK_BYTES == 0
    disk = disk_with(data + bytes(3 * segment.BLOCK_BYTES))
    places = list(segment.scan(disk, PATH))
    assert [segment.load(disk, place) for place in places] == batches
    assert all(place.whole for place in places)
    assert [place.last_seq + 1 for place in places][-1:] == ([seq] if batches else [])


def test_a_batch_takes_the_room_that_was_computed() -> None:
    for size in (0, 1, 4000, 4056, 4057, 4096, 20_000):
        framed = segment.frame(bytes(size))
        assert len(segment.batch(1, 0, [framed])) == segment.room_needed(len(framed))


@given(st.binary(max_size=20_000))
def test_scanning_survives_any_bytes(data: bytes) -> None:
    assert list(segment.scan(disk_with(data), PATH)) == []


@given(st.integers(0, 3 * 4096 - 1), st.integers(1, 255))
def test_no_single_changed_byte_goes_unnoticed(offset: int, change: int) -> None:
    payloads = [b"a" * 3000, b"b" * 3000, b"c" * 3000]
    data = bytearray(segment.batch(7, 6, [segment.frame(payload) for payload in payloads]))
    data[offset] ^= change
    disk = disk_with(bytes(data))
    for place in segment.scan(disk, PATH):
        if place.whole:
            # Only the padding may change without being told.
            assert segment.load(disk, place) == payloads


def test_a_header_that_lies_about_its_size_reads_nothing_beyond_the_file() -> None:
    framed = segment.frame(b"x")
    data = segment.batch(1, 0, [framed])[: segment.HEADER_BYTES + 4]
    assert [place.whole for place in segment.scan(disk_with(data), PATH)] == [False]


def test_blank() -> None:
    disk = disk_with(bytes(10_000))
    descriptor = disk.open(PATH)
    assert segment.is_blank(disk, descriptor, 10_000)
    disk.pwrite(descriptor, b"x", 9_999)
    assert segment.is_blank(disk, descriptor, 9_999)
    assert not segment.is_blank(disk, descriptor, 10_000)
