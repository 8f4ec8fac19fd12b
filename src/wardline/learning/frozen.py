"""A frozen model: what a linear model learned elsewhere, made small, checked, and never changed again.

    frozen = freeze(weights, gain=0.5, margin=2.0, floor=2.0, ceiling=0.4, about={"name": "starter-2026-11"})
    data = frozen.to_bytes();  Frozen.from_bytes(data)
    frozen.log_odds(rows)                within [-floor, +ceiling]

Score: z = sum over fields of (sum of W/512) / sqrt(n); then gain * (z - margin), clipped to [-floor, +ceiling]. It is meant to begin with, on mail
that it has never seen: margin and ceiling say how little it may claim. Weights are 16-bit integers; rows that weigh almost nothing are left
out. Form: "WLFROZEN1"; little-endian u32 length of the head; the head as JSON; zlib of the rows as differences (u32) and the weights (i16);
SHA-256 of everything before.
"""

import hashlib
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wardline.learning.ngrams import Rows

try:
    from wardline.learning import _ngrams as _native
except ImportError:
    _native = None  # type: ignore[assignment]

MAGIC = b"WLFROZEN1"
UNIT = 512
SIZE_LIMIT_BYTES = 8 << 20
_SHA = 32


class FrozenError(ValueError):
    """A frozen model that cannot be used, with the reason and what to do."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a frozen model says of itself. `rows`: size of the table that its rows number; `about`: the card."""

    rows: int
    used: int
    gain: float
    margin: float
    floor: float
    ceiling: float
    about: dict[str, Any] = {}


class Frozen:
    """Weights by row, and how far they may speak. Memory: 2 bytes for each row of the table."""

    def __init__(self, head: Head, weights: NDArray[np.int16]) -> None:
        self.head = head
        self.weights = weights

    @property
    def name(self) -> str:
        """The model's name, as its card says."""
        return str(self.head.about.get("name", "frozen"))

    def raw_log_odds(self, rows: Sequence[Rows]) -> float:
        """z before gain, margin and limits."""
        total = 0.0
        for field in rows:
            if len(field):
                total += weigh(self.weights, field) / UNIT / math.sqrt(len(field))
        return total

    def log_odds(self, rows: Sequence[Rows]) -> float:
        """What it adds to a score. IndexError for rows of a larger table."""
        if not any(len(field) for field in rows):
            return 0.0
        head = self.head
        return min(max(head.gain * (self.raw_log_odds(rows) - head.margin), -head.floor), head.ceiling)

    def to_bytes(self) -> bytes:
        """The stored form."""
        used = np.flatnonzero(self.weights).astype("<u4")
        gaps = np.diff(used, prepend=np.uint32(0)).astype("<u4")
        # Byte planes: the high bytes of gaps and weights are nearly all alike, which is what a compressor likes.
        planes = gaps.view(np.uint8).reshape(-1, 4).T.tobytes() + self.weights[used].astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes()
        head = msgspec.json.encode(msgspec.structs.replace(self.head, used=len(used)))
        data = MAGIC + struct.pack("<I", len(head)) + head + zlib.compress(planes, 9)
        return data + hashlib.sha256(data).digest()

    @classmethod
    def from_bytes(cls, data: bytes, rows: int) -> "Frozen":
        """The inverse, for a table of `rows` rows. FrozenError for anything else."""
        if len(data) > SIZE_LIMIT_BYTES or data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 4 + _SHA:
            raise FrozenError("this is no frozen model (it does not begin with WLFROZEN1): install the program again, or train one")
        if hashlib.sha256(data[:-_SHA]).digest() != data[-_SHA:]:
            raise FrozenError("the frozen model is damaged (its checksum differs): install the program again, or train one")
        (length,) = struct.unpack_from("<I", data, len(MAGIC))
        start = len(MAGIC) + 4 + length
        try:
            head = msgspec.json.decode(data[len(MAGIC) + 4 : start], type=Head)
            if head.rows != rows or not 0 <= head.used <= rows:
                raise FrozenError(
                    f"the frozen model is for a table of {head.rows} rows, this program's has {rows}: use the model of this version"
                )
            inflate = zlib.decompressobj()
            planes = inflate.decompress(data[start:-_SHA], 6 * head.used + 1)
        except (msgspec.DecodeError, RecursionError, zlib.error) as error:
            raise FrozenError(f"the frozen model cannot be read: {error}") from None
        if len(planes) != 6 * head.used:
            raise FrozenError("the frozen model is cut off")
        octets = np.frombuffer(planes, np.uint8)
        gaps = np.ascontiguousarray(octets[: 4 * head.used].reshape(4, -1).T).view("<u4").reshape(-1)
        used = np.cumsum(gaps.astype(np.int64))
        if head.used and (int(used[-1]) >= rows or (np.diff(used) <= 0).any()):
            raise FrozenError("the frozen model names rows out of order")
        weights = np.zeros(rows, np.int16)
        weights[used] = np.ascontiguousarray(octets[4 * head.used :].reshape(2, -1).T).view("<i2").reshape(-1)
        return cls(head, weights)


def weigh(weights: NDArray[np.int16], rows: Rows) -> int:
    """The sum of the rows' weights. IndexError for a row outside the table."""
    return _native.weigh(weights, rows) if _native is not None else weigh_numpy(weights, rows)


def weigh_numpy(weights: NDArray[np.int16], rows: Rows) -> int:
    """The twin of the compiled `weigh`."""
    return int(weights[rows].sum(dtype=np.int64))


def freeze(
    weights: NDArray[np.float64], *, keep: int, gain: float, margin: float, floor: float, ceiling: float, about: dict[str, Any]
) -> Frozen:
    """Round log-odds weights by row to 1/512 and keep the `keep` heaviest."""
    whole = np.clip(np.rint(weights * UNIT), -32767, 32767).astype(np.int16)
    if np.count_nonzero(whole) > keep:
        least = np.partition(np.abs(whole.astype(np.int32)), -keep)[-keep]
        whole[np.abs(whole.astype(np.int32)) < least] = 0
    head = Head(rows=len(whole), used=0, gain=gain, margin=margin, floor=floor, ceiling=ceiling, about=about)
    return Frozen(head, whole)
