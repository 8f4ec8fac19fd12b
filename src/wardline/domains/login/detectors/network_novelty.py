"""Network novelty: how usual this login's network is for the account, down from the region to the very address.

    known_logins 41, network_level "prefix16", network_logins 3, network_nats 2.1
      -> Signal(0.89, "The account has never been used from this network; 3 of its 41 logins came from this region.")

The nats are those of likelihood.py; a familiar network speaks for the owner.
"""

from typing import Any

from wardline.domains.login.speaking import logins, nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

PLACES = {
    "country": "The account has never been used through this provider; {used} of its {known} came from this country.",
    "asn": "The account has never been used from this network; {used} of its {known} came through this provider.",
    "prefix16": "The account has never been used from this network; {used} of its {known} came from this region.",
    "prefix24": "The account was never used from this very address; {used} of its {known} came from its neighbourhood.",
    "ip": "{used} of the account's {known} came from this address.",
}

NO_HISTORY = silent("Nothing is known of where this account is used.")


class NetworkNovelty(Detector[Any]):
    """Whether the account was used from here before."""

    name = "login.network_novelty"
    reads = ("login.known_logins", "login.network_level", "login.network_logins", "login.network_nats")
    cost_us = 1.5

    def judge(self, values: Values) -> Signal:
        """Silent without history."""
        known, amount = number(values, "login.known_logins"), number(values, "login.network_nats")
        if not known or amount is None:
            return NO_HISTORY
        used = number(values, "login.network_logins")
        form = PLACES.get(
            str(values.get("login.network_level")), "The account has never been used from this network or region, in {known}."
        )
        return nats(amount, form.format(used=f"{used or 0:.0f}", known=logins(known)))
