"""tree: what a promoted model adds."""

import pytest

from wardline.domains.signup.detectors.tree import LEAST, MOST, Tree
from wardline.engine.signal import log_odds


@pytest.mark.parametrize(
    "values", [{}, {"model.evidence": None}, {"model.evidence": float("nan")}, {"model.evidence": "4"}, {"model.evidence": True}]
)
def test_silent_without_a_model(values: dict[str, object]) -> None:
    assert Tree().judge(values).score is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("evidence", "counts"), [(1.5, 1.5), (-2.0, -2.0), (400.0, MOST), (float("-inf"), LEAST), (10**400, MOST)])
def test_the_evidence_counts_within_its_bounds(evidence: float, counts: float) -> None:
    signal = Tree().judge({"model.evidence": evidence, "model.log_odds": 2.0})
    assert signal.score is not None and log_odds(signal.score) == pytest.approx(counts)
    assert signal.evidence == {"model.log_odds": 2.0} and signal.reason.endswith(".")
