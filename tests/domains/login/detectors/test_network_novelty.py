"""What network_novelty says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.network_novelty import NetworkNovelty
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    (
        {"login.known_logins": 41, "login.network_level": "prefix16", "login.network_logins": 3, "login.network_nats": 2.1},
        "against",
        "The account has never been used from this network; 3 of its 41 logins came from this region.",
    ),
    (
        {"login.known_logins": 1, "login.network_level": "new", "login.network_logins": 0, "login.network_nats": 0.4},
        "against",
        "in 1 login.",
    ),
    (
        {"login.known_logins": 41, "login.network_level": "ip", "login.network_logins": 30, "login.network_nats": -4.0},
        "for",
        "30 of the account's 41 logins came from this address.",
    ),
    ({"login.known_logins": 0}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(NetworkNovelty(), values, side, words)
