"""reuse: means of verification that many accounts gave."""

import pytest

from wardline.domains.signup.detectors.reuse import Reuse


def test_the_score_rises_with_the_count_and_ends() -> None:
    scores = [Reuse().judge({"signups_phone_7d": count}).score or 0.0 for count in range(60)]
    assert scores == sorted(scores) and scores[3] > 0.7 and scores[-1] < 0.96


@pytest.mark.parametrize(
    "values", [{}, {"signups_phone_7d": 2}, {"signups_device_7d": 2}, {"signups_email_7d": 1}, {"signups_phone_7d": None}]
)
def test_families_are_left_alone(values: dict[str, int | None]) -> None:
    assert Reuse().judge(values).score is None
