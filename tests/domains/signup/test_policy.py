"""The shipped policy of sign-ups: a ladder whose steps are all used, and no higher score is treated more mildly."""

from wardline.domains.signup.recipe import signup
from wardline.engine.policy import parse_policy

DOMAIN = signup()
POLICY = parse_policy(DOMAIN.policy, DOMAIN.names(), "shipped")
STEPS = ["allow", "proof_of_work", "puzzle", "email", "sms", "payment", "reject"]


def test_a_higher_score_never_gets_a_milder_step_and_every_step_is_somewhere_the_cheapest() -> None:
    costs = POLICY.document.costs
    chosen = [str(costs.cheapest(score / 10_000)) for score in range(10_001)]
    places = [STEPS.index(step) for step in chosen]
    assert places == sorted(places) and set(chosen) == set(STEPS)


def test_every_step_has_its_line() -> None:
    verdicts = []
    for step in STEPS:
        line = POLICY.deciding_line({"cheapest": step})
        verdicts.append(line.verdict if line else "allow")
        assert line is None or not line.obligations or line.obligations[0]["challenge"] == step
    assert verdicts == ["allow", "challenge", "challenge", "challenge", "challenge", "hold", "reject"]
