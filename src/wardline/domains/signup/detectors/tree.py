"""tree: what a model that learned from labels adds to the other detectors.

    {"model.evidence": 1.4, "model.log_odds": 2.1}      ->  Signal(0.80, "The sign-up is like those that turned out to be abusive.")

Silent until an operator has promoted a model (docs/models.md). What it adds was calibrated beside the other detectors, and is held within bounds, so that it decides
nothing alone.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.model import EVIDENCE, LOG_ODDS
from wardline.engine.signal import SILENT, Signal, probability

# A sign-up of which nothing is known begins at -4: a model alone may ask for a code, and what the others are sure of stands.
LEAST, MOST = -3.0, 4.0


class Tree(Detector[Any]):
    """The promoted model's part."""

    name = "signup.tree"
    reads = (EVIDENCE, LOG_ODDS)
    cost_us = 30.0

    def judge(self, values: Values) -> Signal:
        """Silent without a model."""
        evidence = values.get(EVIDENCE)
        if not isinstance(evidence, int | float) or isinstance(evidence, bool) or evidence != evidence:
            return SILENT
        text = (
            "The sign-up is like those that turned out to be abusive."
            if evidence > 0
            else "The sign-up is like those that turned out to be honest."
        )
        return Signal(probability(min(max(evidence, LEAST), MOST)), text, {LOG_ODDS: values.get(LOG_ODDS)})
