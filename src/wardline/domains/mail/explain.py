"""Explain: everything about one decision, for the people inside.

    explanation = Explainer(point).stored("01K…")
    explanation.detectors[0]      Opinion(name="url", score=0.93, contribution=2.1, reason="…", cost_us=40.0)
    explanation.lines             which policy lines held, which did not, which could not be known
    explanation.flips             "Without url the verdict would have been allow."

Built from the stored values alone, by asking the detectors again; where this build judges them otherwise than the stored decision did, it
says so. The words that weighed most need the message itself: content is not kept.
"""

import msgspec

from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.examine import digest
from wardline.domains.mail.intake import Limits, read
from wardline.domains.mail.point import MailPoint
from wardline.domains.mail.records import MailDecision, MailEvent, unpack
from wardline.domains.mail.states import POINT
from wardline.engine.decision import consult, judge
from wardline.engine.feature import Value
from wardline.engine.record import Record
from wardline.engine.signal import probability
from wardline.protocols.mime import Limits as MimeLimits

FLIPS_SHOWN = 8
WORDS_SHOWN = 12
NO_WORDS = "none: words are weighed once mail was learned that has them (wardline learn)"
FOUND_LIMIT = 20
AROUND_SECONDS = 3600


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """One detector. score None: no opinion, and `reason` says why. contribution: its share of the log-odds. cost_us: its stated cost."""

    name: str
    score: float | None
    contribution: float
    reason: str
    cost_us: float
    evidence: dict[str, Value] = {}


class LineResult(msgspec.Struct, frozen=True, kw_only=True):
    """One policy line: its condition, and held: true, false or None (unknown). `decided` marks the line that gave the verdict."""

    name: str
    when: str
    verdict: str
    held: bool | None
    decided: bool


class Word(msgspec.Struct, frozen=True):
    """A piece of the message and what it weighed, in log-odds: positive towards abuse."""

    text: str
    weight: float
    field: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of one decision."""

    id: str
    time_s: int
    verdict: str
    score: float
    log_odds: float
    junk_log_odds: float
    policy: str
    model: str
    line: str
    mode: str
    action: str
    detectors: list[Opinion]
    lines: list[LineResult]
    flips: list[str]
    values: dict[str, Value]
    recipients: dict[str, str] = {}
    words: list[Word] = []
    words_note: str = "the words need the message itself: wardline explain FILE"
    changed: str = ""
    queue_id: str = ""


class Explainer:
    """Explains decisions of one mail point."""

    def __init__(self, point: MailPoint) -> None:
        self.point = point

    def stored(self, decision_id: str) -> Explanation | None:
        """A recorded decision; None when there is none under this id."""
        decision = self.point.recorded(decision_id)
        if decision is None:
            return None
        explanation = self._explain(decision)
        body = self.point.kept_body(decision_id)
        if body is None:
            return explanation
        mail = read(body, Envelope(), limits=Limits(mime=MimeLimits(size_bytes=self.point.settings.size_limit_bytes)))
        words = self._words(mail)
        return msgspec.structs.replace(explanation, words=words, words_note="weighed by the model of today" if words else NO_WORDS)

    def _words(self, mail: Mail) -> list[Word]:
        return [Word(text, round(weight, 3), field) for text, weight, field in self.point.text.explain(mail, WORDS_SHOWN)]

    def fresh(self, raw: bytes, envelope: Envelope) -> Explanation:
        """A message as it would be judged now; nothing is recorded or counted."""
        point = self.point
        mail = read(raw, envelope, limits=Limits(mime=MimeLimits(size_bytes=point.settings.size_limit_bytes)))
        examined = digest(mail, point.settings, point.detectors)
        now_s = point.shard.clock.now_us() // 1_000_000
        event = MailEvent(id="", time_s=now_s, near=examined.near, keys=point.names.roles(examined, envelope))
        values = {**examined.values, **point.counters.read(event), **point.text.read(examined.features), "text.user_offset": 0.0}
        running = point.rules.now()
        decision = judge(values, point.detectors, point.policy, running)
        stored = MailDecision(
            id="",
            event_seq=0,
            time_s=now_s,
            values=values,
            verdict=decision.verdict,
            score=decision.score,
            log_odds=decision.log_odds,
            line=decision.line,
            reasons=decision.reasons,
            policy=decision.policy,
            policy_digest=running.digest,
            model=point.text.label,
            mode=point.mode,
            action="",
        )
        words = self._words(mail)
        return msgspec.structs.replace(self._explain(stored), words=words, words_note="" if words else NO_WORDS)

    def find(self, *, queue_id: str = "", message_id: str = "", recipient: str = "", around_s: int | None = None) -> list[MailDecision]:
        """Decisions by queue id, by Message-ID, or by recipient around a time; newest first, at most 20."""
        names, journal = self.point.names, self.point.shard.journal
        key = names.queue(queue_id) if queue_id else names.message_id(message_id) if message_id else names.recipient(recipient)
        records: list[Record] = [record for record in journal.find_key(key, 500) if record.kind == "decision" and record.point == POINT]
        found = [unpack(record.body, MailDecision) for record in records]
        if around_s is not None:
            found = [decision for decision in found if abs(decision.time_s - around_s) <= AROUND_SECONDS]
            found.sort(key=lambda decision: abs(decision.time_s - around_s))
        else:
            found.sort(key=lambda decision: -decision.time_s)
        return found[:FOUND_LIMIT]

    def _explain(self, stored: MailDecision) -> Explanation:
        point = self.point
        signals, _failed = consult(stored.values, point.detectors)
        now = judge(stored.values, point.detectors, point.policy, point.rules.now())
        contributions = now.contributions
        opinions = [
            Opinion(
                name=detector.name,
                score=signals[detector.name].score,
                contribution=round(contributions.get(detector.name, 0.0), 4),
                reason=signals[detector.name].reason,
                cost_us=detector.cost_us,
                evidence=signals[detector.name].evidence,
            )
            for detector in point.detectors
        ]
        opinions.sort(key=lambda opinion: (-abs(opinion.contribution), opinion.name))
        changed = ""
        if (now.verdict, now.score, now.line) != (stored.verdict, stored.score, stored.line):
            changed = f"today's build and policy would say {now.verdict} ({now.score:.4f}) by line {now.line or 'none'}"
        return Explanation(
            id=stored.id,
            time_s=stored.time_s,
            verdict=stored.verdict,
            score=stored.score,
            log_odds=stored.log_odds,
            junk_log_odds=point.junk_log_odds,
            policy=stored.policy,
            model=stored.model,
            line=stored.line,
            mode=stored.mode,
            action=stored.action,
            detectors=opinions,
            lines=self._lines(stored.values, stored.score, stored.log_odds, stored.line),
            flips=self._flips(stored, contributions),
            values=dict(stored.values),
            recipients=stored.recipients,
            changed=changed,
            queue_id=stored.queue_id,
        )

    def _lines(self, values: dict[str, Value], score: float, log_odds: float, decided: str) -> list[LineResult]:
        result: dict[str, Value] = {**values, "score": score, "log_odds": log_odds, "failed": []}
        return [
            LineResult(name=line.name, when=line.when, verdict=line.verdict, held=condition.evaluate(result), decided=line.name == decided)
            for line, condition in self.point.policy.lines
        ]

    def _verdict_at(self, values: dict[str, Value], log_odds: float) -> str:
        result: dict[str, Value] = {**values, "score": probability(log_odds), "log_odds": log_odds, "failed": []}
        policy = self.point.policy
        line = policy.deciding_line(result)
        return line.verdict if line else policy.document.verdicts[0]

    def _flips(self, stored: MailDecision, contributions: dict[str, float]) -> list[str]:
        found = []
        for name in sorted(contributions, key=lambda name: -abs(contributions[name])):
            verdict = self._verdict_at(stored.values, stored.log_odds - contributions[name])
            if verdict != stored.verdict:
                found.append(f"Without {name} the verdict would have been {verdict}.")
        distance = self.point.junk_log_odds - stored.log_odds
        side = "more would have made it spam" if distance > 0 else "less would have made it wanted mail"
        found.append(f"{abs(distance):.2f} log-odds {side}.")
        return found[:FLIPS_SHOWN]
