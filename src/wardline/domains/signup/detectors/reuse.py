"""reuse: a recovery address, a telephone number or a device that many accounts gave.

    {"signups_phone_7d": 4}      ->  Signal(0.86, "The same telephone number was given for several accounts this week.")

Counted under pseudonyms: nobody's number is kept. A family shares a number and a tablet, so the second account says nothing and the third little.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import SILENT, Signal, probability

ASSETS = {
    "signups_phone_7d": (2, "The same telephone number was given for several accounts this week."),
    "signups_email_7d": (1, "The same recovery address was given for several accounts this week."),
    "signups_device_7d": (2, "Several accounts were opened on this device this week."),
}
STEP = 0.6
CEILING = 3.0


class Reuse(Detector[Any]):
    """How often the means of verification were given before."""

    name = "signup.reuse"
    reads = tuple(ASSETS)
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Silent up to what families do."""
        found = []
        for name, (free, text) in ASSETS.items():
            count = values.get(name)
            if isinstance(count, int) and count > free:
                found.append((min(STEP * (count - free + 1), CEILING), text, name, count))
        if not found:
            return SILENT
        weight, text, name, count = max(found)
        return Signal(probability(weight), text, {name: count})
