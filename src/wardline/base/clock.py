"""The clock: the one place that asks the machine what time it is, so that tests and replays can say it themselves.

clock = SystemClock()
clock.now_us()              1795253400125000     microseconds since 1970-01-01T00:00:00Z (POSIX time, leap seconds not counted)
FixedClock(5).now_us()      5                    until `advance_us` moves it
when(1795253400125000)      2026-11-21 09:30:00.125000+00:00
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where the time comes from. `now_us`: microseconds since the epoch, may step; `monotonic_ns`: never goes back, only for durations."""

    def now_us(self) -> int: ...

    def monotonic_ns(self) -> int: ...


def when(time_us: int) -> datetime:
    """Microseconds since the epoch as a time in UTC. What lies beyond the years that can be written is the first or the last of them: no door takes
    such a time, but a journal of yesterday may hold one, and it must not stop an answer."""
    try:
        return _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if time_us > 0 else datetime.min.replace(tzinfo=UTC)


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class FixedClock:
    """A clock that stands still until it is told to move: for tests and for replaying the past."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def monotonic_ns(self) -> int:
        return self._now_us * 1000

    def advance_us(self, microseconds: int) -> None:
        """Move the clock forward. Raises ValueError when asked to go back: no real monotonic clock does."""
        if microseconds < 0:
            raise ValueError(f"a clock cannot be advanced by {microseconds} microseconds; give a number of 0 or more")
        self._now_us += microseconds
