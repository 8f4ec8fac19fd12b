"""Credential campaign: this network, this client or the whole site is being used to try passwords on many accounts, and this login is strange.

    campaign_network 42, strange True -> Signal(0.98, "Passwords of about 42 accounts were tried from this network lately, …")

A campaign's mark condemns nobody: where the account was used from this network or on this device before, the detector is silent, and a mark on
a client is no news of an account that uses that very client.
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

NETWORK_NATS, AGENT_NATS, SITE_NATS = 3.5, 3.0, 1.0
# A login that is new in one respect only, or an account of which nothing is known.
IN_PART = 0.6

NO_CAMPAIGN = silent("No campaign is known that this login could belong to.")
FITTING = silent("A campaign is running, and this login fits its account.")
OWN_DEVICE = silent("A campaign is running, and this login is from a device of the account.")


class CredentialCampaign(Detector[Any]):
    """Whether this login belongs to a campaign."""

    name = "login.credential_campaign"
    reads = (
        "login.campaign_network",
        "login.campaign_agent",
        "login.campaign_site",
        "login.strange",
        "login.known_logins",
        "login.network_level",
        "login.agent_level",
        "login.device_logins",
        "username_exists",
    )
    cost_us = 1.5

    def judge(self, values: Values) -> Signal:
        """Silent where nothing is marked and where the login fits its account."""
        network = number(values, "login.campaign_network") or 0.0
        agent, site = number(values, "login.campaign_agent") or 0.0, number(values, "login.campaign_site") or 0.0
        if agent and values.get("login.agent_level") == "agent" and number(values, "login.known_logins"):
            agent = 0.0  # the account's own client: that others try with a common one says nothing of it
        if not (network or agent or site):
            return NO_CAMPAIGN
        strange = values.get("login.strange") is True
        if not strange and number(values, "login.known_logins") and values.get("login.network_level") != "new":
            return FITTING
        if not strange and number(values, "login.device_logins"):
            return OWN_DEVICE
        if network:
            amount, text = NETWORK_NATS, f"Passwords of about {network:.0f} accounts were tried from this network lately"
        elif agent:
            amount, text = AGENT_NATS, f"Passwords of about {agent:.0f} accounts were tried with this client lately"
        else:
            amount, text = SITE_NATS, f"Passwords of about {site:.0f} accounts were tried all over this site lately"
        if values.get("username_exists") is False:
            return nats(amount, f"{text}, and this account does not exist.")
        if strange:
            return nats(amount, f"{text}, and this account was never used like this.")
        return nats(amount * IN_PART, f"{text}, and little is known of this account.")
