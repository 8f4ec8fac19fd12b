"""What site_baseline says of given values."""

import pytest

from tests.domains.login.detectors.cases import check
from wardline.domains.login.detectors.site_baseline import SiteBaseline
from wardline.engine.feature import Value

CASES: list[tuple[dict[str, Value], str, str]] = [
    ({"login.baseline": 3.4}, "for", "one in a hundred"),
]


@pytest.mark.parametrize(("values", "side", "words"), CASES)
def test_it_says(values: dict[str, Value], side: str, words: str) -> None:
    check(SiteBaseline(), values, side, words)
