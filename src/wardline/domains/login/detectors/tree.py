"""tree: what a model that learned from labels adds to the other detectors.

    {"model.evidence": 1.4, "model.log_odds": 2.1}      ->  Signal(0.80, "The login is like those that turned out to be somebody else's.")

Silent until an operator has promoted a model (docs/models.md). What it adds was calibrated beside the other detectors, and is held within bounds, so that it decides
nothing alone.
"""

from wardline.engine.model import TreeDetector


class Tree(TreeDetector):
    """The promoted model's part."""

    name = "login.tree"
    # Logins like the owner's lie at -7 to -14: a model alone may ask for a second proof. What is held needs more than a score (policy.yaml).
    least, most = -6.0, 8.0
    abusive = "The login is like those that turned out to be somebody else's."
    honest = "The login is like those that turned out to be the owner's."
