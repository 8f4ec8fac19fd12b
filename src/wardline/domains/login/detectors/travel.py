"""Travel: the account was used from another country so short a time ago that nobody travels that fast. One feature among others, never more.

other_country_seconds 1800 -> Signal(0.69, "The account was used from another country 30 minutes ago.")
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

FAST_SECONDS = 2 * 3600
FAST_NATS = 0.8

NO_JOURNEY = silent("Nothing is known of a journey that would be too fast.")
OWN_WAYS = silent("Two countries in a short time, both by ways that the account has used.")


class Travel(Detector[Any]):
    """Whether two places are too near in time."""

    name = "login.travel"
    reads = ("login.other_country_seconds", "login.network_level", "login.device_logins")
    cost_us = 0.5

    def judge(self, values: Values) -> Signal:
        """Silent without countries, after hours, and for networks and devices of the account."""
        seconds = number(values, "login.other_country_seconds")
        if seconds is None or seconds > FAST_SECONDS:
            return NO_JOURNEY
        if values.get("login.network_level") in ("ip", "prefix24") or number(values, "login.device_logins"):
            return OWN_WAYS
        return nats(FAST_NATS, f"The account was used from another country {max(round(seconds / 60), 1)} minutes ago.")
