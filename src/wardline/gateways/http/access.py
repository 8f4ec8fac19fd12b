"""Who may do what at the HTTP door: peers by network, keys by scope.

    Authorization: Bearer wl_1a2b3c4d_…        an API key (RFC 6750 §2.1), or X-Api-Key
    Authorization: Bearer <learn secret>       the learning secret, scope learn

A peer of a trusted network has the scopes of the configuration (decide and read at most) without a key. A request that a proxy passed on (it
bears Forwarded, X-Forwarded-For or Via) comes from somebody else than the peer, so it needs a key like everybody's. The control socket in the data folder, which only its owner
can open, has all. Learning and administration ask for a key even on loopback, since any local user reaches loopback.
"""

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache

from wardline.engine.operators.administration import SCOPES, Administration
from wardline.gateways.http.exchange import Exchange

KEYLESS = frozenset({"decide", "read"})
RELAYED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})


def token_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The token that a request presents, b"" when it has none."""
    authorization = headers.get(b"authorization", b"")
    return authorization[7:].strip() if authorization[:7].lower() == b"bearer " else headers.get(b"x-api-key", b"")


class Access:
    """Scopes of one request. `learn_secret` may be empty: then no secret grants learning."""

    def __init__(
        self, administration: Administration, trusted_peers: Sequence[str], trusted_scopes: Sequence[str], learn_secret: str
    ) -> None:
        self._administration = administration
        self._networks = [ipaddress.ip_network(network) for network in trusted_peers]
        self._trusted_scopes = frozenset(trusted_scopes) & KEYLESS
        self._learn_secret = learn_secret.encode()
        self._peers: dict[str, frozenset[str]] = {}

    def scopes(self, peer: str | None, headers: Mapping[bytes, bytes]) -> frozenset[str]:
        """What the request may do. `peer` is the client's IP, None for the control socket."""
        if peer is None:
            return frozenset(SCOPES)
        keyless = RELAYED.isdisjoint(headers) and not _from_a_foreign_page(headers.get(b"host", b""), headers.get(b"origin"))
        found = self._of_peer(peer) if keyless else frozenset()
        token = token_of(headers)
        if token:
            found |= frozenset(self._administration.scopes(token.decode("latin-1")))
            if self._learn_secret and hmac.compare_digest(token, self._learn_secret):
                found |= {"learn"}
        return found

    def _of_peer(self, peer: str) -> frozenset[str]:
        known = self._peers.get(peer)
        if known is None:
            try:
                address = ipaddress.ip_address(peer.partition("%")[0])
                if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
                    address = address.ipv4_mapped
                trusted = any(address in network for network in self._networks if network.version == address.version)
            except ValueError:
                trusted = False
            known = self._trusted_scopes if trusted else frozenset()
            if len(self._peers) > 4096:  # addresses are the callers' choice: forget rather than grow
                self._peers.clear()
            self._peers[peer] = known
        return known


@lru_cache(maxsize=256)  # a client names us and itself the same way each time; what it names is short, since servers bound header lines
def _from_a_foreign_page(named: bytes, origin: bytes | None) -> bool:
    """Whether a browser on a trusted peer may be sending this for somebody else's page: a foreign Origin, or a Host name that was
    bound to our address (DNS rebinding). Programs name us by address or as localhost, and send no Origin."""
    host = _host_of(named)
    if host and host != "localhost":
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return True
    return origin is not None and _host_of(origin.partition(b"//")[2]) != host


def _host_of(authority: bytes) -> str:
    """The host of "host:port" or "[v6]:port", lower case."""
    text = authority.decode("latin-1").strip().lower()
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


def actor_of(exchange: Exchange, claimed: str = "") -> str:
    """Who acts, as far as the door knows: a key by its public id; on the control socket, which only the folder's owner can open, whoever the
    caller says, since the people who share that account tell themselves apart."""
    if exchange.peer is None:
        return claimed.strip()[:64] or "socket"
    parts = token_of(exchange.headers).decode("latin-1").split("_", 2)
    return f"key {parts[1][:16]}" if len(parts) == 3 else "peer"
