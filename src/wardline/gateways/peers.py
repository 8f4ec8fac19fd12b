"""Whom a door believes or lets in: networks of peers.

    Peers(("127.0.0.0/8", "::1/128")).holds("127.0.0.1")     -> True
    Peers(()).holds("127.0.0.1")                             -> False

What a client says about somebody else (the address of the SMTP client, the user) is hearsay from anybody but a configured peer.
A peer without an address came over a socket of this machine's file system, whose permissions let it in.
"""

import ipaddress


class Peers:
    """A set of networks. Raises ValueError for a text that is no network (192.0.2.0/24, 2001:db8::/32, or one address)."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in networks)
        self._last = ("", True)  # the same mail server asks again and again

    def holds(self, address: str) -> bool:
        """Whether an address (as the operating system gives it, "" for a local socket) is one of the peers. No address that can be read: no peer."""
        if not address:
            return True
        known, answer = self._last
        if address == known:
            return answer
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        answer = any(parsed in network for network in self._networks)
        self._last = (address, answer)
        return answer
