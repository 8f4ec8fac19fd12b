"""IP addresses and networks as integers: read strictly, compared quickly, and judged as destinations.

    parse("192.0.2.7")             -> (4, 3221225991)        parse("::ffff:192.0.2.7") -> (4, 3221225991)
    parse("2001:db8::1")           -> (6, 42540766411282592856903984951653826561)
    span("192.0.2.9/24")           -> (4, 3221225984, 3221226239, True)       True: host bits were set
    span("192.0.2.0-192.0.2.9")    -> (4, 3221225984, 3221225993, False)
    is_public(*parse("64:ff9b::10.0.0.1")) -> False

Standards: RFC 4291 (IPv4 in IPv6), RFC 6890 and the IANA special-purpose registries, RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
`ipaddress` says the same and takes ten times as long; it is the twin that the tests compare with.
"""

import socket
from bisect import bisect_right

BITS = {4: 32, 6: 128}
_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96
_TEXT_LIMIT = 45  # characters of the longest address: an IPv6 one with an IPv4 tail


def parse(text: str) -> tuple[int, int] | None:
    """(4 or 6, the address as an integer), an IPv4 address mapped into IPv6 as IPv4; None when the text is no address, or names a scope or a port."""
    if len(text) > _TEXT_LIMIT:
        return None
    try:
        if ":" not in text:
            return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
        value = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError):
        return None
    if value >> 32 == 0xFFFF:
        return 4, value & 0xFFFFFFFF
    return 6, value


def span(text: str) -> tuple[int, int, int, bool] | None:
    """(version, first, last, whether host bits were set) of an address, "network/bits" or "first-last"; None when it is none of them, or reversed.

    A network of mapped addresses (::ffff:192.0.2.0/120) is the IPv4 network; one that reaches beyond them stays IPv6.
    """
    if "/" in text:
        return _network(text)
    first, dash, last = text.partition("-")
    low = parse(first.strip())
    if low is None:
        return None
    if not dash:
        return low[0], low[1], low[1], False
    high = parse(last.strip())
    if high is None or high[0] != low[0] or high[1] < low[1]:
        return None
    return low[0], low[1], high[1], False


def _network(text: str) -> tuple[int, int, int, bool] | None:
    base, _, length = text.partition("/")
    found = parse(base)
    if found is None or not (length.isascii() and length.isdigit() and len(length) <= 3):
        return None
    version, value = found
    bits = int(length)
    if version == 4 and ":" in base:  # mapped
        if not 96 <= bits <= 128:
            version, value = 6, value | _MAPPED
        else:
            bits -= 96
    size = BITS[version] - bits
    if size < 0:
        return None
    mask = (1 << size) - 1
    return version, value & ~mask, value | mask, bool(value & mask)


def show(version: int, value: int) -> str:
    """The address as text (RFC 5952)."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return socket.inet_ntop(family, value.to_bytes(4 if version == 4 else 16, "big"))


def _spans(*networks: str) -> tuple[tuple[int, int], ...]:
    found = [span(network) for network in networks]
    return tuple((item[1], item[2]) for item in found if item is not None)


# IANA IPv4 special-purpose registry, multicast and reserved space: nobody's public server lives there.
_special_4 = _spans(
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
_special_4_starts = [low for low, _ in _special_4]
# Inside 2000::/3, the only space that is given out: Teredo and other protocols, documentation, 6to4, the anycast service of AS112.
_special_6 = _spans("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
_global_6 = _spans("2000::/3")[0]
_nat64 = _spans("64:ff9b::/96")[0]


def is_public(version: int, value: int) -> bool:
    """Whether a stranger's server may live at this address: False for private, loopback, link-local, multicast, reserved and documentation space.

    An IPv4 address inside NAT64's well-known prefix is judged by the IPv4 address; 6to4 and Teredo, which embed one too, are never public.
    """
    if version == 4:
        place = bisect_right(_special_4_starts, value) - 1
        return place < 0 or value > _special_4[place][1]
    if _nat64[0] <= value <= _nat64[1]:
        return is_public(4, value & 0xFFFFFFFF)
    if not _global_6[0] <= value <= _global_6[1]:
        return False
    return not any(low <= value <= high for low, high in _special_6)
