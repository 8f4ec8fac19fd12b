"""Values to numbers: one row and many come out the same, whatever the values are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.datasets.encoding import VOCABULARY_LIMIT, Encoder, Encoding, choose, matrix, narrow, places

ENCODING = Encoding(numbers=("a", "b"), texts={"c": ("x", "", "y")})
NUMBERS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True, allow_infinity=True)
ANY = NUMBERS | st.integers(10**300, 10**310) | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)


def test_unknown_is_not_zero_and_not_another_value() -> None:
    encoder = Encoder(ENCODING)
    row = encoder.row({"a": 0, "c": "never seen"})
    assert row[0] == 0 and math.isnan(row[1]) and row[2] == 1.0
    assert math.isnan(encoder.row({"c": ""})[2]) and math.isnan(encoder.row({"c": None})[2])


@given(st.dictionaries(st.sampled_from("abcd"), ANY))
def test_any_values_make_a_row_of_32_bits(values: dict[str, object]) -> None:
    row = Encoder(ENCODING).row(values)  # type: ignore[arg-type]
    found = np.array(row, np.float32)
    assert found.shape == (3,) and not np.isinf(found).any()


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from([None, "", "x", "y", "z"])), min_size=1, max_size=8))
def test_many_rows_are_the_single_ones(rows: list[tuple[object, object, str | None]]) -> None:
    columns = {name: [row[place] for row in rows] for place, name in enumerate("abc")}
    found = matrix(ENCODING, columns, len(rows))  # type: ignore[arg-type]
    for row, values in zip(found, rows, strict=True):
        single = narrow(Encoder(ENCODING).row(dict(zip("abc", values, strict=True))))  # type: ignore[arg-type]
        assert np.array_equal(row, np.array(single, np.float32), equal_nan=True)


def test_a_vocabulary_is_bounded_and_ordered_by_the_share_of_abuse() -> None:
    values = ["good"] * 50 + ["bad"] * 50 + ["rare"] * 3 + [None] * 5
    abusive = [False] * 50 + [True] * 50 + [False] * 8
    assert choose(values, abusive) == ("good", "", "bad")
    many = [f"v{number}" for number in range(100) for _ in range(30)]
    assert len(choose(many, [False] * 3000)) == VOCABULARY_LIMIT
    assert choose([], []) == ("",)


@pytest.mark.parametrize("vocabulary", [(), ("x",), ("", "x", "x")])
def test_a_vocabulary_without_others_is_refused(vocabulary: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="every value once"):
        places(vocabulary)
