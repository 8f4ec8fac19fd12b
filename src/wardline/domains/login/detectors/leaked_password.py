"""Leaked password: the password stands in published leaks, so that others know it too. Only where the caller or a source says so.

password.leaks 3100, network_level "new" -> Signal(0.82, "The password stands in published leaks, and …")
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

ELSEWHERE_NATS = 1.5

NOT_LEAKED = silent("It is not known that the password has leaked.")
OWNER = silent("The password has leaked; this login is from where the account is used.")


class LeakedPassword(Detector[Any]):
    """Whether others know the password."""

    name = "login.leaked_password"
    reads = ("password.leaks", "login.network_level", "login.device_logins")
    cost_us = 0.6

    def judge(self, values: Values) -> Signal:
        """Silent where it is not known, and where the login is from where the account is used."""
        if not number(values, "password.leaks"):
            return NOT_LEAKED
        if number(values, "login.device_logins") or values.get("login.network_level") in ("ip", "prefix24"):
            return OWNER
        return nats(ELSEWHERE_NATS, "The password stands in published leaks, and this login is not from where the account is used.")
