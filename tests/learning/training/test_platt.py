"""Calibration: two numbers that make scores mean what they say."""

import numpy as np
import pytest

from wardline.learning.training import platt


def drawn(size: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    truth = random.normal(-2, 2, size)
    return truth, random.random(size) < 1 / (1 + np.exp(-truth))


def test_a_distorted_score_is_set_right() -> None:
    truth, abusive = drawn()
    slope, shift = platt.fit(truth * 3 - 5, abusive)
    assert slope == pytest.approx(1 / 3, abs=0.02) and shift == pytest.approx(5 / 3, abs=0.1)


def test_beside_what_is_known_only_the_rest_is_added() -> None:
    truth, abusive = drawn()
    assert platt.fit(truth, abusive, beside=truth) == pytest.approx((0, 0), abs=0.05)
    slope, shift = platt.fit(truth / 2, abusive, beside=truth / 2)
    assert (slope, shift) == pytest.approx((1, 0), abs=0.06)


def test_labels_that_are_given_where_something_is_suspected_do_not_make_everybody_suspect() -> None:
    """Nine of ten honest ones have no label: each that has one stands for ten."""
    truth, abusive = drawn()
    kept = abusive | (np.random.default_rng(4).random(len(truth)) < 0.1)
    assert platt.fit(truth[kept], abusive[kept])[1] > 2
    slope, shift = platt.fit(truth[kept], abusive[kept], weight=10.0)
    assert (slope, shift) == pytest.approx((1, 0), abs=0.1)


def test_a_score_that_is_turned_round_says_nothing() -> None:
    truth, abusive = drawn()
    slope, shift = platt.fit(-truth, abusive)
    assert slope == 0 and shift == pytest.approx(float(np.log(abusive.mean() / (1 - abusive.mean()))), abs=0.01)


def test_scores_that_part_perfectly_stay_finite() -> None:
    slope, shift = platt.fit(np.array([-9.0] * 50 + [9.0] * 50), np.array([False] * 50 + [True] * 50))
    assert 0 < slope < 5 and abs(shift) < 1


def test_one_kind_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        platt.fit(np.ones(4), np.ones(4, bool))


def test_weight_leaves_scores_that_part_well_parted() -> None:
    """Few rows, each honest one for many decisions: smoothing must not make suspects of them."""
    raw = np.concatenate([np.linspace(-4, -2, 60), np.linspace(2, 4, 30)])
    abusive = np.arange(90) >= 60
    slope, shift = platt.fit(raw, abusive, weight=25.0)
    assert slope * -2 + shift < -4 and slope * 2 + shift > 0
