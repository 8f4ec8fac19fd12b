"""Traits of series: learned from groups and from nothing else, bounded, the same after a replay."""

import pytest

from tests.engine.graphing import signup
from wardline.domains.signup.intake import number_class
from wardline.domains.signup.traits import CLASSES_LIMIT, FULL, SignupTraits, side_of
from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision, pack
from wardline.engine.record import Record

GROUP: dict[str, Value] = {"graph.cluster_size": 12, "graph.rare_shared": 2, "graph.very_rare_shared": 0}
ALONE: dict[str, Value] = {"graph.cluster_size": 0, "graph.rare_shared": 0, "graph.very_rare_shared": 0}
FARM: dict[str, Value] = {"name__number": "4", "email__number": "5", "form_ms": 4000}
PERSON: dict[str, Value] = {"name__number": "none", "email__number": "year", "form_ms": 45_000, "phone": "phone:x"}


def made(number: int, read: dict[str, Value], verdict: str = "allow", **facts: Value) -> KeptDecision:
    event = signup(number, number, **facts)
    return KeptDecision(
        id=event.id, type=event.type, occurred_us=event.occurred_us, facts=event.facts, read=read, verdict=verdict, score=0.5
    )


def learned(farms: int = 60, people: int = 300) -> SignupTraits:
    state = SignupTraits()
    rows = [made(number, ALONE, **PERSON) for number in range(people)] + [made(1000 + number, GROUP, **FARM) for number in range(farms)]
    for seq, row in enumerate(rows, 1):
        state.absorb(seq, row, row.occurred_us)
    return state


def likeness(state: SignupTraits, **facts: Value) -> Value:
    event = signup(9999, 9999, **facts)
    return state.read(event.type, event.occurred_us, event.facts, 0).get("signup.likeness")


def test_who_is_made_as_series_are_is_like_them_and_others_are_not() -> None:
    state = learned()
    like, unlike = likeness(state, **FARM), likeness(state, **PERSON)
    assert isinstance(like, float) and isinstance(unlike, float) and like > 3.0 > -3.0 > unlike
    told = state.read("signup", 0, signup(1, **FARM).facts, 0)["signup.likeness_of"]
    assert isinstance(told, list) and "name.number" in told


def test_it_says_nothing_before_it_has_seen_both_sides_nor_of_other_events() -> None:
    assert likeness(learned(farms=20), **FARM) is None and likeness(learned(people=100), **FARM) is None
    assert learned().read("login", 0, signup(1, **FARM).facts, 0) == {}


def test_verdicts_teach_nothing_and_small_groups_neither() -> None:
    state = learned()
    before = state.snapshot()
    state.absorb(999, made(5, {"graph.cluster_size": 3, "graph.rare_shared": 2}, verdict="reject", **FARM), 0)
    state.absorb(1000, made(6, {}, verdict="reject", **FARM), 0)
    state.absorb(1001, signup(7, **FARM), 0)
    assert state.snapshot() == before
    assert side_of({"recurs.phone_count": 2, "graph.cluster_size": 0}) == 1 == side_of({"recurs.name": 9.0})
    assert side_of({"recurs.phone_count": 1, "recurs.name": 3.0, "graph.cluster_size": 0, "graph.rare_shared": 0}) == 0
    assert side_of({"graph.cluster_size": 9, "graph.rare_shared": 1, "graph.very_rare_shared": 0}) is None
    assert side_of({"graph.cluster_size": 9, "graph.very_rare_shared": 1}) == 1 and side_of(ALONE) == 0


def test_what_callers_choose_freely_is_not_counted_without_end_and_old_counts_fade() -> None:
    state = SignupTraits()
    for number in range(FULL + 10):
        state.absorb(number + 1, made(number, ALONE, phone__country=f"{number % 500}"), 0)
    assert len(state.counts["phone.country"]) == CLASSES_LIMIT
    assert state.totals[0] == FULL / 2 + 10


def test_records_make_the_same_state_and_snapshots_hold_it() -> None:
    live, replayed, again = SignupTraits(), SignupTraits(), SignupTraits()
    rows = [made(number, GROUP if number % 4 else ALONE, **(FARM if number % 4 else PERSON)) for number in range(300)]
    for seq, row in enumerate(rows, 1):
        live.absorb(seq, row, row.occurred_us)
        replayed.apply(Record(seq, 0, "decision", row.id, row.occurred_us, row.type, "", (), 1, pack(row)))
    again.restore(live.snapshot())
    live.erase("account:1")
    assert live.digest() == replayed.digest() == again.digest()
    with pytest.raises(ValueError, match="not a snapshot"):
        again.restore(b"\x92\x81\xa1a\x81\xa1b\x91\x00\x92\x00\x00")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("anna", "none"), ("anna7", "1"), ("anna.84", "2"), ("anna123", "3"), ("anna1984", "year"), ("anna4711", "4"), ("anna1234567", "5"), ("", "none"), ("1984anna٤٢", "2"), ("7" * 1000 + "a", "none")],
)  # fmt: skip
def test_the_number_that_ends_a_name(name: str, kind: str) -> None:
    assert number_class(name) == kind
