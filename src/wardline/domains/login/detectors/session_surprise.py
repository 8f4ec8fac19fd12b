"""Session surprise: after a login that was doubted, the session changed the recovery, forwarded the mail or took the data.

    since_risky_login_seconds 900, surprises_since_risky 2 -> Signal(0.88, "After an unusual login 15 minutes ago, 2 sensitive changes …")

It speaks at the next login of the account, and at once to rules, which may read the same two values.
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

FIRST_NATS, FURTHER_NATS, MOST_NATS = 1.5, 0.5, 3.0

NO_CHANGE = silent("No sensitive change followed an unusual login.")


class SessionSurprise(Detector[Any]):
    """Whether a doubted session did what thieves do."""

    name = "login.session_surprise"
    reads = ("login.since_risky_login_seconds", "login.surprises_since_risky")
    cost_us = 0.6

    def judge(self, values: Values) -> Signal:
        """Silent outside the cooling-off time."""
        since, surprises = number(values, "login.since_risky_login_seconds"), number(values, "login.surprises_since_risky")
        if since is None or not surprises:
            return NO_CHANGE
        what = "a sensitive change was" if surprises == 1 else f"{surprises:.0f} sensitive changes were"
        text = f"After an unusual login {max(round(since / 60), 1)} minutes ago, {what} made to the account."
        return nats(min(FIRST_NATS + FURTHER_NATS * (surprises - 1), MOST_NATS), text)
