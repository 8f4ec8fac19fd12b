"""name: drawn names, and people's."""

import pytest

from wardline.base.privacy import Pseudonyms
from wardline.domains.signup.detectors.name import Name
from wardline.domains.signup.intake import _name
from wardline.engine.walk.intake import Edge

EDGE = Edge(Pseudonyms(b"k" * 32))


def score(name: str) -> float | None:
    return Name().judge(_name(name, EDGE)).score


@pytest.mark.parametrize("name", ["xkqzvbtw", "k7f3q9x2", "anna84719", "qw8rt5yu2zx1"])
def test_drawn(name: str) -> None:
    found = score(name)
    assert found is not None and 0.55 < found < 0.95


@pytest.mark.parametrize("name", ["anna.berg1984", "krzysztof", "schwartz", "müller", "王小明", "lasmatteo", "o", ""])
def test_people(name: str) -> None:
    assert score(name) is None
