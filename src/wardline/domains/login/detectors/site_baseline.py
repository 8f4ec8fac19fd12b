"""Site baseline: what an unusual login looks like at this site, so that the same score means the same at every site.

    baseline 3.4 -> Signal(0.03, "…")         3.4 nats are subtracted

The baseline is the risk that one in a hundred honest logins reaches here (population.py). Where people change networks daily, a new network is
worth less. It is subtracted from what the other detectors say, so that the sum is 0 where the rarest hundredth begins.
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

UNKNOWN = silent("It is not known yet how unusual honest logins are here.")


class SiteBaseline(Detector[Any]):
    """How unusual honest logins are here."""

    name = "login.site_baseline"
    reads = ("login.baseline",)
    cost_us = 0.8

    def judge(self, values: Values) -> Signal:
        """Silent when it is unknown."""
        baseline = number(values, "login.baseline")
        if baseline is None:
            return UNKNOWN
        return nats(-baseline, "Honest logins of this site are compared with: one in a hundred is as unusual as it takes.")
