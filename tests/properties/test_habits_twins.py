"""Habits in C and in Python are equal to the last byte, whatever an account does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.domains.login import habits
from wardline.domains.login.attributes import IDENTIFIED, LEVELS, SHIFT

pytestmark = pytest.mark.skipif(not habits.NATIVE, reason="the part in C was not built")

KEYS = st.tuples(
    *(
        st.integers(0, 18).map(lambda value, level=level: level << SHIFT | value % 3 // 2 * IDENTIFIED | value * 977 if value else 0)
        for level in LEVELS
    )
)
LOGINS = st.lists(st.tuples(KEYS, st.integers(-3, 400), st.booleans(), st.booleans(), st.integers(1, 9)), max_size=60)


@given(LOGINS)
def test_the_twins_are_equal(logins: list[tuple[tuple[int, ...], int, bool, bool, int]]) -> None:
    packed, day = b"", 20_000
    for keys, passed, confirmed, doubted, times in logins:
        day += passed
        for _ in range(times):
            plain = habits.add_plain(packed, keys, day, confirmed, doubted)
            assert habits.add(packed, keys, day, confirmed, doubted) == plain
            packed = plain[0]


def test_the_twins_are_equal_over_years_of_one_account() -> None:
    packed = b""
    for number in range(6_000):
        keys = tuple(level << SHIFT | number % 2 * IDENTIFIED | 1 + number * level % (7 * level) for level in LEVELS)
        plain = habits.add_plain(packed, keys, number // 4, number % 50 == 0, number % 31 == 0)
        assert habits.add(packed, keys, number // 4, number % 50 == 0, number % 31 == 0) == plain
        packed = plain[0]


@pytest.mark.parametrize("wrong", [(b"1234567", (0,) * 14), (b"", (0,) * 13), (b"", (5,) * 14), (b"", (15 << SHIFT,) * 14)])
def test_what_is_no_habits_and_no_keys_is_refused(wrong: tuple[bytes, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="add: "):
        habits.add(*wrong, 1)
