"""Keys that come back: rare ones speak, common ones do not; witnesses; new runs; bounded; the same after a replay."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.graphing import signup
from wardline.engine.groups.recurrence import HISTORY, Kind, Recurrence
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record

KINDS = (
    Kind("name", ("name.stem",), "ip"),
    Kind("phone", ("phone",), counted=True),
    Kind("place", ("ip.prefix24",), slot_us=7_200_000_000),
)


def one(limit: int = 10_000) -> Recurrence:
    return Recurrence("r", KINDS, frozenset({"signup"}), limit)


def play(state: Recurrence, events: list[KeptEvent], value: str = "recurs.name") -> list[float]:
    found = []
    for event in events:
        told = state.read(event.type, event.occurred_us, event.facts, event.occurred_us).get(value)
        found.append(float(told) if isinstance(told, int | float) else -1.0)
        state.absorb(state.applied_seq + 1, event, event.occurred_us)
    return found


def crowd(count: int, first: int = 0, names: int = 1_000_000) -> list[KeptEvent]:
    return [
        signup(
            first + n, first + n, name__stem=f"s{(first + n) * 7919 % names}", ip=f"i{first + n}", ip__prefix24=f"n{(first + n) * 31 % 400}"
        )
        for n in range(count)
    ]


def test_a_rare_name_that_comes_back_from_different_places_speaks_and_a_slow_one_too() -> None:
    for apart in (1, 20):
        state = one()
        play(state, crowd(1000))
        last = 0.0
        for n in range(10):
            last = play(state, [signup(9000 + n, 1000, name__stem="rare", ip=f"farm{n}")])[0]
            play(state, crowd(apart, 2000 + n * apart))
        assert last > 10.0


def test_a_common_name_says_nothing_however_often_it_comes() -> None:
    assert max(play(one(), crowd(3000, names=50))) < 2.0


def test_one_place_is_one_witness_and_an_hour_is_one() -> None:
    state = one()
    play(state, crowd(1000))
    assert max(play(state, [signup(5000 + n, 1000, name__stem="family", ip="home") for n in range(12)])) == 0.0
    assert max(play(state, [signup(6000 + n, 1201 + n, ip=f"c{n}", ip__prefix24="class") for n in range(60)], "recurs.place")) < 4.0
    slow = [signup(7000 + n, 2000 + 121 * n, ip=f"h{n}", ip__prefix24="hoster") for n in range(12)]
    assert play(state, slow, "recurs.place")[-1] > 10.0


def test_each_use_of_a_number_counts_and_silence_begins_a_new_run() -> None:
    state = one()
    play(state, crowd(300))
    assert play(state, [signup(900 + n, 300, phone="p") for n in range(4)], "recurs.phone_count") == [0.0, 1.0, 2.0, 3.0]
    play(state, crowd(200, 2000))
    assert play(state, [signup(950, 300, phone="p")], "recurs.phone_count") == [0.0]


def test_it_says_nothing_of_other_events_without_history_or_without_the_fact() -> None:
    state = one()
    assert max(play(state, [signup(n, n, name__stem="a", ip=f"i{n}") for n in range(150)])) == -1.0
    assert play(one(), [signup(n, n, phone="p") for n in range(3)], "recurs.phone_count") == [0.0, 1.0, 2.0]  # a count needs no history
    play(state, crowd(100))
    assert "recurs.phone" not in state.read("signup", 0, {"name.stem": "a"}, 0)
    assert state.read("login", 0, {"name.stem": "a"}, 0) == {}


def test_on_an_old_site_a_run_is_held_against_the_last_events_alone() -> None:
    young, old = one(), one()
    old.total = 50 * HISTORY
    for state in (young, old):
        play(state, crowd(1000))
    farm = [signup(9000 + n, 1000, name__stem="rare", ip=f"farm{n}") for n in range(3)]
    assert play(old, farm)[-1] < play(young, farm)[-1] + 3 * 4.3  # the history is 65 times as long, not 3,000 times


def test_unique_keys_grow_nothing_and_the_kinds_are_bounded() -> None:
    state = one(limit=500)
    play(state, crowd(2000))
    assert len(state.runs) == 500
    with pytest.raises(ValueError, match="kinds of key"):
        Recurrence("r", KINDS * 6, frozenset())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 600)), max_size=60))
def test_records_make_the_same_state_and_reading_changes_nothing(drawn: list[tuple[int, int, int]]) -> None:
    state, replayed = one(limit=40), one(limit=40)
    for seq, (name, place, minute) in enumerate(drawn, 1):
        event = signup(seq, minute, name__stem=f"s{name}", ip=f"i{place}", ip__prefix24=f"n{place // 2}", phone=f"p{place}")
        state.read(event.type, event.occurred_us, event.facts, 0)
        state.absorb(seq, event, event.occurred_us)
        replayed.apply(Record(seq, 0, "event", event.id, event.occurred_us, event.type, "", (), 1, pack(event)))
    assert state.digest() == replayed.digest()
    again = one(limit=40)
    again.restore(state.snapshot())
    assert again.snapshot() == state.snapshot()
    with pytest.raises((ValueError, msgspec.DecodeError)):
        Recurrence("r", KINDS[:1], frozenset()).restore(state.snapshot())


def test_what_came_after_an_event_is_known_of_it_later() -> None:
    state = one()
    play(state, crowd(500))
    first, early = signup(9000, 600, name__stem="rare", ip="farm0", phone="p"), state.total
    play(state, [first])
    assert (
        state.since(state.keys(first.facts), early)["recurs.name"]
        == 0.0
        == state.since(state.keys(first.facts), early)["recurs.phone_count"]
    )
    said = play(state, [signup(9001 + n, 600, name__stem="rare", ip=f"farm{n + 1}", phone="p") for n in range(7)])
    found = state.since(state.keys(first.facts), early)
    # Seven more within eight of 508 events, each of which might have been the first; one name came back.
    assert found["recurs.name"] == pytest.approx(7 * math.log(508 / 8) - math.log(8) - math.log(1 + state.back[0]), abs=0.01)
    assert found["recurs.phone_count"] == 7 and float(found["recurs.name"]) > said[2]  # type: ignore[arg-type]
    play(state, crowd(300, 2000))
    later = state.since(state.keys(first.facts), early)["recurs.name"]
    assert isinstance(later, float) and later > float(found["recurs.name"])  # type: ignore[arg-type]


def test_a_run_that_began_after_an_event_is_somebody_elses() -> None:
    state = one()
    play(state, crowd(300))
    first, early = signup(9000, 600, name__stem="rare", ip="home"), state.total
    play(state, [first, *crowd(700, 2000), *[signup(9001 + n, 2000, name__stem="rare", ip=f"farm{n}") for n in range(6)]])
    assert state.since(state.keys(first.facts), early)["recurs.name"] == 0.0
    last = state.total - 1
    assert float(state.since(state.keys(first.facts), last)["recurs.name"]) > 10.0  # type: ignore[arg-type]


def test_hindsight_is_silent_without_history_and_for_an_event_that_it_did_not_count() -> None:
    state = one()
    play(state, crowd(100))
    numbers = state.keys(signup(1, 1, name__stem="a").facts)
    assert state.since(numbers, 5) == {}
    play(state, crowd(200, 100))
    assert state.since(numbers, state.total) == {} and "recurs.phone" not in state.since(numbers, 5)
    assert state.read("signup", 0, signup(1, 1).facts, 0)["recurs.events"] == state.total
