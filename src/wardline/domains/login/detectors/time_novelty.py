"""Time novelty: whether the account is used at this time of day. Weak, since people wake at night and travel.

known_logins 41, time_nats 0.8 -> Signal(0.69, "The account is seldom used at this time of day.")
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

NO_HISTORY = silent("Nothing is known of when this account is used.")


class TimeNovelty(Detector[Any]):
    """Whether this is a usual hour."""

    name = "login.time_novelty"
    reads = ("login.known_logins", "login.time_nats")
    cost_us = 0.8

    def judge(self, values: Values) -> Signal:
        """Silent without history."""
        known, amount = number(values, "login.known_logins"), number(values, "login.time_nats")
        if not known or amount is None:
            return NO_HISTORY
        return nats(
            amount, "The account is seldom used at this time of day." if amount > 0 else "The account is often used at this time of day."
        )
