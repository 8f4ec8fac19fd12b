"""Clocks: the machine's own, and one that stands still."""

from datetime import UTC, datetime

import pytest

from wardline.base.clock import FixedClock, SystemClock, when


def test_system_clock_counts_microseconds_since_the_epoch() -> None:
    now_us = SystemClock().now_us()
    assert 1_700_000_000_000_000 < now_us < 5_000_000_000_000_000


def test_monotonic_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_ns() for _ in range(100)]
    assert readings == sorted(readings)


def test_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(5)
    assert (clock.now_us(), clock.monotonic_ns()) == (5, 5000)
    clock.advance_us(10)
    assert clock.now_us() == clock.now_us() == 15


def test_fixed_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="-1"):
        FixedClock().advance_us(-1)


def test_times_are_shown_in_utc_and_none_stops_an_answer() -> None:
    assert when(1_795_253_400_125_000) == datetime(2026, 11, 21, 9, 30, 0, 125_000, tzinfo=UTC)
    assert when(-1_000_000) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert when(-(1 << 62)) == datetime.min.replace(tzinfo=UTC)
    assert when(1 << 62) == when(253_402_300_800_000_000) == datetime.max.replace(tzinfo=UTC)
