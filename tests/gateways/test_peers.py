"""Whom a door believes."""

import pytest

from wardline.gateways.peers import Peers


@pytest.mark.parametrize(
    ("networks", "address", "held"),
    [
        (("127.0.0.0/8",), "127.0.0.1", True),
        (("127.0.0.0/8",), "::ffff:127.0.0.1", True),
        (("127.0.0.0/8",), "192.0.2.1", False),
        (("2001:db8::/32", "192.0.2.0/24"), "2001:db8::1", True),
        (("2001:db8::/32",), "fe80::1%eth0", False),
        (("192.0.2.7",), "192.0.2.7", True),
        ((), "127.0.0.1", False),
        (("0.0.0.0/0",), "not an address", False),
        ((), "", True),
    ],
)
def test_networks(networks: tuple[str, ...], address: str, held: bool) -> None:
    peers = Peers(networks)
    assert peers.holds(address) is held
    assert peers.holds(address) is held


def test_a_socket_of_this_machine_after_a_stranger() -> None:
    peers = Peers(("127.0.0.0/8",))
    assert not peers.holds("192.0.2.1")
    assert peers.holds("")


def test_what_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        Peers(("example.com",))
