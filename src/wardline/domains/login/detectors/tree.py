"""tree: what a model that learned from labels adds to the other detectors.

    {"model.evidence": 1.4, "model.log_odds": 2.1}      ->  Signal(0.80, "The login is like those that turned out to be somebody else's.")

Silent until an operator has promoted a model (docs/models.md). What it adds was calibrated beside the other detectors, and is held within bounds, so that it decides
nothing alone.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.model import EVIDENCE, LOG_ODDS
from wardline.engine.signal import SILENT, Signal, probability

# Logins like the owner's lie at -7 to -14: a model alone may ask for a second proof. What is held needs more than a score (policy.yaml).
LEAST, MOST = -6.0, 8.0


class Tree(Detector[Any]):
    """The promoted model's part."""

    name = "login.tree"
    reads = (EVIDENCE, LOG_ODDS)
    cost_us = 30.0

    def judge(self, values: Values) -> Signal:
        """Silent without a model."""
        evidence = values.get(EVIDENCE)
        if not isinstance(evidence, int | float) or isinstance(evidence, bool) or evidence != evidence:
            return SILENT
        text = (
            "The login is like those that turned out to be somebody else's."
            if evidence > 0
            else "The login is like those that turned out to be the owner's."
        )
        return Signal(probability(min(max(evidence, LEAST), MOST)), text, {LOG_ODDS: values.get(LOG_ODDS)})
