"""What every detector of logins and sign-ups keeps, whoever wrote it: the conformance suite of the event domains.

A new detector is found by itself (`ALL` of its domain) and must pass unchanged. Values are of the kinds that the domain declares, as intake, counters and
states give them; each may be missing.
"""

import random
from typing import Any

import pytest

from tests.contract.test_detectors import Recording, check
from wardline.domains.login.recipe import login
from wardline.domains.signup.recipe import signup
from wardline.engine.detector import Detector
from wardline.engine.feature import STRING_LIMIT, Value
from wardline.engine.walk.point import EventDomain

POOLS: dict[str, tuple[Value, ...]] = {
    "number": (None, 0, 1, 2, 5, 0.5, 7.25, 20, 1_000, -1, 10**15, 10**30, 1e300),
    "text": (None, "", "new", "phone", "known", "x" * STRING_LIMIT, "\u202e\ufeff", "1920x1080"),
    "bool": (None, True, False),
    "list": (None, [], ["device"], ["x"] * 50, [None, 1, "x", True]),
}
ODD: tuple[Value, ...] = tuple(value for pool in POOLS.values() for value in pool)
DOMAINS: tuple[EventDomain, ...] = (login(), signup())
FOUND: dict[str, tuple[Detector[Any], dict[str, str]]] = {
    detector.name: (detector, dict(domain.names())) for domain in DOMAINS for detector in domain.detectors
}
TRIES = 2_000


@pytest.fixture(params=sorted(FOUND))
def found(request: pytest.FixtureRequest) -> tuple[Detector[Any], dict[str, str]]:
    return FOUND[request.param]


def test_it_reads_what_its_domain_declares(found: tuple[Detector[Any], dict[str, str]]) -> None:
    detector, kinds = found
    assert set(detector.reads) <= set(kinds)
    assert 0 < detector.cost_us < 1_000


def test_it_is_silent_when_nothing_is_known(found: tuple[Detector[Any], dict[str, str]]) -> None:
    detector, _ = found
    assert detector.judge({}).score is None
    assert detector.judge(dict.fromkeys(detector.reads)).score is None


def test_any_values_of_their_kinds_give_an_opinion_or_none(found: tuple[Detector[Any], dict[str, str]]) -> None:
    """No error, no score out of range, no reason that is no sentence; nothing undeclared is read; the same again."""
    detector, kinds = found
    draw = random.Random(detector.name)
    for _ in range(TRIES):
        values = {name: draw.choice(POOLS[kinds[name]]) for name in detector.reads}
        if draw.random() < 0.2:  # records of another build may hold a value of another kind
            values[draw.choice(detector.reads)] = draw.choice(ODD)
        recording = Recording(values)
        signal = detector.judge(recording)
        check(signal)
        assert recording.asked <= set(detector.reads)
        assert detector.judge(values) == signal
