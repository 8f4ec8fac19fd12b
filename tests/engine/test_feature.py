"""Declared features: names and types for rules, no name twice."""

import pytest

from wardline.engine.counting.counter import parse_counter
from wardline.engine.feature import Feature, FeatureError, Value, feature_types, features_of_counters, number

FACTS = [Feature("ip", "text", "the client's address, a pseudonym"), Feature("amount", "number", "of the transfer, in units")]


def test_types_by_name() -> None:
    counters = [parse_counter("failures", {"count": "login", "by": "ip", "window": "10m"})]
    types = feature_types(FACTS, features_of_counters(counters))
    assert dict(types) == {"ip": "text", "amount": "number", "failures": "number"}
    assert features_of_counters(counters)[0].line == "count of login by ip over 10m"


@pytest.mark.parametrize(("value", "counts"), [(3, 3.0), (-0.5, -0.5), (True, 1.0), (None, 0.0), ("3", 0.0), ([3], 0.0)])
def test_what_is_no_number_adds_nothing(value: Value, counts: float) -> None:
    assert number({"x": value}, "x") == counts
    assert number({}, "x") == 0.0


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        (Feature("ip", "number", "another"), "'ip' is declared twice"),
        (Feature("Ip", "text", "x"), "name"),
        (Feature("x", "string", "x"), "did you mean text|use one of"),  # type: ignore[arg-type]
        (Feature("x", "text", " "), "one line"),
        (Feature("x", "text", "a\nb"), "one line"),
        (Feature("x", "text", "a", source="guess"), "source"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_declared(feature: Feature, told: str) -> None:
    with pytest.raises(FeatureError, match=told):
        feature_types(FACTS, [feature])
