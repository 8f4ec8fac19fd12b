"""Stored tables: dense or sparse, checked before they are believed."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.tables import COLUMNS, MAGIC, TableError, pack, unpack


def table(used: int, rows: int = 1000) -> np.ndarray:
    cells = np.zeros((rows, COLUMNS), np.int32)
    cells[:used] = np.arange(used * COLUMNS, dtype=np.int32).reshape(used, COLUMNS) - 50
    return cells


@pytest.mark.parametrize("used", [0, 1, 30, 1000])
def test_round_trip(used: int) -> None:
    about, cells = unpack(pack({"name": "x"}, table(used)), 1000)
    assert about["name"] == "x"
    assert (cells == table(used)).all()


def test_a_table_that_is_mostly_empty_is_small() -> None:
    assert len(pack({}, table(3))) < 500


@given(st.binary(max_size=300))
def test_other_bytes_are_refused(data: bytes) -> None:
    for form in (data, MAGIC + data, signed(MAGIC + data)):
        with pytest.raises(TableError):
            unpack(form, 1000)


def signed(data: bytes) -> bytes:
    return data + hashlib.sha256(data).digest()


@pytest.mark.parametrize("at", [0, 9, 14, 40, 200, -1])
def test_one_wrong_bit_is_found(at: int) -> None:
    data = bytearray(pack({}, table(30)))
    data[at] ^= 1
    with pytest.raises(TableError):
        unpack(bytes(data), 1000)


def test_another_size_is_refused() -> None:
    with pytest.raises(TableError, match="made by another version"):
        unpack(pack({}, table(3)), 500)


@pytest.mark.parametrize(
    "head",
    [
        b"{}",
        b'{"rows":1000,"used":-1,"dense":false}',
        b'{"rows":1000,"used":5,"dense":0}',
        b"[" * 2000,
        b'{"rows":1000,"used":2,"dense":false}',
    ],
)
def test_a_head_that_lies_is_refused(head: bytes) -> None:
    body = struct.pack("<2I", 7, 7) + bytes(8 * COLUMNS)
    with pytest.raises(TableError):
        unpack(signed(MAGIC + struct.pack("<I", len(head)) + head + body), 1000)
