"""What tor_vpn says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.tor_vpn import TorVpn
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"ip.tor": True, "login.known_logins": 9, "login.network_level": "new"}, "against", "through Tor"),
    ({"ip.tor": True, "login.known_logins": 9, "login.network_level": "ip"}, "silent", ""),
    ({"ip.tor": True, "login.known_logins": 0}, "silent", ""),
    ({"login.known_logins": 9, "login.network_level": "new"}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(TorVpn(), values, side, words)
