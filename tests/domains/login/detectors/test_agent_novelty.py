"""What agent_novelty says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.agent_novelty import AgentNovelty
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    (
        {
            "login.known_logins": 41,
            "login.device_logins": 0,
            "login.agent_level": "system",
            "login.agent_logins": 12,
            "login.agent_nats": 1.9,
            "login.locale_nats": 0.0,
        },
        "against",
        "12 of its 41 logins",
    ),
    (
        {"login.known_logins": 41, "login.device_logins": 40, "login.agent_nats": -3.0},
        "for",
        "40 of the account's 41 logins came from this device.",
    ),
    ({"login.known_logins": 0}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(AgentNovelty(), values, side, words)
