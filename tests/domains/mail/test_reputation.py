"""Reputation: decayed counts in integers, unlearn takes back what was added, memory is bounded and the evicted is unknown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.domains.mail.reputation import ONE, Reputation

DAY = 86_400


def test_unknown_is_none_and_reading_changes_nothing() -> None:
    state = Reputation()
    before = state.digest()
    assert state.read("domain:a", 0) is None
    assert state.first_contact("domain:a", 0) is True
    assert state.digest() == before


def test_counts_and_labels() -> None:
    state = Reputation()
    state.seen("domain:a", 0)
    state.seen("domain:a", 5)
    state.label("domain:a", True, 1.0, 10)
    state.label("domain:a", False, 0.5, 10)
    assert state.read("domain:a", 20) == [1.0, 0.5, 2]
    assert state.first_contact("domain:a", 20) is False


def test_half_is_left_after_the_half_life() -> None:
    state = Reputation(half_life_days=10)
    state.label("k", True, 8.0, 0)
    assert state.read("k", 10 * DAY) == [4.0, 0.0, 0]
    assert state.read("k", 30 * DAY) == [1.0, 0.0, 0]
    assert state.read("k", 100_000 * DAY) == [0.0, 0.0, 0]
    state.seen("k", 10 * DAY)
    assert state.read("k", 20 * DAY) == [2.0, 0.0, 1]


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 60), st.floats(0.1, 5.0))
def test_a_label_taken_back_leaves_what_was_there(start: int, later: int, weight: float) -> None:
    state = Reputation()
    state.label("k", True, 3.0, start * DAY)
    plain = Reputation()
    plain.label("k", True, 3.0, start * DAY)
    state.label("k", True, weight, start * DAY)
    for each in (state, plain):
        each.seen("k", (start + later) * DAY)
    state.label("k", True, -weight, start * DAY)
    found, expected = state.read("k", (start + later) * DAY), plain.read("k", (start + later) * DAY)
    assert found is not None and expected is not None
    assert abs(found[0] - expected[0]) <= 2 / ONE


def test_never_below_zero_and_unknown_keys_are_not_made_by_taking_back() -> None:
    state = Reputation()
    state.label("k", True, -1.0, 0)
    assert len(state) == 0
    state.label("k", False, 1.0, 0)
    state.label("k", False, -9.0, 0)
    assert state.read("k", 0) == [0.0, 0.0, 0]


def test_a_late_label_counts_as_what_is_left_of_it() -> None:
    early, late = Reputation(half_life_days=10), Reputation(half_life_days=10)
    early.label("k", True, 4.0, 0)
    early.seen("k", 20 * DAY)
    late.seen("k", 20 * DAY)
    late.label("k", True, 4.0, 0)
    assert early.read("k", 20 * DAY) == late.read("k", 20 * DAY) == [1.0, 0.0, 1]


def test_the_evicted_is_unknown_not_new() -> None:
    state = Reputation(capacity=2)
    for index in range(3):
        state.seen(f"k{index}", index * DAY)
    assert len(state) == 2
    assert state.evicted == 1
    assert state.read("k0", 3 * DAY) is None
    assert state.first_contact("k0", 3 * DAY) is None
    assert state.first_contact("k0", 60 * DAY) is True  # nothing that was written in the last 30 days has been evicted


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 200 * DAY), st.sampled_from([None, True, False]), st.floats(-3, 3)), max_size=50
    )
)
def test_a_snapshot_rebuilds_the_state(steps: list[tuple[str, int, bool | None, float]]) -> None:
    state = Reputation(capacity=4)
    for key, time_s, abusive, weight in steps:
        if abusive is None:
            state.seen(key, time_s)
        else:
            state.label(key, abusive, weight, time_s)
    copy = Reputation(capacity=4)
    copy.restore(state.snapshot())
    assert copy.digest() == state.digest()
    for each in (state, copy):
        each.seen("new", 300 * DAY)
    assert copy.digest() == state.digest()


@pytest.mark.parametrize("data", [b"", b"\xc1", b"nonsense"])
def test_a_bad_snapshot_changes_nothing(data: bytes) -> None:
    state = Reputation()
    state.seen("k", 0)
    before = state.digest()
    with pytest.raises(ValueError, match="reputation"):
        state.restore(data)
    with pytest.raises(ValueError, match="reputation"):
        state.restore(Reputation(capacity=7).snapshot())
    assert state.digest() == before


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="half-life"):
        Reputation(half_life_days=0)
