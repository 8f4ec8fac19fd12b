"""Counters against an oracle that keeps a list of all events and recomputes every value from it: slow and obvious."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.counting.backends import BACK_ENDS
from wardline.engine.counting.counter import Counter
from wardline.engine.counting.counters import Counters, backfill
from wardline.engine.counting.keytable import KeyTables
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record

NAMES = {"ip": "text", "account": "text", "result": "text", "amount": "number", "flag": "bool"}
SECOND = 1_000_000
START = 1_790_000_000 * SECOND

Facts = dict[str, Any]
Event = tuple[int, str, Facts]
Test = Callable[[Facts], bool | None]


def equals(name: str, value: Any) -> Test:
    return lambda facts: None if facts.get(name) is None else facts[name] == value


BAD = equals("result", "bad")
ANY: Test = lambda facts: True  # noqa: E731
DECLARED: list[tuple[Counter, Test, Test]] = [
    (Counter(name="c10m", kind="count", on=("login",), by=("ip",), window_seconds=600), ANY, ANY),
    (Counter(name="c7s", kind="count", on=("login", "signup"), by=("ip",), window_seconds=7), ANY, ANY),
    (Counter(name="bad1h", kind="count", on=("login",), by=("ip",), where='result == "bad"', window_seconds=3600), BAD, ANY),
    (Counter(name="pair", kind="count", on=("login",), by=("ip", "account"), window_seconds=61), ANY, ANY),
    (Counter(name="all", kind="count", on=("signup",), window_seconds=86_400), ANY, ANY),
    (Counter(name="spent", kind="sum", on=("login",), by=("account",), of="amount", window_seconds=3600), ANY, ANY),
    (Counter(name="members", kind="distinct", on=("login",), by=("ip",), of="account", window_seconds=600), ANY, ANY),
    (Counter(name="share", kind="ratio", on=("login",), by=("ip",), of='result == "bad"', window_seconds=600), ANY, BAD),
    (Counter(name="first", kind="first_seen", on=("login",), by=("account",), window_seconds=1000), ANY, ANY),
    (Counter(name="last", kind="last_seen", on=("login",), by=("account",), window_seconds=1000), ANY, ANY),
    (Counter(name="pace", kind="rate", on=("login",), by=("account",), half_life_seconds=120), ANY, ANY),
]


def same(left: Any, right: Any) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def oracle(counter: Counter, test: Test, condition: Test, events: list[Event], t: int, facts: Facts) -> Any:
    """The value by the book. `events` are those that were absorbed before, in the order of their arrival."""
    key = [facts.get(name) for name in counter.by]
    if any(part is None for part in key):
        return None
    counted = [
        (when, found)
        for when, kind, found in events
        if kind in counter.on
        and test(found) is True
        and all(found.get(name) is not None and same(found[name], part) for name, part in zip(counter.by, key, strict=True))
    ]
    window, tile = counter.window_seconds * SECOND, counter.tile_seconds * SECOND
    if counter.kind in ("first_seen", "last_seen"):
        return seen(counter.kind, [when for when, _ in counted], window, t)
    if counter.kind == "rate":
        step = counter.half_life_seconds * SECOND // 64
        now = max([t // step, *(when // step for when, _ in counted)])
        return sum(2.0 ** (-(now - when // step) / 64) for when, _ in counted)
    first, last = (t - window) // tile, t // tile
    if counter.kind == "distinct":
        newest: dict[Any, int] = {}
        for when, found in counted:
            if found.get(counter.of) is not None:
                newest[found[counter.of]] = max(newest.get(found[counter.of], 0), when // tile)
        return sum(1 for at in newest.values() if at >= first)
    inside = [found for when, found in counted if first <= when // tile <= last]
    if counter.kind == "count":
        return len(inside)
    if counter.kind == "sum":
        return sum(round(found[counter.of] * SECOND) for found in inside if found.get(counter.of) is not None) / SECOND
    answers = [condition(found) for found in inside if condition(found) is not None]
    return sum(answers) / len(answers) if answers else None


def seen(kind: str, times: list[int], window: int, t: int) -> int | None:
    first = last = None
    for when in times:
        if first is None or last is None or when - last > window:
            first = last = when
        elif when > last:
            last = when
        elif 0 < first - when <= window:
            first = when
    if kind == "last_seen":
        return None if last is None or t - last > window else max(t - last, 0) // SECOND
    if first is None or last is None or first >= t or t - last > window:
        return 0
    return min(t - first, window) // SECOND


def close(counter: Counter, value: Any, expected: Any) -> bool:
    if counter.kind == "rate" and None not in (value, expected):
        return math.isclose(value, expected, rel_tol=1e-4, abs_tol=0.0015)
    return bool(value == expected)


def facts() -> st.SearchStrategy[Facts]:
    return st.fixed_dictionaries(
        {},
        optional={
            "ip": st.sampled_from(["a", "b", "c", None, "ü"]),
            "account": st.sampled_from(["x", "y", 1, "1", True, None]),
            "result": st.sampled_from(["bad", "good", None]),
            "amount": st.sampled_from([1, -2, 0.25, 10**7, None]),
        },
    )


def history() -> st.SearchStrategy[list[tuple[int, str, Facts]]]:
    """Steps of time that go forward, stand still, go back, and jump, with what happened."""
    step = st.one_of(st.integers(0, 20), st.integers(0, 20), st.integers(-30, 0), st.sampled_from([300, 900, 4000, -1200, 100_000]))
    return st.lists(st.tuples(step, st.sampled_from(["login", "login", "signup", "session"]), facts()), max_size=60)


def tile_of(counter: Counter, t: int) -> int:
    return t // (counter.tile_seconds * SECOND or 1)


@pytest.mark.parametrize("make", BACK_ENDS)
@settings(max_examples=60, deadline=None)
@given(history())
def test_on_time_reads_are_exact_and_late_reads_are_exact_or_unknown(make: Any, steps: list[tuple[int, str, Facts]]) -> None:
    counters = Counters([counter for counter, _, _ in DECLARED], NAMES, make_tables=make)
    events: list[Event] = []
    t, newest = START, START
    for seq, (step, kind, found) in enumerate(steps, 1):
        t += step * SECOND + 137
        values = counters.read(kind, t, found)
        assert set(values) == {counter.name for counter, _, _ in DECLARED}
        for counter, test, condition in DECLARED:
            expected = oracle(counter, test, condition, events, t, found)
            late = counter.tile_seconds > 0 and tile_of(counter, t) < tile_of(counter, newest)
            assert close(counter, values[counter.name], expected) or (late and values[counter.name] is None), (
                counter.name,
                values,
                expected,
            )
        counters.absorb(seq, kind, t, found)
        events.append((t, kind, found))
        newest = max(newest, t)


@pytest.mark.parametrize("make", BACK_ENDS)
@settings(max_examples=60, deadline=None)
@given(history(), st.integers(300, 1500), st.integers(0, 20))
def test_under_pressure_a_value_is_right_or_unknown(make: Any, steps: list[tuple[int, str, Facts]], capacity: int, added: int) -> None:
    """Keys are given up all the time, and half of the counters are declared late: None is allowed, a wrong number is not."""
    counters = Counters(
        [counter for counter, _, _ in DECLARED[::2]], NAMES, make_tables=lambda _, shard, shards: make(capacity, shard, shards)
    )
    events: list[Event] = []
    t = START
    for seq, (step, kind, found) in enumerate(steps, 1):
        t += step * SECOND + 137
        if seq == added:
            for counter, _, _ in DECLARED[1::2]:
                counters.add(counter)
        values = counters.read(kind, t, found)
        for counter, test, condition in DECLARED:
            value = values.get(counter.name)
            if value is not None:
                expected = oracle(counter, test, condition, events, t, found)
                near = (
                    counter.kind == "rate" and expected is not None and abs(value - expected) < 0.02
                )  # what is forgotten after ten half-lives
                assert close(counter, value, expected) or near, (counter.name, value, expected)
        counters.absorb(seq, kind, t, found)
        events.append((t, kind, found))
    assert sum(stats.bytes for stats in counters.stats()) <= capacity


@settings(max_examples=40, deadline=None)
@given(history(), st.integers(0, 60), st.integers(400, 20_000))
def test_the_back_ends_are_equal_to_the_bit(steps: list[tuple[int, str, Facts]], middle: int, capacity: int) -> None:
    made = [
        Counters([counter for counter, _, _ in DECLARED], NAMES, make_tables=lambda _, s, n, make=make: make(capacity, s, n))
        for make in BACK_ENDS
    ]
    t = START
    for seq, (step, kind, found) in enumerate(steps, 1):
        t += step * SECOND
        first, *others = [counters.read(kind, t, found) for counters in made]
        assert all(repr(other) == repr(first) for other in others)
        for counters in made:
            counters.absorb(seq, kind, t, found)
        if seq == middle:
            for counters in made:
                counters.remove("members")
                counters.restore(counters.snapshot())
    assert len({counters.snapshot() for counters in made}) == 1
    assert len({counters.digest() for counters in made}) == 1


def records(steps: list[tuple[int, str, Facts]]) -> list[Record]:
    t, made = START, []
    for seq, (step, kind, found) in enumerate(steps, 1):
        t += step * SECOND
        body = pack(KeptEvent(id=str(seq), type=kind, occurred_us=t, facts=found))
        made.append(Record(seq, 0, "event", str(seq), t + 5_000_000_000_000, kind, body=body))
    return made


@pytest.mark.parametrize("make", BACK_ENDS)
@settings(max_examples=25, deadline=None)
@given(history(), st.integers(0, 60))
def test_snapshot_and_tail_give_the_same_state(make: Any, steps: list[tuple[int, str, Facts]], middle: int) -> None:
    whole = Counters([counter for counter, _, _ in DECLARED], NAMES, make_tables=make)
    again = Counters([counter for counter, _, _ in DECLARED], NAMES, make_tables=make)
    for record in records(steps):
        whole.apply(record)
        if record.seq == middle:
            again.restore(whole.snapshot())
            again.applied_seq = middle
    for record in records(steps):
        again.apply(record)
        again.apply(record)
    assert again.digest() == whole.digest()
    assert again.applied_seq == whole.applied_seq


@pytest.mark.parametrize("make", BACK_ENDS)
@settings(max_examples=25, deadline=None)
@given(history(), facts(), st.integers(0, 11))
def test_a_counter_computed_over_history_reads_as_if_declared_from_the_beginning(
    make: Any, steps: list[tuple[int, str, Facts]], found: Facts, cut: int
) -> None:
    declared = [counter for counter, _, _ in DECLARED]
    whole = Counters(declared, NAMES, make_tables=make)
    live = Counters(declared[:cut], NAMES, make_tables=make)
    for record in records(steps):
        whole.apply(record)
        live.apply(record)
    live.adopt(backfill(live, declared[cut:], records(steps)))
    if all(stats.evicted == 0 for counters in (whole, live) for stats in counters.stats()):
        assert live.digest() == whole.digest()
    t = newest = START + sum(max(step, 0) for step, _, _ in steps) * SECOND
    for seq, (step, kind, more) in enumerate(steps, len(steps) + 1):
        t += step * SECOND
        newest = max(newest, t)
        for subject in (found, more):
            expected = whole.read(kind, t, subject)
            for name, value in live.read(kind, t, subject).items():
                assert value == expected[name] or (value is None and t < newest), name
        live.absorb(seq, kind, t, more)
        whole.absorb(seq, kind, t, more)


@pytest.mark.parametrize("make", BACK_ENDS)
@settings(max_examples=40, deadline=None)
@given(history(), st.sets(st.integers(0, 10)), st.sets(st.integers(0, 10)), st.integers(0, 60))
def test_adopted_counters_leave_the_state_of_those_declared_from_the_beginning(
    make: Any, steps: list[tuple[int, str, Facts]], late: set[int], again: set[int], middle: int
) -> None:
    """Some come late and some are counted anew, at any moment and in any order: digest by digest, as long as nothing had to be given up."""
    declared = [counter for counter, _, _ in DECLARED]
    long = [step for step in steps if step[0] < 1000]  # what no counter could be asked for any more is given up: not here
    order = [counter for place, counter in enumerate(declared) if place not in late] + [declared[place] for place in sorted(late)]
    whole = Counters(order, NAMES, make_tables=make)
    live = Counters(order[: len(order) - len(late)], NAMES, make_tables=make)
    tape = records([(0, "login", {}), *long])
    for record in tape:
        whole.apply(record)
        live.apply(record)
        if record.seq == min(middle + 1, len(tape)):
            live.adopt(backfill(live, [declared[place] for place in sorted(late)], tape[: record.seq]))
            live.adopt(backfill(live, [declared[place] for place in sorted(again, reverse=True)], tape[: record.seq]))
    if all(stats.evicted == 0 for counters in (whole, live) for stats in counters.stats()):
        assert live.snapshot() == whole.snapshot()


def test_the_plain_tables_are_always_among_the_back_ends() -> None:
    assert KeyTables in BACK_ENDS
