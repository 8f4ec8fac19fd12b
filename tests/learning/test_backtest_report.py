"""Shares and their intervals."""

import pytest

from wardline.learning.backtest_report import Share


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Of nothing in n the upper end is z² / (n + z²), and the other way round.
    [(0, 10, 0.0, 3.841459 / 13.841459), (10, 10, 10 / 13.841459, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    assert Share(part, whole).interval == pytest.approx((low, high), abs=1e-5)


def test_the_ends_are_where_the_share_is_just_significant() -> None:
    share = Share(7, 100)
    for end in share.interval:
        assert (end - 0.07) ** 2 == pytest.approx(3.841459 * end * (1 - end) / 100, rel=1e-5)
