"""What one label changed in an OnlineModel: enough to take it back exactly, and compact enough to keep.

    change.to_bytes()               about 2 bytes for each n-gram of the message
    Change.from_bytes(data)         the same change; ValueError for anything else

It is made of the message's hashed n-grams, from which parts of the text could be guessed: it belongs into an encrypted vault, not into the journal.

Form: zlib (RFC 1950) over: "WLC2"; flags (1 abusive, 2 counted); number of fields; for each field the little-endian u32 number of rows, i64
step and i64 own step; then for each field the rows in rising order as differences, split into the planes of their four bytes, the ages and
the own ages, one byte each.
"""

import struct
import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from wardline.learning.ngrams import Rows

MAGIC = b"WLC2"
_FIELD = struct.Struct("<Iqq")
_ROW_BYTES = 6
# Bounds of what is unpacked: no message has more fields or n-grams than this.
FIELDS_LIMIT = 64
ROWS_LIMIT = 1 << 20
STEP_LIMIT = 1 << 40

Ages = NDArray[np.uint8]


class Change(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A recorded update. Per field: `rows`, distinct; `steps` and `own_steps`, how far a weight (an own weight) moves that was never moved
    before, 0 or more, in 2^-22 log-odds; `ages` and `own_ages`, how often each had been moved when the change was made (255: that or more).
    `counted`: whether the counts moved too.
    """

    abusive: bool
    counted: bool
    rows: tuple[Rows, ...]
    steps: tuple[int, ...]
    own_steps: tuple[int, ...]
    ages: tuple[Ages, ...]
    own_ages: tuple[Ages, ...]

    def to_bytes(self) -> bytes:
        """The recorded form."""
        head = [MAGIC, bytes(((1 if self.abusive else 0) | (2 if self.counted else 0), len(self.rows)))]
        body = []
        for rows, step, own_step, ages, own_ages in zip(self.rows, self.steps, self.own_steps, self.ages, self.own_ages, strict=True):
            order = np.argsort(rows, kind="stable")
            gaps = np.diff(rows[order], prepend=np.uint32(0)).astype("<u4")
            head.append(_FIELD.pack(len(rows), step, own_step))
            body += [gaps.view(np.uint8).reshape(-1, 4).T.tobytes(), ages[order].tobytes(), own_ages[order].tobytes()]
        return zlib.compress(b"".join((*head, *body)), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Change":
        """The inverse of `to_bytes`; ValueError for anything else."""
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(data, _ROW_BYTES * ROWS_LIMIT + 4096)
        except zlib.error as error:
            raise ValueError(f"a recorded change could not be unpacked: {error}") from None
        if not unpacker.eof or unpacker.unused_data or plain[:4] != MAGIC or len(plain) < 6 or plain[5] > FIELDS_LIMIT:
            raise ValueError("this is no recorded change of a text model")
        flags, fields, at = plain[4], plain[5], 6
        if len(plain) < at + fields * _FIELD.size:
            raise ValueError("a recorded change is cut off")
        heads = [_FIELD.unpack_from(plain, at + field * _FIELD.size) for field in range(fields)]
        at += fields * _FIELD.size
        if len(plain) != at + _ROW_BYTES * sum(head[0] for head in heads):
            raise ValueError("a recorded change is cut off or too long")
        if any(not 0 <= step < STEP_LIMIT for head in heads for step in head[1:]):
            raise ValueError("a recorded change has an impossible step")
        rows, ages, own_ages = [], [], []
        for count, _step, _own_step in heads:
            planes = np.frombuffer(plain, np.uint8, 4 * count, at).reshape(4, count)
            rows.append(np.cumsum(np.ascontiguousarray(planes.T).view("<u4").reshape(-1), dtype=np.uint32))
            ages.append(np.frombuffer(plain, np.uint8, count, at + 4 * count))
            own_ages.append(np.frombuffer(plain, np.uint8, count, at + 5 * count))
            at += _ROW_BYTES * count
        if any(len(field) > 1 and not (np.diff(field.astype(np.int64)) > 0).all() for field in rows):
            raise ValueError("a recorded change names a row twice")
        return cls(
            abusive=bool(flags & 1),
            counted=bool(flags & 2),
            rows=tuple(rows),
            steps=tuple(head[1] for head in heads),
            own_steps=tuple(head[2] for head in heads),
            ages=tuple(ages),
            own_ages=tuple(own_ages),
        )
