"""network: what the network's other sign-ups came to."""

import pytest

from wardline.domains.signup.detectors.network import Network
from wardline.engine.feature import Value


def test_a_network_whose_forms_are_given_up() -> None:
    found = Network().judge({"abandoned_share_prefix24_24h": 0.8, "signups_prefix24_24h": 20}).score
    assert found is not None and 0.7 < found < 0.8
    hosting = Network().judge({"ip.hosting": True}).score
    assert hosting is not None and hosting < 0.7


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"signups_prefix24_24h": 400},
        {"abandoned_share_prefix24_24h": 0.9, "signups_prefix24_24h": 3},
        {"abandoned_share_prefix24_24h": 0.2, "signups_prefix24_24h": 90},
        {"ip.vpn": True, "ip.tor": True},
    ],
)
def test_numbers_alone_and_tor_are_no_guilt(values: dict[str, Value]) -> None:
    assert Network().judge(values).score is None
