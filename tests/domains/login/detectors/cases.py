"""For tests of login detectors: what each says of given values, as a table."""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Value


def check(detector: Detector[Any], values: dict[str, Value], side: str, words: str = "") -> None:
    """side: "against" the owner (score above 0.5), "for" him (below), or "silent"."""
    signal = detector.judge(values)
    found = "silent" if signal.score is None else "against" if signal.score > 0.5 else "for"
    assert (found, words in signal.reason) == (side, True), signal
    assert signal.reason.endswith(".")
    assert detector.judge({}).score is None, "what is unknown says nothing"
