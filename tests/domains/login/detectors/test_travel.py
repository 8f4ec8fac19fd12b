"""What travel says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.travel import Travel
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"login.other_country_seconds": 1800, "login.network_level": "new"}, "against", "30 minutes ago"),
    ({"login.other_country_seconds": 86400, "login.network_level": "new"}, "silent", ""),
    ({"login.other_country_seconds": 1800, "login.device_logins": 3}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(Travel(), values, side, words)
