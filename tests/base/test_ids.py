"""Ids: 26 characters, sorted by time, strictly increasing, decoded again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.base.clock import FixedClock, SystemClock
from wardline.base.ids import ALPHABET, LENGTH, Ids, RandomBits, decode, encode, time_ms


@given(st.integers(0, (1 << 130) - 1))
def test_encode_and_decode_are_inverse(number: int) -> None:
    text = encode(number)
    assert len(text) == LENGTH
    assert set(text) <= set(ALPHABET)
    assert decode(text) == number


@given(st.integers(0, (1 << 130) - 1), st.integers(0, (1 << 130) - 1))
def test_text_order_is_number_order(first: int, second: int) -> None:
    assert (encode(first) < encode(second)) == (first < second)


def test_an_id_knows_when_it_was_made() -> None:
    assert time_ms(Ids(FixedClock(1_795_253_400_125_999)).new()) == 1_795_253_400_125


def test_ids_of_one_millisecond_increase_and_differ() -> None:
    ids = Ids(FixedClock(1_000_000))
    made = [ids.new() for _ in range(1000)]
    assert made == sorted(set(made))


def test_a_clock_that_steps_back_does_not_make_ids_go_back() -> None:
    clock = FixedClock(9_000_000)
    ids = Ids(clock)
    before = ids.new()
    clock._now_us = 1_000_000
    assert ids.new() > before


def test_random_part_that_runs_over_moves_to_the_next_millisecond() -> None:
    ids = Ids(FixedClock(1_000_000), random_bits=lambda bits: (1 << bits) - 1)
    made = [ids.new()]
    ids._last_random = (1 << 80) - 1
    made.append(ids.new())
    assert made[1] > made[0]
    assert time_ms(made[1]) == 1001


def test_ids_of_two_makers_differ() -> None:
    assert Ids(SystemClock()).new() != Ids(SystemClock()).new()


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "I" * 26, "l" * 26, "0" * 25 + "é"])
def test_what_is_no_id_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match="an id has"):
        decode(text)


@pytest.mark.parametrize("number", [-1, 1 << 130])
def test_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="130 bits"):
        encode(number)


def test_random_bits_are_used_once_and_cover_their_range() -> None:
    bits = RandomBits()
    found = [bits(79) for _ in range(500)]
    assert len(set(found)) == 500
    assert all(0 <= number < 1 << 79 for number in found)
    assert max(found) >> 77  # one of five hundred has one of the top two bits set
    assert {bits(1) for _ in range(200)} == {0, 1}
