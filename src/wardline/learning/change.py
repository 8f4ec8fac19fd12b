"""What one label changed in an OnlineModel: enough to take it back exactly, and compact enough to keep.

    change.to_bytes()               b"WLC1…", about 2 bytes for each n-gram of the message
    Change.from_bytes(data)         the same change; ValueError for anything else

It is made of the message's hashed n-grams, from which parts of the text could be guessed: it belongs into an encrypted vault, not into the journal.

Form: zlib (RFC 1950) over: "WLC1"; flags (1 abusive, 2 counted); number of fields; for each field the little-endian u32 number of rows and
i64 step; then for each field the rows in rising order as differences, split into their four bytes' planes, and the ages, one byte each.
"""

import struct
import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from wardline.learning.ngrams import Rows

MAGIC = b"WLC1"
_FIELD = struct.Struct("<Iq")
# Bounds of what is unpacked: no message has more fields or n-grams than this.
FIELDS_LIMIT = 64
ROWS_LIMIT = 1 << 20
UNIT = 1 << 22


class Change(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A recorded update. `steps`: per field, how far a weight moves that was never moved before (2^-22 log-odds, positive); `rows`: per
    field, distinct; `ages`: how often each row had been moved when the change was made (255: that or more); `counted`: whether the counts moved too.
    """

    abusive: bool
    counted: bool
    steps: tuple[int, ...]
    rows: tuple[Rows, ...]
    ages: tuple[NDArray[np.uint8], ...]

    @property
    def bound_log_odds(self) -> float:
        """The most that the linear part of this change can move any score."""
        return float(sum(step / UNIT * len(rows) ** 0.5 for step, rows in zip(self.steps, self.rows, strict=True)))

    def to_bytes(self) -> bytes:
        """The recorded form."""
        head = [MAGIC, bytes(((1 if self.abusive else 0) | (2 if self.counted else 0), len(self.rows)))]
        body = []
        for rows, ages, step in zip(self.rows, self.ages, self.steps, strict=True):
            order = np.argsort(rows, kind="stable")
            gaps = np.diff(rows[order], prepend=np.uint32(0)).astype("<u4")
            head.append(_FIELD.pack(len(rows), step))
            body.append(gaps.view(np.uint8).reshape(-1, 4).T.tobytes())
            body.append(ages[order].tobytes())
        return zlib.compress(b"".join((*head, *body)), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Change":
        """The inverse of `to_bytes`; ValueError for anything else."""
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(data, 5 * ROWS_LIMIT + 4096)
        except zlib.error as error:
            raise ValueError(f"a recorded change could not be unpacked: {error}") from None
        if not unpacker.eof or unpacker.unused_data or plain[:4] != MAGIC or len(plain) < 6 or plain[5] > FIELDS_LIMIT:
            raise ValueError("this is no recorded change of a text model")
        flags, fields, at = plain[4], plain[5], 6
        if len(plain) < at + fields * _FIELD.size:
            raise ValueError("a recorded change is cut off")
        heads = [_FIELD.unpack_from(plain, at + field * _FIELD.size) for field in range(fields)]
        at += fields * _FIELD.size
        if len(plain) != at + 5 * sum(count for count, _step in heads) or any(not 0 <= step < 1 << 40 for _count, step in heads):
            raise ValueError("a recorded change is cut off or too long")
        rows, ages = [], []
        for count, _step in heads:
            planes = np.frombuffer(plain, np.uint8, 4 * count, at).reshape(4, count)
            rows.append(np.cumsum(np.ascontiguousarray(planes.T).view("<u4").reshape(-1), dtype=np.uint32))
            ages.append(np.frombuffer(plain, np.uint8, count, at + 4 * count))
            at += 5 * count
        if any(len(field) > 1 and not (np.diff(field.astype(np.int64)) > 0).all() for field in rows):
            raise ValueError("a recorded change names a row twice")
        return cls(
            abusive=bool(flags & 1),
            counted=bool(flags & 2),
            steps=tuple(step for _count, step in heads),
            rows=tuple(rows),
            ages=tuple(ages),
        )
