"""A model at a decision point: what it is made from, what it says, and who serves it.

    Recipe(numbers=("form_ms", "signups_ip_1h"), texts=("user_agent.os",), groups=("device",), labels=("event", "account"))
    model.read(values)      {"model.name": "signup-2026-11-26", "model.log_odds": 2.1, "model.evidence": 1.4}

The values of one decision in, three values out, which are stored with the decision like counters: judging it again needs no model. Without a
model none of the three is there. `model.log_odds` is the model's own calibrated opinion; `model.evidence` is what it adds to what the detectors
said already, held within the bounds of its recipe, so that it decides nothing severe alone. A model that fails says nothing: unknown is not abusive.
`TreeDetector` is what a domain's detector `tree` is made of: it tells the policy what a model said.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.signal import SILENT, Signal, probability

NAME, LOG_ODDS, EVIDENCE = "model.name", "model.log_odds", "model.evidence"
TYPES: Mapping[str, str] = {NAME: "text", LOG_ODDS: "number", EVIDENCE: "number"}
# Beyond this a float of 32 bits knows no number.
NUMBER_LIMIT = 3e38


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain's models are trained on: values that were logged with each decision, none that was computed afterwards.

    numbers: names of numbers and flags. texts: names of texts with few values, which become categories. groups: facts by which entities belong
    together; a row that shares none of them with an abusive one of the training is of an unseen group. labels: what a label may be about to
    count for a decision: "event" (this very one) or an entity of it. least, most: the bounds of what a model may add, in log-odds.
    prior: the share of abuse that a model may take for granted: a wave that fell into its training must not become a suspicion of everybody.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("account",)
    labels: tuple[Literal["event", "account"], ...] = ("event",)
    least: float = -3.0
    most: float = 4.0
    prior: float = 0.01


class Model(Protocol):
    """What serves at a point. `read` changes nothing and never raises: a model that fails gives no values and counts that it failed."""

    name: str

    def read(self, values: Values) -> dict[str, Value]: ...


def held(log_odds: float, least: float, most: float) -> float:
    """Log-odds between two bounds on either side of 0, bent and not cut off: what is stronger stays stronger."""
    bound = most if log_odds > 0 else -least
    return bound * math.tanh(log_odds / bound)


class TreeDetector(Detector[Any]):
    """Base of the detectors that tell the policy what a promoted model adds; silent without one. least, most: what it may add, in log-odds, as in the
    domain's recipe. abusive, honest: the reasons where it adds something, and where it takes away."""

    reads = (EVIDENCE, LOG_ODDS)
    cost_us = 30.0
    least: ClassVar[float]
    most: ClassVar[float]
    abusive: ClassVar[str]
    honest: ClassVar[str]

    def judge(self, values: Values) -> Signal:
        """Silent without a model."""
        evidence = values.get(EVIDENCE)
        if not isinstance(evidence, int | float) or isinstance(evidence, bool) or evidence != evidence:
            return SILENT
        text = self.abusive if evidence > 0 else self.honest
        return Signal(probability(min(max(evidence, self.least), self.most)), text, {LOG_ODDS: values.get(LOG_ODDS)})
