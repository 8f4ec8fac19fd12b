"""The cheapest way to act, by expected cost."""

import msgspec
import pytest

from wardline.engine.costs import Costs
from wardline.engine.policy import PolicyError, parse_policy

TABLE = msgspec.convert(
    {
        "loss": 50,
        "lockout": 20,
        "ways": {"allow": {}, "challenge": {"stops": 0.95, "annoyance": 1, "fails": 0.05}, "hold": {"stops": 1, "annoyance": 30}},
    },
    Costs,
)


@pytest.mark.parametrize(("probability", "way"), [(0.0, "allow"), (0.03, "allow"), (0.05, "challenge"), (0.5, "challenge"), (0.99, "hold")])
def test_the_cheapest(probability: float, way: str) -> None:
    assert TABLE.cheapest(probability) == way


def test_no_table_no_answer() -> None:
    assert Costs().cheapest(0.9) is None


def test_a_share_above_one_is_named() -> None:
    text = b"{point: x, version: 1, verdicts: [allow, hold], lines: [], costs: {ways: {hold: {stops: 2}}}}"
    with pytest.raises(PolicyError, match="costs: ways: hold: stops and fails are shares"):
        parse_policy(text, (), "policy.yaml")


def test_from_where_something_is_asked() -> None:
    chance = TABLE.acts_from()
    assert chance is not None and TABLE.cheapest(chance) == "challenge" and TABLE.cheapest(chance - 1e-9) == "allow"
    assert Costs().acts_from() is None
