"""Windows with numpy are what the engine's tallies read, on any order of times, to the last bit."""

import random

import numpy as np
import pytest

from wardline.engine.counting.counter import Counter
from wardline.engine.counting.keytable import member_of
from wardline.engine.counting.tally import UNIT, make_tally, spec_of
from wardline.learning.history import windows

SECOND = 1_000_000
COUNTERS = [
    Counter(name="c", kind="count", on=("login",), window_seconds=600),
    Counter(name="c", kind="count", on=("login",), window_seconds=61),
    Counter(name="c", kind="count", on=("login",), window_seconds=3601),
    Counter(name="c", kind="sum", on=("login",), of="x", window_seconds=60),
    Counter(name="c", kind="ratio", on=("login",), of="x", window_seconds=90),
    Counter(name="c", kind="distinct", on=("login",), of="x", window_seconds=60),
    Counter(name="c", kind="distinct", on=("login",), of="x", window_seconds=3601),
    Counter(name="c", kind="first_seen", on=("login",), window_seconds=100),
    Counter(name="c", kind="last_seen", on=("login",), window_seconds=100),
    Counter(name="c", kind="rate", on=("login",), half_life_seconds=60),
]


def by_tallies(counter: Counter, rows: windows.Rows) -> list[float]:
    """One tally for each key, told and asked in order."""
    spec, tallies, found = spec_of(counter), {}, []
    for key, t, counted, amount, read in zip(rows.key, rows.time_us, rows.counted, rows.amount, rows.read, strict=True):
        tally = tallies.setdefault(int(key), make_tally(spec))
        value = tally.read(int(t), -1) if read else None
        found.append(np.nan if value is None else float(value))
        if counted:
            # For a member the amount is the fact itself.
            tally.write(int(t), member_of(int(amount)) if counter.kind == "distinct" else int(amount))
    return found


def some_rows(chance: random.Random, counter: Counter, count: int, *, step_us: int, back_us: int, members: int) -> windows.Rows:
    keys = np.sort(np.array([chance.choice([1, 2, 2**63 + 5, 2**64 - 1]) for _ in range(count)], np.uint64))
    times, t = [], chance.randrange(200 * SECOND)
    for row in range(count):
        if row and keys[row] != keys[row - 1]:
            t = chance.randrange(200 * SECOND)
        t += chance.choice([0, 1, step_us, chance.randrange(step_us), 20 * step_us if chance.random() < 0.05 else 0])
        times.append(max(t - (chance.randrange(back_us) if back_us and chance.random() < 0.2 else 0), 0))
    amounts = {
        "sum": lambda: chance.choice([0, UNIT, -UNIT // 3, 5 * UNIT + 1]),
        "ratio": lambda: chance.randrange(2),
        "distinct": lambda: chance.randrange(members),
    }.get(counter.kind, lambda: 1)
    return windows.Rows(
        key=keys,
        time_us=np.array(times, np.int64),
        counted=np.array([chance.random() < 0.7 for _ in range(count)]),
        amount=np.array([amounts() for _ in range(count)], np.int64),
        read=np.array([chance.random() < 0.7 for _ in range(count)]),
    )


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: f"{counter.kind}-{counter.window_seconds}")
@pytest.mark.parametrize("few_rows", [0, 50], ids=["tables", "tallies too"])
@pytest.mark.parametrize("back_us", [0, 3 * SECOND, 500 * SECOND], ids=["ordered", "late", "very late"])
def test_equal_to_the_tallies(counter: Counter, back_us: int, few_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FEW_ROWS", few_rows)
    chance = random.Random(f"{counter.kind}{counter.window_seconds}{back_us}")
    for _ in range(25):
        rows = some_rows(
            chance, counter, chance.randrange(1, 250), step_us=chance.choice([10, SECOND, 40 * SECOND]), back_us=back_us,
            members=chance.choice([2, 10, 400]),
        )  # fmt: skip
        expected = np.where(rows.read, by_tallies(counter, rows), np.nan)
        np.testing.assert_array_equal(np.where(rows.read, windows.values(spec_of(counter), rows), np.nan), expected)


def test_sums_that_leave_64_bits_are_the_tallies_affair() -> None:
    counter = COUNTERS[3]
    huge = 10**12 * UNIT
    rows = windows.Rows(
        key=np.zeros(20, np.uint64), time_us=np.arange(20), counted=np.ones(20, bool), amount=np.full(20, huge), read=np.ones(20, bool)
    )
    np.testing.assert_array_equal(windows.values(spec_of(counter), rows), by_tallies(counter, rows))


def test_nothing_is_nothing() -> None:
    empty = np.empty(0, np.int64)
    rows = windows.Rows(key=empty, time_us=empty, counted=empty.astype(bool), amount=empty, read=empty.astype(bool))
    assert len(windows.values(spec_of(COUNTERS[0]), rows)) == 0
