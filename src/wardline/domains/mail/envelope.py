"""The decision point of the envelope: what to do with a sender before the message comes (an event of type mail.envelope).

    {"id": "01K…", "type": "mail.envelope", "occurred_at": "…", "entities": {"ip": "192.0.2.7"},
     "fields": {"mail_from": "a@example.com", "rcpt": "b@example.net", "helo": "mx.example.com"}}

A small decision: reputation of the client's network and of the sender's history with this recipient, and the operator's lists. It counts
nothing itself: the message, should it come, is counted by mail.in. It is also what a mail server's policy service asks at RCPT time.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from wardline.base.metrics import Metrics
from wardline.base.privacy import Pseudonyms
from wardline.domains.mail.naming import mailbox, network_of
from wardline.domains.mail.records import MailEvent, unpack
from wardline.domains.mail.states import ROLES, MailStates
from wardline.engine.decision import Reason, judge
from wardline.engine.detector import Detector
from wardline.engine.door import Answer, EventError, Pending
from wardline.engine.event import Event
from wardline.engine.feature import Value
from wardline.engine.operators.administration import Administration
from wardline.engine.policy import Policy
from wardline.engine.record import Record
from wardline.engine.states.shard import Shard
from wardline.engine.walk.noted import note_event

POINT = "mail.envelope"
# The detectors that have something to say without a message.
DETECTORS = ("lists", "reputation")
FIELD_LIMIT = 320


class EnvelopeDecision(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The journal body of one envelope decision."""

    id: str
    time_s: int
    values: dict[str, Value]
    verdict: str
    score: float
    log_odds: float
    line: str
    reasons: tuple[Reason, ...]
    policy: str
    policy_digest: str
    keys: dict[str, str] = {}


# A body of a few hundred bytes stays as it is: packing halves it, and takes longer than the whole judgement.
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(EnvelopeDecision)


class EnvelopePoint:
    """See the module. An EventDoor."""

    types = frozenset({POINT})
    played = types
    notes: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        shard: Shard,
        pseudonyms: Pseudonyms,
        policy: Policy,
        policy_digest: str,
        detectors: Sequence[Detector[Any]],
        counters: MailStates,
        administration: Administration,
        metrics: Metrics,
    ) -> None:
        self.shard = shard
        self.pseudonyms = pseudonyms
        self.policy = policy
        self.policy_digest = policy_digest
        self.detectors = tuple(detector for detector in detectors if detector.name in DETECTORS)
        self.counters = counters
        self.administration = administration
        self.metrics = metrics

    def note(self, event: Event) -> Pending:
        """Record an envelope that was decided elsewhere: nothing reads it yet."""
        return note_event(event, self.shard, self.pseudonyms)

    def admit(self, event: Event) -> Pending:
        """Decide one envelope; its record is on its way to the disk when this returns."""
        started_s = time.perf_counter()
        first = self.shard.journal.find_id("decision", event.id)
        if first is not None and first.point == POINT:
            # A second answer promises as much as the first.
            return Pending(_answer(_body_of(first)), self.shard.journal.receipt(first.seq), repeated=True)
        ip, mail_from, recipient = event.entities.get("ip", ""), _text(event, "mail_from"), _text(event, "rcpt")
        network = network_of(ip)
        if ip and not network:
            raise EventError("entities.ip: not an IP address; give it as 192.0.2.7 or 2001:db8::7")
        now_s = self.shard.clock.now_us() // 1_000_000
        sender, recipient = mailbox(mail_from), mailbox(recipient)
        keys = {}
        if network:
            keys["network"] = self.pseudonyms.of("network", network)
        if mail_from and recipient:
            keys["pair"] = self.pseudonyms.of("pair", f"{sender}\0{recipient}")
        read = self.counters.read(MailEvent(id=event.id, time_s=now_s, keys=keys))
        values: dict[str, Value] = {f"sender.{role}": read[f"sender.{role}"] for role in ROLES}
        values["sender.first_contact"] = read["sender.first_contact"]
        values["sender.proven"] = []
        values.update(self._lists(ip, sender, now_s))
        decision = judge(values, self.detectors, self.policy)
        body = EnvelopeDecision(
            id=event.id,
            time_s=now_s,
            values=values,
            verdict=decision.verdict,
            score=decision.score,
            log_odds=decision.log_odds,
            line=decision.line,
            reasons=decision.reasons,
            policy=decision.policy,
            policy_digest=self.policy_digest,
            keys=keys,
        )
        subject = self.pseudonyms.of("recipient", recipient) if recipient else ""
        receipt = self.shard.write(
            "decision", event.id, point=POINT, body=_encoder.encode(body), subject=subject, keys=(subject,) if subject else ()
        )
        return Pending(_answer(body), receipt, started_s, self._count)

    def _count(self, verdict: str, seconds: float) -> None:
        self.metrics.decided(POINT, verdict, seconds)

    def _lists(self, ip: str, sender: str, now_s: int) -> dict[str, Value]:
        """A client may be allowed or blocked; an envelope sender proves nothing, so it can only be blocked."""
        if not self.administration.entries:
            return {"list.allow": [], "list.block": []}
        found: dict[str, list[Any]] = {"allow": [], "block": []}
        identities = [
            ("ip", ip),
            ("domain", sender.rpartition("@")[2]),
            ("address", self.pseudonyms.of("recipient", sender)),
        ]
        for kind, value in identities:
            for entry in self.administration.matches(kind, value, now_s) if value else ():
                if entry.list == "block" or kind == "ip":
                    found[entry.list].append(entry.id)
        for entry in self.administration.covering(ip, now_s):
            found[entry.list].append(entry.id)
        return {"list.allow": found["allow"][:16], "list.block": found["block"][:16]}


def _body_of(record: Record) -> EnvelopeDecision:
    """The body of an envelope's record. Those of older versions were packed; a MessagePack array never begins as zlib's data does (RFC 1950)."""
    return unpack(record.body, EnvelopeDecision) if record.body[0] & 0x0F == 8 and record.body[0] < 0x80 else _decoder.decode(record.body)


def _text(event: Event, name: str) -> str:
    value = event.fields.get(name, "")
    if not isinstance(value, str) or len(value) > FIELD_LIMIT:
        raise EventError(f"fields.{name}: a text of at most {FIELD_LIMIT} characters is needed")
    return value


def _answer(body: EnvelopeDecision) -> Answer:
    return Answer(id=body.id, verdict=body.verdict, score=body.score, reasons=list(body.reasons), policy=body.policy, model="none")
