"""tree: what a promoted model adds; how it is read is tested beside `engine.model`."""

import pytest

from wardline.domains.login.detectors.tree import Tree
from wardline.engine.signal import log_odds


@pytest.mark.parametrize(
    ("evidence", "counts", "reason"),
    [
        (1e9, 8.0, "The login is like those that turned out to be somebody else's."),
        (-1e9, -6.0, "The login is like those that turned out to be the owner's."),
    ],
)
def test_it_counts_within_the_bounds_of_logins(evidence: float, counts: float, reason: str) -> None:
    signal = Tree().judge({"model.evidence": evidence})
    assert signal.score is not None and log_odds(signal.score) == pytest.approx(counts) and signal.reason == reason
