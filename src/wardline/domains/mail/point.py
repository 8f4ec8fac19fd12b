"""The decision point of incoming mail: the walk of one message, as every gateway asks for it.

answer = await point.decide(raw, Envelope(…), source="milter")

examine    what the message says by itself (pure; off the loop when the message is large)
admit      its place in the journal; counters, lists and models read as of that place; then it is counted
gather     DNS answers within the deadline, recorded like every other value
judge      the stored values to a verdict (engine.decision)
record     event and decision durable, then the answer
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.domains.mail.actions import action_for, reply_for
from wardline.domains.mail.counted import facts_of
from wardline.domains.mail.door import MailAnswer
from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.examine import Examined, Settings, examine
from wardline.domains.mail.naming import Names, mailbox
from wardline.domains.mail.prepared import Prepared
from wardline.domains.mail.records import MailDecision, MailEvent, pack, unpack
from wardline.domains.mail.sender import authentication
from wardline.domains.mail.sender.authentication import Authentication
from wardline.domains.mail.states import POINT, MailStates
from wardline.domains.mail.text.state import SITE_SUBJECT, TextState
from wardline.domains.mail.values import RECIPIENT
from wardline.engine.counting.counters import Counters
from wardline.engine.decision import Decision, judge
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value
from wardline.engine.operators.administration import Act, Administration, Held
from wardline.engine.policy import Policy
from wardline.engine.rules.roster import PointRules
from wardline.engine.rules.running import Running
from wardline.engine.signal import Signal, log_odds
from wardline.engine.states.shard import Shard
from wardline.engine.store.receipt import Receipt
from wardline.sources.resolver import Resolver

# Above this a message is examined off the event loop, so that a large one does not hold up the small ones.
INLINE_LIMIT_BYTES = 48 * 1024
RECIPIENTS_JUDGED = 100
ANSWERS_LIMIT_BYTES = 8 * 1024
# A kept body travels in one journal record; a larger message is judged like any other and not kept.
KEPT_BODY_LIMIT_BYTES = 900 * 1024


class MailPoint:
    """See the module. One per program; its calls belong to the loop that owns the shard."""

    def __init__(
        self,
        *,
        shard: Shard,
        ids: Ids,
        names: Names,
        policy: Policy,
        rules: PointRules,
        detectors: Sequence[Detector[Mail]],
        settings: Settings,
        counters: MailStates,
        event_counters: Counters,
        text: TextState,
        administration: Administration,
        resolver: Resolver,
        authentication_settings: authentication.Settings,
        metrics: Metrics,
        default_mode: str = "observe",
        hold_seconds: int = 14 * 86_400,
        host_name: str = "",
        keep_bodies: bool = False,
    ) -> None:
        self.shard = shard
        self.ids = ids
        self.names = names
        self.policy = policy
        self.rules = rules
        self.detectors = tuple(detectors)
        self.settings = settings
        self.counters = counters
        self.event_counters = event_counters
        self.text = text
        self.administration = administration
        self.resolver = resolver
        self.authentication_settings = authentication_settings
        self.metrics = metrics
        self.default_mode = default_mode
        self.hold_seconds = hold_seconds
        self.host_name = host_name
        self.keep_bodies = keep_bodies
        self.junk_log_odds = log_odds(policy.threshold_score)
        # What else learns from a message once it is decided (unlabelled.py).
        self.afterwards: Callable[[Examined, Envelope, str], None] | None = None
        # Ids of callers' own that are being decided at this moment.
        self._deciding: dict[str, asyncio.Event] = {}
        self.counts: dict[str, int] = {"scanned": 0, "learned_spam": 0, "learned_ham": 0}

    @property
    def mode(self) -> Any:
        """observe, tag or enforce, as it stands now."""
        return self.administration.mode(POINT, self.default_mode)

    async def examine(self, raw: bytes, envelope: Envelope) -> Examined:
        """What the message says by itself."""
        if len(raw) <= INLINE_LIMIT_BYTES:
            return examine(raw, envelope, self.settings, self.detectors)
        return await asyncio.to_thread(examine, raw, envelope, self.settings, self.detectors)

    async def decide(
        self, raw: bytes, envelope: Envelope, *, source: str, size_bytes: int | None = None, decision_id: str = ""
    ) -> MailAnswer:
        """Judge one message and make the decision durable. `decision_id`: the caller's own id; a repeated one gets the first answer."""
        started = time.perf_counter()
        if not decision_id:
            examined = await self.examine(raw, envelope)
            return await self.decide_examined(examined, raw, envelope, source=source, started=started, size_bytes=size_bytes)
        # Whoever sends the same id while the first is at work waits for it: two decisions under one id would be two answers.
        while (before := self._deciding.get(decision_id)) is not None:
            await before.wait()
        if first := await self._first(decision_id):
            return self.answer_again(first, envelope)
        done = self._deciding[decision_id] = asyncio.Event()
        try:
            examined = await self.examine(raw, envelope)
            return await self.decide_examined(
                examined, raw, envelope, source=source, started=started, decision_id=decision_id, size_bytes=size_bytes
            )
        finally:
            del self._deciding[decision_id]
            done.set()

    async def _first(self, decision_id: str) -> MailDecision | None:
        """The decision under a repeated id, durable before it is told again."""
        record = self.shard.journal.find_id("decision", decision_id)
        if record is None or record.point != POINT:
            return None
        await self.shard.journal.receipt(record.seq)
        return unpack(record.body, MailDecision)

    async def decide_examined(
        self,
        examined: Examined,
        raw: bytes,
        envelope: Envelope,
        *,
        source: str,
        started: float,
        decision_id: str = "",
        size_bytes: int | None = None,
    ) -> MailAnswer:
        """The rest of the walk for a message that was examined elsewhere."""
        answer, receipt = await self.decide_prepared(
            Prepared(examined), raw, envelope, source=source, started=started, decision_id=decision_id, size_bytes=size_bytes
        )
        await receipt
        return self.decided(answer, examined, envelope, source=source, started=started)

    def decided(self, answer: MailAnswer, examined: Examined, envelope: Envelope, *, source: str, started: float) -> MailAnswer:
        """Once the record is durable: the answer as it is told. Counted here, and what else learns from the message gets it."""
        answer = msgspec.structs.replace(answer, ms=_ms_since(started))
        self.counts["scanned"] += 1
        self.metrics.decided(POINT, answer.verdict, time.perf_counter() - started)
        if self.afterwards:
            asyncio.get_running_loop().call_soon(self.afterwards, examined, envelope, source)
        return answer

    async def decide_prepared(
        self,
        prepared: Prepared,
        raw: bytes,
        envelope: Envelope,
        *,
        source: str,
        started: float,
        decision_id: str = "",
        size_bytes: int | None = None,
    ) -> tuple[MailAnswer, Receipt]:
        """The walk up to the record. Once the receipt is durable the answer goes through `decided`, and may be told; one wait can serve many."""
        examined = prepared.examined
        event = self._event(decision_id or self.ids.new(), examined, envelope, source)
        subject = self._subject(envelope)
        running = self.rules.now()
        values = self._admit(event, prepared, running, size_bytes, subject)
        authenticated = await self._gather(values, raw, examined, envelope)
        # A gateway that cut the message changes values that were measured.
        known = dict(prepared.signals) if size_bytes is None else {}
        if known and authenticated.values == authentication.nothing(authentication.OFF):
            known.update(prepared.unproven)
        verdict, decision, stricter = self._judge(values, examined, envelope, running, known)
        return self._record(event, values, decision, running, verdict, stricter, examined, envelope, raw, authenticated)

    def _subject(self, envelope: Envelope) -> str:
        """Whose record it is: the one recipient's. Mail to several has no single subject; forgetting one of them removes their key from it."""
        return self.names.recipient(envelope.recipients[0]) if len(envelope.recipients) == 1 else ""

    def _event(self, event_id: str, examined: Examined, envelope: Envelope, source: str) -> MailEvent:
        return MailEvent(
            id=event_id,
            time_s=self.shard.clock.now_us() // 1_000_000,
            site=envelope.site,
            direction=envelope.direction,
            source=source,
            size_bytes=examined.size_bytes,
            near=examined.near,
            keys=self.names.roles(examined, envelope),
        )

    def _admit(self, event: MailEvent, prepared: Prepared, running: Running, size_bytes: int | None, subject: str) -> dict[str, Value]:
        """Read before write: the values as of the event's place, then the event counts for those that come after."""
        examined = prepared.examined
        values = dict(examined.values)
        values.update(self.counters.read(event))
        values.update(self.text.read(examined.features, (prepared.starter, prepared.starter_log_odds)))
        facts, now_us = facts_of(event), event.time_s * 1_000_000
        if running.acting:  # what rules read besides; stored with the decision, so that a replay reads the same
            values.update({name: value for name, value in facts.items() if name not in values})
            counted = self.event_counters.read(POINT, now_us, facts) if running.counters else {}
            values.update({name: counted.get(name) for name in running.counters})
        if size_bytes is not None and size_bytes > examined.size_bytes:
            values["mail.size_bytes"] = size_bytes
            limits: list[Scalar] = ["gateway_size", *examined.limits]
            values["mail.limits"] = limits[:16]

        def count(seq: int) -> None:
            self.counters.absorb(seq, event)
            self.event_counters.absorb(seq, POINT, now_us, facts)

        receipt = self.shard.write("event", event.id, point=POINT, body=pack(event), subject=subject, apply=count)
        values["engine.event_seq"] = receipt.seq
        return values

    async def _gather(self, values: dict[str, Value], raw: bytes, examined: Examined, envelope: Envelope) -> Authentication:
        """Authentication within the deadline; then only proven names keep what was read for them, and lists are matched."""
        now_s = self.shard.clock.now_us() // 1_000_000
        limits = values.get("mail.limits")
        whole = not (isinstance(limits, list) and "gateway_size" in limits)
        try:
            found = await authentication.verify(raw, envelope, self.resolver, settings=self.authentication_settings, now=now_s, whole=whole)
        except Exception:  # ours, or made to break us: who sent it is not known then, and the rest of the message is judged all the same
            self.metrics.failed("authentication")
            found = Authentication(values=authentication.nothing("failed"))
        values.update(found.values)
        spf_ok = values.get("auth.spf") == "pass"
        passed = values.get("auth.dkim_domains")
        dkim_ok = isinstance(passed, list) and bool(examined.dkim_domains) and examined.dkim_domains[0] in passed
        if not spf_ok:
            values["sender.spf_domain"] = None
        if not dkim_ok:
            values["sender.dkim_domain"] = None
        values["sender.proven"] = [role for role, ok in (("spf_domain", spf_ok), ("dkim_domain", dkim_ok)) if ok]
        values.update(self._lists(values, examined, envelope))
        return found

    def _lists(self, values: Mapping[str, Value], examined: Examined, envelope: Envelope) -> dict[str, Value]:
        """Entries of the allow and block lists that match an authenticated identity. A bare From can be blocked, never allowed."""
        if not self.administration.entries:
            return {"list.allow": [], "list.block": []}
        now_s = self.shard.clock.now_us() // 1_000_000
        proven: set[str] = set()
        # Both readings of From must name the same sender: what was proven of one domain must not open the door to another.
        if values.get("auth.aligned") is True and examined.senders == 1 and values.get("auth.from_domain") == examined.from_domain:
            proven.add(examined.from_domain)
        passed = values.get("auth.dkim_domains")
        proven.update(str(domain) for domain in (passed if isinstance(passed, list) else ()))
        found: dict[str, list[Any]] = {"allow": [], "block": []}
        identities = [("domain", domain) for domain in {*proven, examined.from_domain} if domain]
        identities += [("address", self.names.recipient(examined.sender))] if examined.sender else []
        identities += [("ip", envelope.client_ip)] if envelope.client_ip else []
        identities += [("user", self.names.recipient(envelope.authenticated_user))] if envelope.authenticated_user else []
        for kind, value in identities:
            for entry in self.administration.matches(kind, value, now_s):
                authenticated = kind in ("ip", "user") or value in proven or (kind == "address" and examined.from_domain in proven)
                if entry.list == "block" or authenticated:
                    found[entry.list].append(entry.id)
        for entry in self.administration.covering(envelope.client_ip, now_s):
            found[entry.list].append(entry.id)
        return {"list.allow": found["allow"][:16], "list.block": found["block"][:16]}

    def _judge(
        self, values: dict[str, Value], examined: Examined, envelope: Envelope, running: Running, known: Mapping[str, Signal | None]
    ) -> tuple[str, Decision, dict[str, str]]:
        """One decision for the message, and the recipients whose own offset makes theirs stricter. The mildest is the SMTP answer."""
        recipients = envelope.recipients[:RECIPIENTS_JUDGED]
        offsets = {address: self.text.offset(self.names.recipient(address), examined.features) for address in recipients}
        distinct = sorted(set(offsets.values())) or [0.0]
        decisions: dict[float, Decision] = {}
        if running.acting:  # whom a canary takes its share of; stored, so that a replay chooses the same
            values[RECIPIENT] = self._subject(envelope) or None
        for offset in distinct:
            decisions[offset] = judge({**values, "text.user_offset": offset}, self.detectors, self.policy, running, known)
        mildest = min(distinct, key=lambda offset: (self.policy.severity[decisions[offset].verdict], decisions[offset].log_odds))
        values["text.user_offset"] = mildest
        chosen = decisions[mildest]
        for name in chosen.failed:
            self.metrics.failed(name)
        stricter = {
            address: decisions[offset].verdict
            for address, offset in offsets.items()
            if self.policy.severity[decisions[offset].verdict] > self.policy.severity[chosen.verdict]
        }
        return chosen.verdict, chosen, stricter

    def _record(
        self,
        event: MailEvent,
        values: dict[str, Value],
        decision: Decision,
        running: Running,
        verdict: str,
        stricter: dict[str, str],
        examined: Examined,
        envelope: Envelope,
        raw: bytes,
        authenticated: Authentication,
    ) -> tuple[MailAnswer, Receipt]:
        mode = self.mode
        action = action_for(verdict, mode)
        self.counts[f"action.{action}"] = self.counts.get(f"action.{action}", 0) + 1
        proven = values.get("sender.proven")
        body = MailDecision(
            id=event.id,
            event_seq=int(str(values["engine.event_seq"])),
            time_s=event.time_s,
            values=values,
            verdict=verdict,
            score=decision.score,
            log_odds=decision.log_odds,
            line=decision.line,
            reasons=decision.reasons,
            policy=decision.policy,
            policy_digest=running.digest,
            model=self.text.label,
            mode=mode,
            action=action,
            recipients={self.names.recipient(address): stricter[address] for address in list(stricter)[:40]},
            queue_id=envelope.queue_id[:64] if action == "quarantine" else "",
            keys=event.keys,
            proven=tuple(str(role) for role in proven) if isinstance(proven, list) else (),
            near=event.near,
            answers=_bounded_answers(authenticated, envelope),
            hits=decision.hits,
            shadow=decision.shadow,
        )
        receipt = self.shard.write(
            "decision",
            event.id,
            point=POINT,
            body=pack(body),
            subject=self._subject(envelope),
            keys=self.names.lookups(examined, envelope),
            apply=lambda seq: self.counters.absorb(seq, body),
        )
        self.rules.decided(receipt.seq, decision)
        if self.keep_bodies and raw and len(raw) <= KEPT_BODY_LIMIT_BYTES:
            receipt = self.shard.journal.vault.put(self._subject(envelope) or SITE_SUBJECT, "body", event.id, raw) or receipt
        if action == "quarantine":
            receipt = self._hold(event, envelope, decision)
        return self._answer(body, decision, stricter, authenticated), receipt

    def _hold(self, event: MailEvent, envelope: Envelope, decision: Decision) -> Any:
        holder = "mail server" if envelope.queue_id else "caller"
        reason = decision.line or ",".join(decision.failed)
        held = Held(
            id=event.id,
            holder=holder,
            queue_id=envelope.queue_id[:64],
            since_s=event.time_s,
            expires_s=event.time_s + self.hold_seconds,
            reason=reason,
        )
        act = Act(op="hold", actor="policy", point=POINT, held=held)
        return self.shard.write(
            "audit",
            self.ids.new(),
            point="administration",
            body=msgspec.msgpack.encode(act),
            apply=lambda seq: self.administration.absorb(seq, act),
        )

    def _answer(self, body: MailDecision, decision: Decision, stricter: Mapping[str, str], authenticated: Authentication) -> MailAnswer:
        return MailAnswer(
            id=body.id,
            verdict=body.verdict,
            score=body.score,
            log_odds=body.log_odds,
            junk_log_odds=self.junk_log_odds,
            reasons=decision.reasons,
            policy=body.policy,
            model=body.model,
            mode=self.mode,
            action=action_for(body.verdict, self.mode),
            recipients=stricter,
            authentication=authentication.header(body.values, self.host_name) if self.host_name else "",
            reply=reply_for(action_for(body.verdict, self.mode), body.id),
        )

    def recorded(self, decision_id: str) -> MailDecision | None:
        """A decision of this point by its id."""
        record = self.shard.journal.find_id("decision", decision_id)
        return unpack(record.body, MailDecision) if record and record.point == POINT else None

    def kept_body(self, decision_id: str) -> bytes | None:
        """The message behind a decision, where bodies are kept and it has neither expired nor been erased."""
        record = self.shard.journal.find_id("decision", decision_id)
        if record is None:
            return None
        return self.shard.journal.vault.get(record.subject or SITE_SUBJECT, "body", decision_id)

    def answer_again(self, body: MailDecision, envelope: Envelope = Envelope()) -> MailAnswer:
        """The first answer to an id, once more; stricter recipients are named as far as the repeated envelope names them."""
        asked = envelope.recipients[:RECIPIENTS_JUDGED] if body.recipients else ()
        stricter = {address: body.recipients.get(self.names.recipient(address), "") for address in asked}
        return MailAnswer(
            id=body.id,
            verdict=body.verdict,
            score=body.score,
            log_odds=body.log_odds,
            junk_log_odds=self.junk_log_odds,
            reasons=body.reasons,
            policy=body.policy,
            model=body.model,
            mode=body.mode,  # type: ignore[arg-type]
            action=body.action,  # type: ignore[arg-type]
            recipients={address: verdict for address, verdict in stricter.items() if verdict},
            authentication=authentication.header(body.values, self.host_name) if self.host_name else "",
            reply=reply_for(body.action, body.id),  # type: ignore[arg-type]
        )

    def stat(self) -> Mapping[str, int]:
        """Counters since the start, and what the text model has learned in all."""
        return {**self.counts, **self.text.stat()}


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _bounded_answers(authenticated: Authentication, envelope: Envelope) -> dict[str, list[str]]:
    """The DNS answers as they are recorded, as long as they are of a decent size together; without those whose question names a person.

    A domain's SPF record may ask for names made of the sender's mailbox or the client's address (RFC 7208 §7).
    """
    if not authenticated.answers:
        return {}
    told = _told_by(envelope)
    recorded: dict[str, list[str]] = {}
    left = ANSWERS_LIMIT_BYTES
    for key, texts in authentication.record(authenticated.answers).items():
        name = f".{key.partition(' ')[2].lower()}."
        if "@" in name or any(f".{part}." in name for part in told):
            continue
        left -= len(key) + sum(map(len, texts))
        if left < 0:
            break
        recorded[key[:300]] = texts
    return recorded


def _told_by(envelope: Envelope) -> list[str]:
    """The forms in which the sender's mailbox and the client's address can stand in a DNS name."""
    local = mailbox(envelope.mail_from).rpartition("@")[0]
    found = [local] if local else []
    try:
        pointer = ipaddress.ip_address(envelope.client_ip).reverse_pointer.rpartition(".")[0].rpartition(".")[0]
    except ValueError:
        return found
    return [*found, envelope.client_ip.lower(), pointer, ".".join(reversed(pointer.split(".")))]
