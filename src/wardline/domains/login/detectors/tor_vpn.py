"""Tor and VPN: an anonymous network that the account never used. Never guilt: who always comes that way is at home there.

ip.tor True, network_level "new", device_logins 0 -> Signal(0.65, "The login came through Tor, which the account has not used before.")
"""

from typing import Any

from wardline.domains.login.speaking import nats, number, silent
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal

WAYS = (("ip.tor", "Tor", 0.6), ("ip.proxy", "a proxy", 0.6), ("ip.vpn", "a VPN", 0.3), ("ip.hosting", "a hosting company", 0.6))

FAMILIAR = silent("This is no anonymous network that would be new to the account.")
NOT_ANONYMOUS = silent("The network is not known to be an anonymous one.")


class TorVpn(Detector[Any]):
    """Whether the way here is an anonymous one that is new."""

    name = "login.tor_vpn"
    reads = ("ip.tor", "ip.proxy", "ip.vpn", "ip.hosting", "login.known_logins", "login.network_level", "login.device_logins")
    cost_us = 0.8

    def judge(self, values: Values) -> Signal:
        """Silent for accounts without history, for networks and devices of the account."""
        if not number(values, "login.known_logins") or values.get("login.network_level") != "new" or number(values, "login.device_logins"):
            return FAMILIAR
        for name, way, amount in WAYS:
            if values.get(name) is True:
                return nats(amount, f"The login came through {way}, which the account has not used from there before.")
        return NOT_ANONYMOUS
