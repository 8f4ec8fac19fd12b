"""Judge: the product. A pure function of stored values to a decision.

    judge(values, detectors, policy) -> Decision(verdict="junk", score=0.97, reasons=(…), line="spam", …)

Detectors run cheap to dear; each gives a signal or stays silent. Signals are summed in log-odds under the policy's weights and become one
calibrated score; the first policy line that is known to hold gives the verdict, and the operator's rules can make it severer. The same values under the same build give the same
decision, bit for bit, which is what replay checks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.policy import Policy
from wardline.engine.signal import SILENT, Signal, probability


class Reason(msgspec.Struct, frozen=True):
    """One detector's part in a decision: its score and its reason in one plain sentence."""

    detector: str
    score: float
    text: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided and why. `log_odds` is the sum before it became `score`; `contributions` are its parts."""

    verdict: str
    score: float
    log_odds: float
    reasons: tuple[Reason, ...]
    policy: str
    line: str
    obligations: list[dict[str, Any]] = []
    contributions: dict[str, float] = {}
    failed: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


class Ruled(msgspec.Struct, frozen=True):
    """What the rules of a point say: the severest verdict of those that act (hits), those that only watch (shadow), those that raised."""

    verdict: str = ""
    hits: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    obligations: list[dict[str, Any]] = []
    broken: tuple[str, ...] = ()


class Rules(Protocol):
    """The operator's rules at a point, beside the policy's lines (engine.rules.running)."""

    def apply(self, values: Values) -> Ruled: ...


class _NoRules:
    """A point without rules of the operator's."""

    def apply(self, values: Values) -> Ruled:
        return _NOTHING


_NOTHING = Ruled()
NO_RULES: Rules = _NoRules()


def judge(
    values: Values, detectors: Sequence[Detector[Any]], policy: Policy, rules: Rules = NO_RULES, known: Mapping[str, Signal | None] = {}
) -> Decision:
    """Signals, score, verdict. Pure: no clock, no state, no I/O. known: signals of the same values from before, None for no opinion."""
    signals, failed = consult(values, detectors, known)
    document = policy.document
    contributions = document.combine.contributions(signals)
    log_odds = document.combine.bias + sum(contributions.values())
    score = probability(log_odds)

    result: dict[str, Value] = {**values, "score": score, "log_odds": log_odds, "failed": list(failed)}
    if document.costs.ways:
        result["cheapest"] = document.costs.cheapest(score)
    line = policy.deciding_line(result)
    verdict = line.verdict if line else document.verdicts[0]
    ruled = rules.apply(result)
    if ruled.hits:
        verdict = policy.severer(verdict, ruled.verdict)
    if failed:  # an input that breaks a detector may have been made to: hold it, never condemn it
        verdict = policy.severer(verdict, document.on_detector_error)

    told = (Reason(f"{document.point}.{line.name}", 1.0, line.reason),) if line and document.tell_line else ()
    ranked = sorted([(-abs(amount), name) for name, amount in contributions.items()])[: document.reasons_shown]
    reasons = [Reason(name, signals[name].score or 0.0, signals[name].reason) for _, name in ranked]
    return Decision(
        verdict=verdict,
        score=score,
        log_odds=log_odds,
        reasons=(*told, *ruled.reasons, *reasons),
        policy=policy.label,
        line=line.name if line else "",
        obligations=[*(line.obligations if line else ()), *ruled.obligations],
        contributions=contributions,
        failed=failed,
        hits=ruled.hits,
        shadow=ruled.shadow,
        broken=ruled.broken,
    )


def consult(
    values: Values, detectors: Sequence[Detector[Any]], known: Mapping[str, Signal | None] = {}
) -> tuple[dict[str, Signal], tuple[str, ...]]:
    """Every detector's signal, in their order, and the names of those that broke or gave a score outside [0, 1]."""
    signals: dict[str, Signal] = {}
    failed: list[str] = []
    for detector in detectors:
        name = detector.name
        if known and name in known:
            signals[name] = known[name] or SILENT
            continue
        try:
            signal = detector.judge(values)
            score = signal.score
            if score is not None and not 0.0 <= score <= 1.0:
                raise ValueError(f"score {score} is outside 0..1")
        except Exception:  # one detector's fault must not take the others down; it is named in the decision and counted
            failed.append(name)
            signal = Signal(None, "This detector failed on the message.")
        signals[name] = signal
    # What broke while measuring is known from the values alone, so that a replay sees it too.
    broken: Value = values.get("engine.broken")
    if isinstance(broken, list):
        failed.extend(str(name) for name in broken if str(name) not in failed)
    return signals, tuple(failed)
