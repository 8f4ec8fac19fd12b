"""Where somebody is: a household behind its router, an office, a dormitory, a hotel, a carrier's network.

    home = Household(network, r)
    home.address(now_ms, r)       "10.3.14.15", or an IPv6 host of its prefix

A place says its address and what is special about it, as ',"shared_nat"': the inside of the truth's list of tags.
"""

from random import Random

from wardline.city.streams import exponential
from wardline.city.world import Network, dotted, interface

DAY_MS = 86_400_000


class Household:
    """Some people behind one router. six: its IPv6 prefix or ""; pool: the provider's address translation (RFC 6888) instead of an address of its own;
    renew_days: how long an address lasts, 0 for ever."""

    __slots__ = ("_ip", "_until_ms", "members", "network", "pool", "renew_days", "six", "tags")

    def __init__(self, network: Network, six: str, pool: bool, renew_days: float) -> None:
        self.network, self.six, self.pool, self.renew_days = network, six, pool, renew_days
        self.members = 0
        self.tags = ',"shared_nat"' if pool else ""
        self._ip = ""
        self._until_ms = 0

    def address(self, now_ms: int, r: Random) -> str:
        """The address that the world sees now."""
        if self.six and r.random() < 0.85:
            return interface(self.six, r)
        if self.pool:
            # 200 addresses at the end of the city's range translate for everybody.
            return dotted(self.network.first + self.network.size - 250 + int(r.random() * 200))
        if now_ms >= self._until_ms:
            self._ip = self.network.address(r)
            self._until_ms = now_ms + int(exponential(r) * self.renew_days * DAY_MS) if self.renew_days else 1 << 62
        return self._ip


class Site:
    """An office or a dormitory: many people, one address that stays."""

    __slots__ = ("ip", "members", "tags")

    def __init__(self, network: Network, r: Random, tag: str) -> None:
        self.ip = network.address(r)
        self.members = 0
        self.tags = tag


def hotel(network: Network, r: Random) -> str:
    """A hotel's or café's network in the city: few addresses, many guests."""
    return dotted(network.first + network.size - 512 + 1 + int(r.random() * 60))
