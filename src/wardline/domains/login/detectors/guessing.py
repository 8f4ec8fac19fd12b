"""Guessing: wrong passwords on this very account shortly before, while the login is not from where the account is used.

failures_account_10m 7, network_level "new" -> Signal(0.86, "7 wrong passwords were tried on this account within a day, and …")
"""

from math import log1p
from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

NATS_PER_E_FOLD = 0.7

NOBODY = silent("Nobody is guessing passwords of this account.")
OWNER = silent("There were wrong passwords; this login is from where the account is used.")


class Guessing(Detector[Any]):
    """Whether somebody is guessing."""

    name = "login.guessing"
    reads = ("failures_account_10m", "failures_account_24h", "login.network_level", "login.device_logins")
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Silent for up to two failures, and where the login comes from a place or device of the account: its owner mistypes."""
        short, long = number(values, "failures_account_10m") or 0.0, number(values, "failures_account_24h") or 0.0
        failures = max(short, long)
        if failures < 3:
            return NOBODY
        if number(values, "login.device_logins") or values.get("login.network_level") in ("ip", "prefix24"):
            return OWNER
        text = f"{failures:.0f} wrong passwords were tried on this account within a day, and this login is not from where it is used."
        return nats(NATS_PER_E_FOLD * log1p(failures), text)
