"""The bytes of the commit log: how a batch of records lies in a segment file, and how it is found again after a crash.

A segment is a file of fixed size, written full of zeros before its first use, so that a sync of a batch has no file-system metadata to
write. Every batch begins on a block of 4,096 bytes, so that no write ever touches a block that holds an answered record:

    batch   "WLB1" | first_seq u64 | durable_seq u64 | count u32 | size_bytes u32 | CRC-32 of the 28 bytes before, u32
    record  size_bytes u32 | CRC-32 of the record u32 | the record (MessagePack, `engine.record`)            `count` times
    zeros up to the next block

Little-endian. `durable_seq` is what had been acknowledged when the batch was put together: it tells an unfinished tail (never answered,
dropped) from damage in the middle (was answered, reported). CRC-32 is that of ISO 3309 (zlib).
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from wardline.base.storage import Files

BLOCK_BYTES = 4096
MAGIC = b"WLB1"
_HEADER = struct.Struct("<4sQQII")
_CRC = struct.Struct("<I")
_FRAME = struct.Struct("<II")
HEADER_BYTES = _HEADER.size + _CRC.size
FRAME_BYTES = _FRAME.size


class Place(msgspec.Struct, frozen=True):
    """Where a batch was found: offset in bytes; whole is False when a record's CRC does not hold. size_bytes counts the record frames."""

    path: Path
    offset: int
    first_seq: int
    count: int
    durable_seq: int
    size_bytes: int
    whole: bool

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1


def frame(payload: bytes) -> bytes:
    """One record as it lies in a batch."""
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def batch(first_seq: int, durable_seq: int, frames: Sequence[bytes]) -> bytes:
    """A whole batch, padded with zeros to full blocks: whole blocks are written without reading them first."""
    size = sum(map(len, frames))
    head = _HEADER.pack(MAGIC, first_seq, durable_seq, len(frames), size)
    data = b"".join((head, _CRC.pack(zlib.crc32(head)), *frames))
    return data + bytes(-len(data) % BLOCK_BYTES)


def room_needed(frames_bytes: int) -> int:
    """Bytes that a batch with this much in frames takes in a segment."""
    size = HEADER_BYTES + frames_bytes
    return size + -size % BLOCK_BYTES


def payloads(data: memoryview, count: int) -> list[bytes] | None:
    """The records of a batch from its frames; None when one is cut short or its CRC does not hold."""
    found = []
    offset = 0
    for _ in range(count):
        if offset + FRAME_BYTES > len(data):
            return None
        size, crc = _FRAME.unpack_from(data, offset)
        offset += FRAME_BYTES
        payload = bytes(data[offset : offset + size])
        if len(payload) != size or zlib.crc32(payload) != crc:
            return None
        found.append(payload)
        offset += size
    return found


def scan(files: Files, path: Path) -> Iterator[Place]:
    """All batches of a segment file, damaged ones too as far as their header holds. Never raises on any content; linear in the file's size."""
    descriptor = files.open(path)
    try:
        size = files.size(descriptor)
        data = memoryview(files.pread(descriptor, size, 0))
    finally:
        files.close(descriptor)
    offset = 0
    while offset + HEADER_BYTES <= len(data):
        head = data[offset : offset + _HEADER.size]
        if head[:4] == MAGIC and _CRC.unpack_from(data, offset + _HEADER.size)[0] == zlib.crc32(head):
            _, first_seq, durable_seq, count, size_bytes = _HEADER.unpack(head)
            start = offset + HEADER_BYTES
            whole = count > 0 and payloads(data[start : start + size_bytes], count) is not None
            yield Place(path, offset, first_seq, count, durable_seq, size_bytes, whole)
            if whole:
                offset += room_needed(size_bytes)
                continue
        offset += BLOCK_BYTES


def load(files: Files, place: Place) -> list[bytes]:
    """The records of a batch that `scan` found whole."""
    descriptor = files.open(place.path)
    try:
        data = files.pread(descriptor, place.size_bytes, place.offset + HEADER_BYTES)
    finally:
        files.close(descriptor)
    return payloads(memoryview(data), place.count) or []


def is_blank(files: Files, descriptor: int, size: int) -> bool:
    """True when the first `size` bytes of a file are zeros."""
    steps = range(0, size, 1 << 20)
    return not any(files.pread(descriptor, min(1 << 20, size - offset), offset).strip(b"\0") for offset in steps)
