"""What a model may add: within bounds, in order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.domains.login.detectors.tree import Tree as LoginTree
from wardline.domains.signup.detectors.tree import Tree as SignupTree
from wardline.engine.model import TYPES, TreeDetector, held
from wardline.engine.signal import log_odds
from wardline.shipped import event_domains

TREES = pytest.mark.parametrize("tree", [LoginTree(), SignupTree()], ids=["login", "signup"])
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


@TREES
@pytest.mark.parametrize(
    "values", [{}, {"model.evidence": None}, {"model.evidence": float("nan")}, {"model.evidence": "4"}, {"model.evidence": True}]
)
def test_its_detector_is_silent_without_a_model(tree: TreeDetector, values: dict[str, object]) -> None:
    assert tree.judge(values).score is None  # type: ignore[arg-type]


@TREES
@pytest.mark.parametrize(("evidence", "counts"), [(1.5, 1.5), (-2.0, -2.0), (400.0, "most"), (float("-inf"), "least"), (10**400, "most")])
def test_the_evidence_counts_within_its_bounds(tree: TreeDetector, evidence: float, counts: float | str) -> None:
    signal = tree.judge({"model.evidence": evidence, "model.log_odds": 2.0})
    bound = getattr(tree, counts) if isinstance(counts, str) else counts
    assert signal.score is not None and log_odds(signal.score) == pytest.approx(bound)
    assert signal.evidence == {"model.log_odds": 2.0} and signal.reason.endswith(".")
