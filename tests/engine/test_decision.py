"""Judge: the same values give the same decision; a broken detector holds and never condemns; unknown stays unknown."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.decision import judge
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.policy import parse_policy
from wardline.engine.signal import SILENT, Signal, log_odds, probability

POLICY = parse_policy(
    b"""
point: test
version: 1
verdicts: [allow, hold, reject]
on_detector_error: hold
combine: {bias: -1.0}
lines:
  - {name: bad, when: "score > 0.5", verdict: reject, obligations: [{tell: owner}]}
""",
    (),
    "test",
)


class Echo(Detector[Any]):
    name = "echo"
    reads = ("echo.score",)

    def judge(self, values: Values) -> Signal:
        score = values.get("echo.score")
        return Signal(float(score), "It says so.") if isinstance(score, int | float) else SILENT


class Broken(Detector[Any]):
    name = "broken"

    def judge(self, values: Values) -> Signal:
        raise RuntimeError("made to break")


class Wild(Detector[Any]):
    name = "wild"

    def judge(self, values: Values) -> Signal:
        return Signal(7.0)


def test_signals_are_summed_in_log_odds() -> None:
    decision = judge({"echo.score": 0.9}, [Echo()], POLICY)
    assert decision.log_odds == -1.0 + log_odds(0.9)
    assert decision.score == probability(decision.log_odds)
    assert (decision.verdict, decision.line, decision.policy) == ("reject", "bad", "test@1")
    assert decision.obligations == [{"tell": "owner"}]
    assert decision.reasons[0].text == "It says so."


def test_nobody_speaks() -> None:
    decision = judge({}, [Echo()], POLICY)
    assert (decision.verdict, decision.line, decision.reasons, decision.log_odds) == ("allow", "", (), -1.0)


def test_a_broken_detector_holds_and_the_others_go_on() -> None:
    decision = judge({"echo.score": 0.1}, [Broken(), Echo()], POLICY)
    assert (decision.verdict, decision.failed) == ("hold", ("broken",))
    assert "echo" in decision.contributions


def test_a_broken_detector_does_not_soften_a_verdict() -> None:
    assert judge({"echo.score": 0.99}, [Broken(), Echo()], POLICY).verdict == "reject"


def test_a_score_out_of_range_is_a_failure() -> None:
    decision = judge({}, [Wild()], POLICY)
    assert decision.failed == ("wild",)
    assert decision.contributions == {}


def test_what_broke_while_measuring_is_known_from_the_values() -> None:
    decision = judge({"engine.broken": ["url"]}, [Echo()], POLICY)
    assert (decision.verdict, decision.failed) == ("hold", ("url",))


@given(st.floats(0, 1))
def test_the_same_values_give_the_same_decision(score: float) -> None:
    assert judge({"echo.score": score}, [Echo()], POLICY) == judge({"echo.score": score}, [Echo()], POLICY)


@given(st.floats(0, 1))
def test_log_odds_and_probability_are_finite_inverses(score: float) -> None:
    assert abs(probability(log_odds(score)) - score) < 1e-4
