"""The stored form of a model's table: plain numbers, checked before they are believed. No pickle.

    data = pack({"fields": [["visible", 19]]}, table)      table: int32[rows, 6]
    about, table = unpack(data, rows)

Form: "WLTABLE1"; little-endian u32 length of the head; the head as JSON (`rows`, `used`, `dense`, and what the model says of itself);
then, where few rows are used, their numbers (u32) and after them their values (i32 x 6), else all values; SHA-256 of everything before.
"""

import hashlib
import struct
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

MAGIC = b"WLTABLE1"
HEAD_LIMIT = 65536
COLUMNS = 6
_SHA = 32


class TableError(ValueError):
    """A stored table that cannot be used, with the reason and what to do."""


def pack(about: dict[str, Any], table: NDArray[np.int32]) -> bytes:
    """The table and what the model says of itself (JSON values) as bytes."""
    used = np.flatnonzero(table.any(axis=1)).astype("<u4")
    dense = len(used) * (4 + 4 * COLUMNS) > len(table) * 4 * COLUMNS
    body = table.astype("<i4").tobytes() if dense else used.tobytes() + table[used].astype("<i4").tobytes()
    head = msgspec.json.encode({**about, "rows": len(table), "used": len(used), "dense": dense})
    data = MAGIC + struct.pack("<I", len(head)) + head + body
    return data + hashlib.sha256(data).digest()


def unpack(data: bytes, rows: int) -> tuple[dict[str, Any], NDArray[np.int32]]:
    """The inverse of `pack` for a table of `rows` rows. TableError for anything else."""
    if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 4 + _SHA:
        raise TableError("this is no stored model (it does not begin with WLTABLE1): restore it from a backup or train it anew")
    if hashlib.sha256(data[:-_SHA]).digest() != data[-_SHA:]:
        raise TableError("the stored model is damaged (its checksum differs): restore it from a backup or train it anew")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    start = len(MAGIC) + 4 + length
    if length > HEAD_LIMIT or start > len(data) - _SHA:
        raise TableError("the stored model's head is too long")
    try:
        about = msgspec.json.decode(data[len(MAGIC) + 4 : start], type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise TableError(f"the stored model's head cannot be read: {error}") from None
    if about.get("rows") != rows:
        raise TableError(f"the stored model has {about.get('rows')} rows and this program's has {rows}: it was made by another version")
    dense, used = about.get("dense"), about.get("used")
    if not isinstance(dense, bool) or not isinstance(used, int) or not 0 <= used <= rows:
        raise TableError("the stored model's head is incomplete")
    expected = rows * 4 * COLUMNS if dense else used * (4 + 4 * COLUMNS)
    if len(data) - _SHA - start != expected:
        raise TableError("the stored model is cut off")
    if dense:
        return about, np.frombuffer(data, "<i4", rows * COLUMNS, start).reshape(rows, COLUMNS).astype(np.int32)
    table = np.zeros((rows, COLUMNS), np.int32)
    index = np.frombuffer(data, "<u4", used, start)
    if used and (int(index.max()) >= rows or not (np.diff(index.astype(np.int64)) > 0).all()):
        raise TableError("the stored model names rows that do not exist")
    table[index] = np.frombuffer(data, "<i4", used * COLUMNS, start + 4 * used).reshape(used, COLUMNS)
    return about, table
