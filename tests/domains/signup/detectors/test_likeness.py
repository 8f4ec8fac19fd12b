"""likeness: nothing by itself, more where something else is said."""

import math

from wardline.domains.signup.detectors.likeness import Likeness
from wardline.domains.signup.recipe import signup
from wardline.engine.decision import judge
from wardline.engine.feature import Value
from wardline.engine.policy import parse_policy

LIKE: dict[str, Value] = {"signup.likeness": 6.0, "signup.likeness_of": ["email.number", "phone"]}
LINKED: dict[str, Value] = {"graph.cluster_size": 2, "graph.rare_shared": 2, "graph.link_bits": 20.0}


def weight(**values: Value) -> float:
    score = Likeness().judge({**LIKE, **{name.replace("__", "."): value for name, value in values.items()}}).score
    return math.log(score / (1 - score)) if score else 0.0


def test_by_itself_it_leads_to_no_check() -> None:
    domain = signup()
    policy = parse_policy(domain.policy, domain.names(), "shipped")
    assert judge(LIKE, domain.detectors, policy).verdict == "allow"
    assert judge({**LIKE, **LINKED}, domain.detectors, policy).verdict == "challenge"


def test_it_counts_more_beside_a_link_or_a_burst_that_is_not_of_one_place() -> None:
    alone = weight()
    assert weight(**{name.replace(".", "__"): value for name, value in LINKED.items()}) > alone
    assert weight(burst__browser=30.0) > alone
    assert weight(burst__browser=30.0, burst__network=60.0) == alone
    assert weight(graph__cluster_size=2, graph__rare_shared=2, graph__link_bits=13.0) == alone


def test_people_and_the_unknown_are_silent_and_the_reason_is_told() -> None:
    assert Likeness().judge({}).score is None
    assert Likeness().judge({"signup.likeness": -4.0}).score is None
    assert Likeness().judge(LIKE).reason == "The account is made like those of series here (number in the address, phone)."
