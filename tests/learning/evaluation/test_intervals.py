"""Intervals, areas and thresholds against values worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.learning.evaluation.intervals import Share, area, median, threshold, wilson

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def test_wilson() -> None:
    assert Share.of_all(97, 100) == Share(0.97, 0.91548, 0.98975, 97, 100)  # Wilson's formula by hand
    assert Share.of_all(0, 10).low == 0.0 and Share.of_all(10, 10).high == 1.0
    assert Share.of_all(0, 0) == Share(None, 0.0, 1.0, 0, 0)
    assert wilson(97, 100) == pytest.approx((0.91548, 0.98975), abs=5e-6) and wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="is no share"):
        Share.of_all(2, 1)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_share_lies_in_its_interval(hits: int, more: int) -> None:
    found = Share.of_all(hits, hits + more)
    assert found.share is None or 0 <= found.low <= found.share <= found.high <= 1


def test_area() -> None:
    assert area([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert area([0.5], [0.5]) == 0.5
    assert area([0.1], [0.9]) == 0.0
    assert area([], [0.1]) is None


@given(SCORES, SCORES)
def test_area_is_the_share_of_pairs(bad: list[float], good: list[float]) -> None:
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in bad for other in good]
    assert area(bad, good) == pytest.approx(sum(pairs) / len(pairs))


@given(SCORES, st.sampled_from([0.005, 0.01, 0.03, 0.08, 0.5, 1.0]))
def test_a_threshold_keeps_the_rate_and_wastes_none(scores: list[float], rate: float) -> None:
    cut = threshold(scores, rate)
    assert sum(score >= cut for score in scores) <= rate * len(scores) + 1e-9
    lower = max((score for score in scores if score < cut), default=None)
    if lower is not None:
        assert sum(score >= lower for score in scores) > int(rate * len(scores) + 1e-9)


def test_equal_scores_stay_below() -> None:
    assert threshold([0.5] * 100, 0.01) > 0.5 and threshold([0.5], 1.0) == -math.inf


def test_median() -> None:
    assert (median([3, 1, 2]), median([1, 2]), median([])) == (2, 1.5, None)
