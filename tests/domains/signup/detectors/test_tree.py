"""tree: what a promoted model adds; how it is read is tested beside `engine.model`."""

import pytest

from wardline.domains.signup.detectors.tree import Tree
from wardline.engine.signal import log_odds


@pytest.mark.parametrize(
    ("evidence", "counts", "reason"),
    [
        (1e9, 4.0, "The sign-up is like those that turned out to be abusive."),
        (-1e9, -3.0, "The sign-up is like those that turned out to be honest."),
    ],
)
def test_it_counts_within_the_bounds_of_signups(evidence: float, counts: float, reason: str) -> None:
    signal = Tree().judge({"model.evidence": evidence})
    assert signal.score is not None and log_odds(signal.score) == pytest.approx(counts) and signal.reason == reason
