"""What credential_campaign says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.credential_campaign import CredentialCampaign
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    (
        {"login.campaign_network": 42, "login.strange": True, "login.known_logins": 9},
        "against",
        "about 42 accounts were tried from this network",
    ),
    ({"login.campaign_agent": 42, "login.strange": True, "login.known_logins": 9}, "against", "with this client"),
    ({"login.campaign_site": 42, "login.strange": True, "login.known_logins": 9}, "against", "all over this site"),
    ({"login.campaign_network": 42, "login.known_logins": 0}, "against", "little is known"),
    (
        {"login.campaign_network": 42, "login.strange": False, "login.known_logins": 9, "login.network_level": "prefix24"},
        "silent",
        "fits its account",
    ),
    (
        {
            "login.campaign_network": 42,
            "login.strange": False,
            "login.known_logins": 9,
            "login.network_level": "new",
            "login.device_logins": 3,
        },
        "silent",
        "device of the account",
    ),
    ({"login.campaign_network": 0, "login.strange": True}, "silent", "No campaign"),
    (
        {"login.campaign_agent": 42, "login.known_logins": 9, "login.network_level": "new", "login.agent_level": "agent"},
        "silent",
        "No campaign",
    ),
    (
        {"login.campaign_agent": 42, "login.known_logins": 9, "login.network_level": "new", "login.agent_level": "system"},
        "against",
        "with this client",
    ),
    (
        {"login.campaign_network": 42, "login.known_logins": 9, "login.network_level": "new", "login.agent_level": "agent"},
        "against",
        "from this network",
    ),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(CredentialCampaign(), values, side, words)
