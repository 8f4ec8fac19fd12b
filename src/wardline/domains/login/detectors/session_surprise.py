"""Session surprise: after a login that was doubted, the session changed the recovery, forwarded the mail or took the data.

    since_risky_login_seconds 900, surprises_since_risky 2 -> Signal(0.88, "After an unusual login 15 minutes ago, 2 sensitive changes …")

It speaks at the next login of the account; and where the session asks before it acts, at that act, which counts with those before it.
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
    reads = ("login.since_risky_login_seconds", "login.surprises_since_risky", "login.sensitive")
    cost_us = 0.6

    def judge(self, values: Values) -> Signal:
        """Silent outside the cooling-off time."""
        since, surprises = number(values, "login.since_risky_login_seconds"), number(values, "login.surprises_since_risky")
        asked = values.get("login.sensitive")
        if since is None or surprises is None or asked is False or not (surprises := surprises + (asked is True)):
            return NO_CHANGE
        what = "a sensitive change was" if surprises == 1 else f"{surprises:.0f} sensitive changes were"
        text = f"After an unusual login {max(round(since / 60), 1)} minutes ago, {what} {'asked for' if asked else 'made to the account'}."
        return nats(min(FIRST_NATS + FURTHER_NATS * (surprises - 1), MOST_NATS), text)
