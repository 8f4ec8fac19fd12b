"""Clocks: the machine's own, and one that stands still."""

import pytest

from wardline.base.clock import FixedClock, SystemClock


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
