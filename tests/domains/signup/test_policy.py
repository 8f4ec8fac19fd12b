"""The shipped policy of sign-ups: a ladder whose steps are all used, and no higher score is treated more mildly."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.deciding import desk
from wardline.domains.signup.recipe import signup
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.policy import parse_policy
from wardline.engine.signal import Signal, log_odds, probability

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


class Said(Detector[Any]):
    """Says what a form's time asks for, so that the final score is that many per thousand."""

    name = "signup.said"
    reads = ("form_ms",)
    cost_us = 0.1

    def judge(self, values: Values) -> Signal:
        """The signal that lifts the policy's bias to the score wanted."""
        wanted = values["form_ms"]
        assert isinstance(wanted, int | float)
        return Signal(probability(log_odds(wanted / 1000) - POLICY.document.combine.bias), "Said.")


@pytest.mark.parametrize(
    ("score", "verdict", "step"),
    [
        (0.02, "allow", None),
        (0.15, "challenge", "proof_of_work"),
        (0.35, "challenge", "puzzle"),
        (0.46, "challenge", "email"),
        (0.70, "challenge", "sms"),
        (0.90, "hold", "payment"),
        (0.98, "reject", None),
    ],
)
async def test_every_step_is_reached_at_the_door(score: float, verdict: str, step: str | None, tmp_path: Path) -> None:
    """With the shipped policy and its table of costs; what is to be asked, for how long, and a sentence for it stand in the answer."""
    domain = msgspec.structs.replace(DOMAIN, detectors=(Said(),))
    with desk(tmp_path, domains=[domain]) as running:
        answer = await running.ask("signup", "one", {"account": "anna"}, form_ms=score * 1000)
        assert answer.score == pytest.approx(score, abs=0.001)
        assert (answer.verdict, [obligation["challenge"] for obligation in answer.obligations]) == (verdict, [step] if step else [])
        assert all(obligation["ttl_seconds"] >= 600 for obligation in answer.obligations)
        assert verdict == "allow" or answer.reasons[0].text.endswith(".")
