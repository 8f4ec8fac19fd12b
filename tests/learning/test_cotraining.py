"""Pairs and flow: who teaches, with whom, and when nobody does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.cotraining import FLOW_MESSAGES, QUEUE_LIMIT, RATE, CoTraining, Pair


def quiet(messages: int = 9 * FLOW_MESSAGES) -> CoTraining[str]:
    pairs = CoTraining[str]()
    for _ in range(messages):
        pairs.arrived()
    return pairs


def test_a_message_waits_for_one_of_the_other_kind() -> None:
    pairs = quiet()
    assert pairs.seen(2.0, "abusive") is None
    assert pairs.seen(-2.0, "benign") == Pair("benign", "abusive", pytest.approx(RATE, rel=1e-3))
    assert pairs.seen(-2.0, "benign again") is None


def test_the_latest_of_each_kind_meet() -> None:
    pairs = quiet()
    for number in range(3):
        pairs.seen(5.0, f"abusive {number}")
    pair = pairs.seen(-5.0, "benign")
    assert pair is not None and pair.abusive == "abusive 2"


@pytest.mark.parametrize("log_odds", [0.0, 1.2, -1.0, 1.1])
def test_who_is_not_sure_does_not_teach(log_odds: float) -> None:
    pairs = quiet()
    pairs.seen(3.0, "abusive")
    pairs.seen(log_odds, "unsure")
    pair = pairs.seen(-3.0, "benign")
    assert pair is not None and pair.abusive == "abusive"


def test_a_flood_of_one_kind_teaches_nothing() -> None:
    pairs = quiet()
    assert all(pairs.seen(9.0, f"flood {number}") is None for number in range(10 * QUEUE_LIMIT))
    met = sum(pairs.seen(-9.0, "benign") is not None for _ in range(10 * QUEUE_LIMIT))
    assert met == QUEUE_LIMIT  # memory is bounded: of the flood only the last stay


def test_where_every_message_is_labelled_nothing_is_learned_without_labels() -> None:
    pairs = CoTraining[str]()
    for _ in range(1000):
        assert not pairs.arrived()
        pairs.labelled()


def test_it_begins_when_labels_stop_and_ends_when_they_come_back() -> None:
    pairs = CoTraining[str]()
    for _ in range(50_000):
        pairs.labelled()
    first = next(number for number in range(10_000) if pairs.arrived())
    assert first < FLOW_MESSAGES
    for _ in range(5 * FLOW_MESSAGES):
        pairs.arrived()
    assert pairs.unlabelled_share > 0.99
    for _ in range(5 * FLOW_MESSAGES):
        pairs.arrived()
        pairs.labelled()
    assert not pairs.arrived()


def test_clear_forgets_who_waits() -> None:
    pairs = quiet()
    pairs.seen(2.0, "abusive")
    pairs.clear()
    assert pairs.seen(-2.0, "benign") is None


@given(st.lists(st.tuples(st.booleans(), st.floats(-20, 20)), max_size=300))
def test_weights_stay_within_the_rate_and_kinds_are_even(steps: list[tuple[bool, float]]) -> None:
    pairs = CoTraining[int]()
    met = 0
    for number, (labelled, log_odds) in enumerate(steps):
        if labelled:
            pairs.labelled()
        if pairs.arrived() and (pair := pairs.seen(log_odds, number)):
            met += 1
            assert 0.0 < pair.weight <= RATE
            assert steps[pair.benign][1] < -1.0 and steps[pair.abusive][1] > 1.2
    assert met <= min(sum(value > 1.2 for _, value in steps), sum(value < -1.0 for _, value in steps))
