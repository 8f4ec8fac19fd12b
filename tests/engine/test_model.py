"""What a model may add: within bounds, in order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.model import TYPES, held
from wardline.shipped import event_domains

NUMBERS = st.floats(allow_nan=False, allow_infinity=True)


@given(NUMBERS, NUMBERS)
def test_evidence_is_bounded_and_keeps_its_order(one: float, other: float) -> None:
    first, second = held(one, -3.0, 4.0), held(other, -3.0, 4.0)
    assert -3.0 <= first <= 4.0
    # But for the last bit, which the mathematics library of a machine may round either way.
    assert first <= second + 1e-12 or one > other
    assert math.copysign(1, first) == math.copysign(1, one) and abs(first) <= abs(one) * (1 + 1e-12)


def test_little_evidence_counts_as_it_is() -> None:
    assert held(0.1, -3.0, 4.0) == pytest.approx(0.1, abs=1e-4) and held(0.0, -3.0, 4.0) == 0.0


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
    assert recipe.least < 0 < recipe.most < 12


def test_neighbour_averages_are_among_the_columns_of_sign_ups() -> None:
    recipe = next(domain.recipe for domain in event_domains() if domain.point == "signup")
    assert recipe is not None and {"graph.near_form_ms", "graph.near_name_length", "graph.near_name_digits"} <= set(recipe.numbers)
