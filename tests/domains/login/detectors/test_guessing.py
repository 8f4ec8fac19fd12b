"""What guessing says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.guessing import Guessing
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"failures_account_10m": 7, "failures_account_24h": 7, "login.network_level": "new"}, "against", "7 wrong passwords"),
    ({"failures_account_10m": 7, "login.network_level": "ip"}, "silent", "from where the account is used"),
    ({"failures_account_10m": 2, "login.network_level": "new"}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(Guessing(), values, side, words)
