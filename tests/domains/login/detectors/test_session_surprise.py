"""What session_surprise says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.session_surprise import SessionSurprise
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"login.since_risky_login_seconds": 900, "login.surprises_since_risky": 2}, "against", "15 minutes ago, 2 sensitive changes"),
    ({"login.since_risky_login_seconds": 900, "login.surprises_since_risky": 0}, "silent", ""),
    (
        {"login.since_risky_login_seconds": 9, "login.surprises_since_risky": 0, "login.sensitive": True},
        "against",
        "a sensitive change was asked",
    ),
    (
        {"login.since_risky_login_seconds": 9, "login.surprises_since_risky": 1, "login.sensitive": True},
        "against",
        "2 sensitive changes were asked",
    ),
    ({"login.since_risky_login_seconds": 9, "login.surprises_since_risky": 1, "login.sensitive": False}, "silent", ""),
    ({"login.sensitive": True}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(SessionSurprise(), values, side, words)
