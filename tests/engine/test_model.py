"""What a model may add: within bounds, in order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.model import EVIDENCE_LEAST, EVIDENCE_MOST, TYPES, held, within
from wardline.shipped import event_domains

NUMBERS = st.floats(allow_nan=False, allow_infinity=True)


@given(NUMBERS, NUMBERS)
def test_evidence_is_bounded_and_keeps_its_order(one: float, other: float) -> None:
    assert EVIDENCE_LEAST <= held(one) <= EVIDENCE_MOST and within(held(one)) == held(one)
    assert (held(one) <= held(other)) or one > other
    assert math.copysign(1, held(one)) == math.copysign(1, one) and abs(held(one)) <= abs(one)


def test_little_evidence_counts_as_it_is() -> None:
    assert held(0.1) == pytest.approx(0.1, abs=1e-4) and held(0.0) == 0.0


@pytest.mark.parametrize("point", ["signup", "login"])
def test_a_recipe_names_what_decisions_hold(point: str) -> None:
    """Every column is a value of the domain, and none is a name, a date, what labels caused, or what a model said."""
    domain = next(domain for domain in event_domains() if domain.point == point)
    recipe, names = domain.recipe, domain.names()
    assert recipe is not None
    columns = [*recipe.numbers, *recipe.texts]
    assert len(columns) == len(set(columns)) and set(columns) | set(recipe.groups) <= set(names)
    assert not set(columns) & {
        "account",
        "ip",
        "device",
        "email",
        "email.domain",
        "ip.asn",
        "hour",
        "weekday",
        "user_agent",
        "user_agent.major",
        *TYPES,
    }
    assert not [name for name in columns if name.endswith(("_bad", "_good"))]
    assert set(TYPES) <= set(names)


def test_neighbour_averages_are_among_the_columns_of_sign_ups() -> None:
    recipe = next(domain.recipe for domain in event_domains() if domain.point == "signup")
    assert recipe is not None and {"graph.near_form_ms", "graph.near_name_length", "graph.near_name_digits"} <= set(recipe.numbers)
