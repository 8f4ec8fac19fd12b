"""timing: a form that was filled in faster than hands can.

    {"form_ms": 400}      ->  Signal(0.86, "The form was filled in within a second.")

Whoever lets the browser fill in the form is quick too, and that is why three seconds say little. A script can wait as long as it likes: a slow form says nothing.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import SILENT, Signal, probability


class Timing(Detector[Any]):
    """How long the form took."""

    name = "signup.timing"
    reads = ("form_ms",)
    cost_us = 0.5

    def judge(self, values: Values) -> Signal:
        """Silent where the time is unknown or ordinary."""
        spent = values.get("form_ms")
        if not isinstance(spent, int | float):
            return Signal(None, "How long the form took is unknown.")
        if spent < 1000:
            return Signal(probability(1.8), "The form was filled in within a second.", {"form_ms": spent})
        if spent < 3000:
            return Signal(probability(0.7), "The form was filled in within a few seconds.", {"form_ms": spent})
        return SILENT
