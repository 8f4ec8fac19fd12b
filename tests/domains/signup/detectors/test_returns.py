"""returns: what comes back adds up; strangers who share a place are left alone."""

import math

import pytest

from wardline.domains.signup.detectors.returns import Returns
from wardline.domains.signup.recipe import signup
from wardline.engine.decision import judge
from wardline.engine.feature import Value
from wardline.engine.policy import parse_policy


def weight(**values: Value) -> float:
    score = Returns().judge({name.replace("__", "."): value for name, value in values.items()}).score
    return math.log(score / (1 - score)) if score else 0.0


def verdict(values: dict[str, Value]) -> str:
    domain = signup()
    return judge(values, domain.detectors, parse_policy(domain.policy, domain.names(), "shipped")).verdict


def test_what_chance_does_is_silent() -> None:
    assert Returns().judge({}).score is None
    assert weight(recurs__name=4.0, recurs__network=3.0, recurs__mail_domain=4.5, recurs__phone_count=0) == 0.0


def test_a_name_or_a_number_by_itself_leads_to_a_check_and_never_to_a_rejection() -> None:
    for values in ({"recurs.name": 60.0}, {"recurs.phone_count": 20}):
        assert verdict({**values, "signup.likeness": -3.0}) == "challenge"
    assert verdict({"recurs.phone_count": 1}) == "allow"


def test_places_and_domains_count_less_for_who_is_made_as_honest_people_are() -> None:
    place: dict[str, Value] = {"recurs.network_domain": 9.0, "recurs.address": 5.0, "recurs.network": 20.0}
    assert verdict({**place, "signup.likeness": 0.0}) == "challenge"
    assert verdict({**place, "signup.likeness": -6.0}) == "allow"
    assert verdict({"recurs.mail_domain": 40.0, "signup.likeness": -3.0}) == "allow"


@pytest.mark.parametrize("likeness", [None, -2.0, 1.0])
def test_respects_add_up_within_a_bound(likeness: float | None) -> None:
    one = weight(recurs__mail_domain=11.0, signup__likeness=likeness)
    two = weight(recurs__mail_domain=11.0, recurs__network_domain=6.0, signup__likeness=likeness)
    assert one < two <= 3.5


def test_the_reason_names_what_and_no_limit() -> None:
    told = Returns().judge({"recurs.name": 14.0, "recurs.phone_count": 2, "recurs.address": 2.0, "signup.likeness": 0.0}).reason
    assert told == "The same name and the same telephone number came back more often lately than chance lets it."
