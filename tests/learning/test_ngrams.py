"""The hash is a specification: vectors, the twins, and the bounds of its arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.ngrams import grams, grams_numpy, positions

VECTORS = [
    (4, 1, b"Dear", 284610),
    (4, 2, b"Dear", 212746),
    (4, 1, b"\0\0\0\0", 463109),
    (5, 7, b"hello", 341463),
    (7, 0, b"\xff" * 7, 397097),
]


def by_the_book(gram: bytes, salt: int, bits: int) -> int:
    """The specification of the module's docstring, word for word, in Python's own numbers."""
    modulus = 1 << 64
    h = int.from_bytes(gram, "big") ^ (salt * 0x9E3779B97F4A7C15) % modulus
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) % modulus
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) % modulus
    h ^= h >> 31
    return h >> (64 - bits)


@pytest.mark.parametrize(("size", "salt", "gram", "row"), VECTORS)
def test_vectors(size: int, salt: int, gram: bytes, row: int) -> None:
    assert grams(gram, size=size, salt=salt, bits=19).tolist() == [row]
    assert grams_numpy(gram, size=size, salt=salt, bits=19).tolist() == [row]
    assert by_the_book(gram, salt, 19) == row


@given(st.binary(max_size=300), st.integers(1, 7), st.integers(0, 2**40), st.integers(6, 26), st.integers(0, 1000))
def test_the_twins_agree(data: bytes, size: int, salt: int, bits: int, base: int) -> None:
    quick = grams(data, size=size, salt=salt, bits=bits, base=base)
    slow = grams_numpy(data, size=size, salt=salt, bits=bits, base=base)
    assert sorted(quick.tolist()) == slow.tolist()
    expected = {base + by_the_book(data[at : at + size], salt, bits) for at in range(len(data) - size + 1)}
    assert set(slow.tolist()) == expected


def test_an_ngram_counts_once() -> None:
    assert len(grams(b"aaaaaaaaaaaaaaaa", size=4, salt=1, bits=19)) == 1


@pytest.mark.parametrize("data", [b"", b"a", b"abc"])
def test_shorter_than_an_ngram(data: bytes) -> None:
    assert len(grams(data, size=4, salt=1, bits=19)) == 0
    assert len(positions(data, size=4, salt=1, bits=19)) == 0


@pytest.mark.parametrize(("size", "bits"), [(0, 19), (8, 19), (4, 5), (4, 27)])
def test_arguments_out_of_range(size: int, bits: int) -> None:
    with pytest.raises(ValueError, match="size must be"):
        grams(b"some text", size=size, salt=1, bits=bits)
    with pytest.raises(ValueError, match="size must be"):
        grams_numpy(b"some text", size=size, salt=1, bits=bits)


def test_rows_are_read_only() -> None:
    rows = grams(b"some text", size=4, salt=1, bits=19)
    with pytest.raises(ValueError):
        rows[0] = 1
    assert rows.dtype == np.uint32
