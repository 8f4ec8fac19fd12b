"""Agent novelty: how usual this login's device, browser, system, language and time zone are for the account.

    known_logins 41, device_logins 0, agent_level "system", agent_logins 12, agent_nats 1.9
      -> Signal(0.87, "The account has never been used on this device; 12 of its 41 logins used this browser and system in other versions.")

The nats are those of likelihood.py: the device first, then browser and system, since a new device explains a new browser in part.
"""

from typing import Any

from wardline.domains.login.speaking import logins, nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

CLIENTS = {
    "agent": "{used} of its {known} used the same browser and version.",
    "browser": "{used} of its {known} used this browser in a similar version.",
    "system": "{used} of its {known} used this browser and system in other versions.",
    "device_class": "none of its {known} used this browser and system.",
    "new": "none of its {known} used this kind of device.",
}

NO_HISTORY = silent("Nothing is known of what this account is used with.")


class AgentNovelty(Detector[Any]):
    """Whether the account was used with this client before."""

    name = "login.agent_novelty"
    reads = (
        "login.known_logins",
        "login.device_logins",
        "login.agent_level",
        "login.agent_logins",
        "login.agent_nats",
        "login.locale_nats",
    )
    cost_us = 1.5

    def judge(self, values: Values) -> Signal:
        """Silent without history."""
        known, amount = number(values, "login.known_logins"), number(values, "login.agent_nats")
        if not known or amount is None:
            return NO_HISTORY
        device, used = number(values, "login.device_logins"), number(values, "login.agent_logins")
        if device:
            text = f"{device:.0f} of the account's {logins(known)} came from this device."
        else:
            form = CLIENTS.get(str(values.get("login.agent_level")), "nothing is known of this client.")
            text = "The account has never been used on this device; " + form.format(used=f"{used or 0:.0f}", known=logins(known))
        return nats(amount + (number(values, "login.locale_nats") or 0.0), text)
