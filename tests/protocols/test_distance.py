"""Edit distance within a cap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.distance import within


def reference(left: str, right: str) -> int:
    """Optimal string alignment, the plain way."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            if not i or not j:
                table[i][j] = i + j
                continue
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (left[i - 1] != right[j - 1]))
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9), st.integers(0, 3))
def test_agrees_with_the_plain_way(left: str, right: str, cap: int) -> None:
    distance = reference(left, right)
    assert within(left, right, cap) == (distance if distance <= cap else None)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("paypal", "paypal", 0),
        ("paypal", "payapl", 1),
        ("paypal", "paypall", 1),
        ("paypal", "aypal", 1),
        ("paypal", "peypal", 1),
        ("paypal", "peipal", 2),
        ("paypal", "amazon", None),
        ("", "ab", 2),
        ("", "abc", None),
    ],
)
def test_slips(left: str, right: str, distance: int | None) -> None:
    assert within(left, right) == distance
    assert within(right, left) == distance


def test_long_names_are_cut() -> None:
    assert within("a" * 100_000, "a" * 100_000 + "b") == 0
