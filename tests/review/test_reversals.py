"""The test that stops a campaign: few reversals among few stop it, chance does not."""

import random

import pytest

from wardline.review.reversals import FALSE_STOP, WRONG_SHARE, evidence, least, stops


@pytest.mark.parametrize(("acted", "expected"), [(1, 2), (2, 2), (12, 3), (40, 4), (100, 7), (1_000, 24), (10_000, 154)])
def test_the_fewest_reversals_that_stop(acted: int, expected: int) -> None:
    assert least(acted) == expected


def test_evidence_grows_with_reversals_and_falls_with_members() -> None:
    assert evidence(200, 5) < evidence(100, 5) < evidence(100, 6)
    assert not stops(100, 0)
    with pytest.raises(ValueError, match="cannot be"):
        evidence(2, 3)


def test_chance_stops_no_more_campaigns_than_it_may() -> None:
    """1,000 campaigns of 400 members, of whom as many are wrong as is let pass; looked at after every reversal."""
    draw = random.Random(1)
    stopped = 0
    for _ in range(1_000):
        wrong = 0
        for acted in range(1, 401):
            if draw.random() < WRONG_SHARE:
                wrong += 1
                if stops(acted, wrong):
                    stopped += 1
                    break
    assert stopped / 1_000 <= FALSE_STOP
