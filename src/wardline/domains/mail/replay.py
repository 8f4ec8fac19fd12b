"""Replay: the journal against itself. Two of them, both with a negative control.

    decision replay    judges the stored values again; verdict, score, line and reasons must be equal to the last bit
    feature replay     hides what the states gave, applies the records to fresh states from the first one, and compares what they would have given

A difference is named by its decision and value. A range that was erased, or that retention took, answers "not reproducible: erased" instead of
a difference. `corrupt` changes one stored value in memory before judging: a replay that does not notice it proves nothing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from wardline.domains.mail.events import Mail
from wardline.domains.mail.records import MailDecision, MailEvent, MailLabel
from wardline.domains.mail.states import MailStates, body_of
from wardline.engine.decision import Rules, judge
from wardline.engine.detector import Detector
from wardline.engine.feature import Value
from wardline.engine.policy import Policy
from wardline.engine.record import Record
from wardline.engine.walk.replay import Difference, Found

# What the counting states give an event; the rest of the values comes from the message itself, which is not kept.
STATE_VALUES = (
    "near_duplicate.count",
    "near_duplicate.spam",
    "near_duplicate.ham",
    "sender.from_domain",
    "sender.network",
    "sender.pair",
    "sender.first_contact",
)


# What a decision's digest stands for; None when it is not known any more.
PolicyOf = Callable[[str], tuple[Policy, Rules] | None]


class Report(Found, kw_only=True):
    """What a replay found; `erased`: records that cannot be replayed any more."""

    erased: int = 0


def replay(
    records: Iterable[Record],
    detectors: tuple[Detector[Mail], ...],
    policy_of: PolicyOf,
    fresh: MailStates | None,
    *,
    corrupt: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run both replays over records in order. `policy_of` gives the policy and the rules behind a digest. `fresh`: empty states when the records begin with
    the first one, None to leave the feature replay out. `corrupt`: the number of the decision (0 …) whose stored value is changed first."""
    report = Report()
    awaited: dict[int, dict[str, Value]] = {}
    for record in records:
        body = body_of(record)
        if isinstance(body, MailEvent) and fresh is not None:
            awaited[record.seq] = fresh.read(body)
        elif isinstance(body, MailDecision):
            if corrupt == report.replayed:
                body = _corrupted(body)
            _decision(report, record.seq, body, detectors, policy_of)
            _features(report, record.seq, body, awaited.pop(body.event_seq, None))
            if progress and report.replayed % 256 == 0:
                progress(report.replayed)
        if fresh is not None:
            fresh.absorb(record.seq, body if isinstance(body, MailEvent | MailDecision | MailLabel) else None)
    return report


def _decision(report: Report, seq: int, body: MailDecision, detectors: tuple[Detector[Mail], ...], policy_of: PolicyOf) -> None:
    running = policy_of(body.policy_digest)
    if running is None:
        report.unknown_policy += 1
        return
    report.replayed += 1
    policy, rules = running
    again = judge(body.values, detectors, policy, rules)
    for what, stored, now in _pairs(body, again.verdict, again.score, again.log_odds, again.line):
        if stored != now:
            report.differ(Difference(body.id, seq, what, stored, now))
            return
    if again.reasons != body.reasons:
        report.differ(
            Difference(body.id, seq, "reasons", [reason.text for reason in body.reasons], [reason.text for reason in again.reasons])
        )


def _pairs(body: MailDecision, verdict: str, score: float, log_odds: float, line: str) -> Iterator[tuple[str, Value, Value]]:
    # Floats by their exact form: nearly equal is not equal.
    yield "verdict", body.verdict, verdict
    yield "score", float.hex(body.score), float.hex(score)
    yield "log_odds", float.hex(body.log_odds), float.hex(log_odds)
    yield "line", body.line, line


def matched(record: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the operator's rules a decision's record names: (hits, shadow)."""
    body = body_of(record)
    return (body.hits, body.shadow) if isinstance(body, MailDecision) else ((), ())


def _features(report: Report, seq: int, body: MailDecision, rebuilt: Mapping[str, Value] | None) -> None:
    if rebuilt is None:
        return
    report.features_replayed += 1
    for name in STATE_VALUES:
        if body.values.get(name) != rebuilt.get(name):
            report.differ(Difference(body.id, seq, name, body.values.get(name), rebuilt.get(name)))
            return


def _corrupted(body: MailDecision) -> MailDecision:
    """The decision with stored values changed by the least there is: what one flipped bit on the disk could do."""
    values = dict(body.values)
    count = values.get("near_duplicate.count")
    values["near_duplicate.count"] = (count if isinstance(count, int) else 0) + 1
    return msgspec.structs.replace(body, values=values, log_odds=math.nextafter(body.log_odds, math.inf))
