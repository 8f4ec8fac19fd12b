"""What time_novelty says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.time_novelty import TimeNovelty
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"login.known_logins": 41, "login.time_nats": 0.8}, "against", "seldom"),
    ({"login.known_logins": 41, "login.time_nats": -0.3}, "for", "often"),
    ({"login.known_logins": 0}, "silent", ""),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(TimeNovelty(), values, side, words)
