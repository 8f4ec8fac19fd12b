"""What leaked_password says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.leaked_password import LeakedPassword
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"password.leaks": 3100, "login.network_level": "new"}, "against", "published leaks"),
    ({"password.leaks": 3100, "login.device_logins": 4}, "silent", ""),
    ({"password.leaks": 0, "login.network_level": "new"}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(LeakedPassword(), values, side, words)
