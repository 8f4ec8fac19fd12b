"""timing: forms filled in faster than hands can."""

import pytest

from wardline.domains.signup.detectors.timing import Timing


@pytest.mark.parametrize(("form_ms", "low", "high"), [(0, 0.8, 0.9), (999, 0.8, 0.9), (2500, 0.6, 0.7)])
def test_quick_forms(form_ms: int, low: float, high: float) -> None:
    score = Timing().judge({"form_ms": form_ms}).score
    assert score is not None and low < score < high


@pytest.mark.parametrize("values", [{}, {"form_ms": None}, {"form_ms": 9000}, {"form_ms": 86_400_000}])
def test_silent(values: dict[str, int | None]) -> None:
    assert Timing().judge(values).score is None
