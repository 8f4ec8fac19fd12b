"""Recorded changes: they come back as they were, and nothing else is believed."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.change import Change
from wardline.learning.ngrams import grams


def change(text: bytes = b"cheap pills, order now") -> Change:
    rows = (grams(text, size=4, salt=1, bits=19), grams(b"", size=4, salt=2, bits=19))
    ages = tuple(np.arange(len(field), dtype=np.uint8) for field in rows)
    return Change(abusive=True, counted=True, rows=rows, steps=(4711, 0), own_steps=(0, 12), ages=ages, own_ages=ages)


def test_round_trip() -> None:
    before, after = change(), Change.from_bytes(change().to_bytes())
    assert (after.abusive, after.counted, after.steps, after.own_steps) == (True, True, (4711, 0), (0, 12))
    order = np.argsort(before.rows[0])
    assert after.rows[0].tolist() == before.rows[0][order].tolist()
    assert after.ages[0].tolist() == before.ages[0][order].tolist()
    assert len(after.rows[1]) == 0


def test_it_is_compact() -> None:
    text = b" ".join(b"%d" % (number * 7919) for number in range(500))
    assert len(change(text).to_bytes()) < 4 * len(change(text).rows[0])


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    for form in (data, zlib.compress(data), zlib.compress(b"WLC2" + data)):
        try:
            found = Change.from_bytes(form)
        except ValueError as error:
            assert str(error)
        else:
            assert len(found.rows) <= 64


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_cut_off(cut: int) -> None:
    with pytest.raises(ValueError):
        Change.from_bytes(change().to_bytes()[:-cut])
    with pytest.raises(ValueError):
        Change.from_bytes(zlib.compress(zlib.decompress(change().to_bytes())[:-cut]))


def test_a_row_named_twice_is_refused() -> None:
    rows = (np.array([5, 5], np.uint32),)
    twice = Change(
        abusive=True, counted=True, rows=rows, steps=(1,), own_steps=(0,), ages=(np.zeros(2, np.uint8),), own_ages=(np.zeros(2, np.uint8),)
    )
    with pytest.raises(ValueError, match="twice"):
        Change.from_bytes(twice.to_bytes())


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(ValueError):
        Change.from_bytes(zlib.compress(b"\0" * 50_000_000))
