"""Bursts: surprise, a baseline that a flood does not teach, a busy day for everybody, bounded cells, replay."""

import pytest

from tests.engine.graphing import signup, stranger
from wardline.domains.signup.blocks import bursts
from wardline.engine.groups.bursts import Block, Bursts
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record

HOUR = 60.0
DAY = 24 * HOUR


def play(state: Bursts, events: list[KeptEvent]) -> list[float]:
    found = []
    for event in events:
        value = state.read(event.type, event.occurred_us, event.facts, event.occurred_us)["burst.x"]
        found.append(float(value) if isinstance(value, int | float) else -1.0)
        state.absorb(state.applied_seq + 1, event, event.occurred_us)
    return found


def one() -> Bursts:
    return Bursts("b", (Block("x", ("x",)),), frozenset({"signup"}), width=1 << 10)


def days(count: int, per_day: int, value: str, first: float = 0.0) -> list[KeptEvent]:
    return [signup(0, first + day * DAY + n * DAY / per_day, x=value) for day in range(count) for n in range(per_day)]


def test_a_new_key_that_floods_stands_out_and_does_not_become_usual() -> None:
    state = one()
    play(state, days(20, 24, "old"))
    for day in range(20, 25):
        flood = [signup(0, day * DAY + n, x="new") for n in range(60)]
        play(state, days(1, 24, "old", day * DAY - 1))
        assert max(play(state, sorted(flood, key=lambda event: event.occurred_us))) > 100.0


def test_a_key_that_is_always_busy_is_usual_and_a_busy_day_is_nobodys() -> None:
    state = one()
    assert max(play(state, days(30, 40, "dormitory"))) < 12.0
    crowd = [event for name in "abcdefghij" for event in days(20, 10, name)]
    state = one()
    play(state, sorted(crowd, key=lambda event: event.occurred_us))
    busy = [signup(0, 20 * DAY + n * 0.2, x="abcdefghij"[n % 10]) for n in range(300)]
    assert sorted(play(state, busy))[250] < 15.0


def test_it_says_nothing_before_it_knows_what_is_usual() -> None:
    assert set(play(one(), days(2, 40, "a"))) == {-1.0}


def test_unique_keys_grow_nothing_and_late_or_early_times_break_nothing() -> None:
    state = one()
    size = len(state.snapshot())
    play(state, [signup(n, n * 7.0, x=f"k{n}") for n in range(3000)])
    play(state, [signup(0, -90 * DAY, x="late"), signup(0, 900 * DAY, x="far")])
    state.absorb(state.applied_seq + 1, signup(0, 5000 * DAY, x="ahead"), signup(0, 901 * DAY).occurred_us)
    assert abs(len(state.snapshot()) - size) < 64
    assert play(state, [signup(0, 902 * DAY, x="k1")])[0] >= 0.0


def test_records_make_the_same_state() -> None:
    live, replayed, again = bursts(), bursts(), bursts()
    for number in range(150):
        event = stranger(number, number * 40.0)
        live.read(event.type, event.occurred_us, event.facts, event.occurred_us)
        live.absorb(number + 1, event, event.occurred_us)
        replayed.apply(Record(number + 1, 0, "event", event.id, event.occurred_us, event.type, "", (), 1, pack(event)))
    again.restore(live.snapshot())
    assert live.digest() == replayed.digest() == again.digest()
    live.erase("account:1")
    with pytest.raises(ValueError, match="another"):
        one().restore(live.snapshot())
