"""tree: what a model that learned from labels adds to the other detectors.

    {"model.evidence": 1.4, "model.log_odds": 2.1}      ->  Signal(0.80, "The sign-up is like those that turned out to be abusive.")

Silent until an operator has promoted a model (docs/models.md). What it adds was calibrated beside the other detectors, and is held within bounds, so that it decides
nothing alone.
"""

from wardline.engine.model import TreeDetector


class Tree(TreeDetector):
    """The promoted model's part."""

    name = "signup.tree"
    # A sign-up of which nothing is known begins at -4: a model alone may ask for a code, and what the others are sure of stands.
    least, most = -3.0, 4.0
    abusive = "The sign-up is like those that turned out to be abusive."
    honest = "The sign-up is like those that turned out to be honest."
