"""network: many sign-ups whose form was given up or whose check was failed, from one network; and addresses of hosting companies.

    {"abandoned_share_prefix24_24h": 0.8, "signups_prefix24_24h": 20}      ->  Signal(0.73, "Most sign-ups from this network today were …")

VPN and Tor are no guilt and are not read. How many accounts come from a network is no guilt either: a dormitory, an office and a carrier's
gateway look the same. The number alone says little here, and nothing below ten.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import SILENT, Signal, probability


class Network(Detector[Any]):
    """What the network's other sign-ups came to."""

    name = "signup.network"
    reads = ("abandoned_share_prefix24_24h", "signups_prefix24_24h", "ip.hosting")
    cost_us = 0.8

    def judge(self, values: Values) -> Signal:
        """Silent for a network without a bad history."""
        share, count = values.get("abandoned_share_prefix24_24h"), values.get("signups_prefix24_24h")
        if isinstance(share, int | float) and isinstance(count, int) and count >= 10 and share > 0.5:
            text = "Most sign-ups from this network today were given up or failed their check."
            return Signal(probability(1.0), text, {"share": share, "count": count})
        if values.get("ip.hosting") is True:
            return Signal(probability(0.6), "The address belongs to a hosting company, where few people live.")
        return SILENT
