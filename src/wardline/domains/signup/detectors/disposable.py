"""disposable: a recovery address of a service that gives addresses away for minutes.

    {"email.disposable": True}      ->  Signal(0.77, "The recovery address comes from a service that gives addresses away for minutes.")

People use such addresses to keep their own out of lists. So this asks for a little more, and condemns nobody.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import SILENT, Signal, probability


class Disposable(Detector[Any]):
    """Whether the address is a throw-away one, by the operator's sources."""

    name = "signup.disposable"
    reads = ("email.disposable",)
    cost_us = 0.3

    def judge(self, values: Values) -> Signal:
        """Silent where no source knows the domain."""
        if values.get("email.disposable") is True:
            return Signal(probability(1.2), "The recovery address comes from a service that gives addresses away for minutes.")
        return SILENT
