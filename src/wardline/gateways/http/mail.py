"""Mail over HTTP: check, explain, learn, and finding a decision again.

POST /v1/mail/check?client_ip=192.0.2.7&mail_from=a@example.com&rcpt=b@example.net      body: the message, message/rfc822
POST /v1/mail/learn?label=spam&user=b@example.net
GET  /v1/decisions?recipient=b@example.net&around=2026-11-21T09:30:00Z
"""

import hashlib
import ipaddress
from datetime import UTC, datetime

import msgspec

from wardline.domains.mail.door import LearnAnswer, MailAnswer
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.explain import Explainer, Explanation
from wardline.domains.mail.learn import Learner
from wardline.domains.mail.point import MailPoint
from wardline.engine.decision import Reason
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Parameter, Route

RECIPIENTS_LIMIT = 1_000
TEXT_LIMIT = 1_024

ENVELOPE = (
    Parameter("client_ip", "IP address of the sending host"),
    Parameter("helo", "the name it gave in HELO or EHLO"),
    Parameter("mail_from", "envelope sender"),
    Parameter("rcpt", "envelope recipient; repeat it for more"),
    Parameter("user", "the authenticated user who sends, for outgoing mail"),
    Parameter("queue_id", "the mail server's queue id, to find the decision again"),
)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a check. score: 0 benign … 1 abusive, calibrated. action: what a gateway should do in the present mode."""

    id: str
    verdict: str
    score: float
    reasons: list[Reason]
    policy: str
    model: str
    ms: float
    mode: str
    action: str
    recipients: dict[str, str] = {}
    authentication: str = ""
    reply: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One decision in a list of found ones."""

    id: str
    time: str
    verdict: str
    score: float
    mode: str
    action: str
    line: str
    reasons: list[Reason]


class FoundList(msgspec.Struct, frozen=True):
    """Decisions, newest or nearest first."""

    decisions: list[Found]


def checked(answer: MailAnswer) -> Checked:
    """The public form of a mail answer."""
    return Checked(
        id=answer.id,
        verdict=answer.verdict,
        score=answer.score,
        reasons=list(answer.reasons),
        policy=answer.policy,
        model=answer.model,
        ms=answer.ms,
        mode=answer.mode,
        action=answer.action,
        recipients=dict(answer.recipients),
        authentication=answer.authentication,
        reply=answer.reply,
    )


class MailRoutes:
    """The mail part of the HTTP API."""

    def __init__(self, point: MailPoint, learner: Learner, explainer: Explainer, body_limit_bytes: int) -> None:
        self.point = point
        self.learner = learner
        self.explainer = explainer
        self.body_limit_bytes = body_limit_bytes

    def routes(self) -> list[Route]:
        """What mail offers."""
        label = Parameter("label", "spam or ham", required=True)
        user = Parameter("user", "who says so; without it the site says so")
        find = (
            Parameter("queue_id", "the mail server's queue id"),
            Parameter("message_id", "the Message-ID"),
            Parameter("recipient", "the recipient's address"),
            Parameter("around", "with recipient: a time, RFC 3339; one hour either way"),
        )
        return [
            Route(
                "POST",
                "/v1/mail/check",
                "decide",
                "Judge one message and record the decision",
                self.check,
                ENVELOPE,
                "message/rfc822",
                Checked,
            ),
            Route(
                "POST",
                "/v1/mail/explain",
                "read",
                "Explain a message without recording anything",
                self.explain_raw,
                ENVELOPE,
                "message/rfc822",
                Explanation,
            ),
            Route(
                "POST",
                "/v1/mail/learn",
                "learn",
                "Learn that a message is spam or ham",
                self.learn,
                (label, user),
                "message/rfc822",
                LearnAnswer,
            ),
            Route("POST", "/v1/mail/unlearn", "learn", "Take a label back", self.unlearn, (user,), "message/rfc822", LearnAnswer),
            Route("GET", "/v1/decisions/{id}", "read", "Explain one recorded decision", self.explain_id, answer=Explanation),
            Route("GET", "/v1/decisions", "read", "Find decisions: where is my mail?", self.find, find, answer=FoundList),
        ]

    async def check(self, exchange: Exchange) -> None:
        """POST /v1/mail/check."""
        envelope = envelope_of(exchange.query())
        raw = await exchange.body(self.body_limit_bytes)
        key = exchange.headers.get(b"idempotency-key", b"")
        # The caller's key becomes an id of ours by hashing, so that it can be any text and tells nothing.
        decision_id = "k" + hashlib.blake2b(key[:512], digest_size=16).hexdigest() if key else ""
        answer = await self.point.decide(raw, envelope, source="http", decision_id=decision_id)
        await exchange.json(checked(answer))

    async def explain_raw(self, exchange: Exchange) -> None:
        """POST /v1/mail/explain."""
        envelope = envelope_of(exchange.query())
        raw = await exchange.body(self.body_limit_bytes)
        await exchange.json(self.explainer.fresh(raw, envelope))

    async def explain_id(self, exchange: Exchange) -> None:
        """GET /v1/decisions/{id}."""
        found = self.explainer.stored(exchange.values["id"][:64])
        if found is None:
            raise Problem(404, "no decision has this id; it may be older than the store keeps, or erased")
        await exchange.json(found)

    async def find(self, exchange: Exchange) -> None:
        """GET /v1/decisions."""
        query = {name: values[-1][:TEXT_LIMIT] for name, values in exchange.query().items()}
        wanted = [name for name in ("queue_id", "message_id", "recipient") if query.get(name)]
        if len(wanted) != 1:
            raise Problem(400, "give exactly one of queue_id, message_id and recipient")
        around = _time(query["around"]) if query.get("around") else None
        found = self.explainer.find(
            queue_id=query.get("queue_id", ""),
            message_id=query.get("message_id", ""),
            recipient=query.get("recipient", ""),
            around_s=around,
        )
        decisions = [
            Found(
                id=item.id,
                time=datetime.fromtimestamp(item.time_s, UTC).isoformat(),
                verdict=item.verdict,
                score=item.score,
                mode=item.mode,
                action=item.action,
                line=item.line,
                reasons=list(item.reasons),
            )
            for item in found
        ]
        await exchange.json(FoundList(decisions))

    async def learn(self, exchange: Exchange) -> None:
        """POST /v1/mail/learn."""
        query = exchange.query()
        label = query.get("label", [""])[-1]
        if label not in ("spam", "ham"):
            raise Problem(422, "label: spam or ham is needed, as in ?label=spam")
        raw = await self._message(exchange)
        await exchange.json(await self.learner.learn(raw, abusive=label == "spam", subject=_user(query), source="http"))

    async def unlearn(self, exchange: Exchange) -> None:
        """POST /v1/mail/unlearn."""
        query = exchange.query()
        raw = await self._message(exchange)
        await exchange.json(await self.learner.unlearn(raw, subject=_user(query), source="http"))

    async def _message(self, exchange: Exchange) -> bytes:
        raw = await exchange.body(self.body_limit_bytes)
        if not raw.strip():
            raise Problem(422, "the body is empty; send the message as it was received, headers and all")
        return raw


def envelope_of(query: dict[str, list[str]]) -> Envelope:
    """The envelope that the query describes; Problem 422 for a value that cannot be one."""
    last = {name: values[-1][:TEXT_LIMIT] for name, values in query.items() if values}
    client_ip = last.get("client_ip", "")
    if client_ip:
        try:
            client_ip = str(ipaddress.ip_address(client_ip))
        except ValueError:
            raise Problem(422, "client_ip: not an IP address; give it as 192.0.2.7 or 2001:db8::7") from None
    recipients = query.get("rcpt", [])
    if len(recipients) > RECIPIENTS_LIMIT:
        raise Problem(422, f"rcpt: {len(recipients)} recipients; at most {RECIPIENTS_LIMIT} fit one request: send the message in several")
    return Envelope(
        client_ip=client_ip,
        helo=last.get("helo", ""),
        mail_from=last.get("mail_from", ""),
        recipients=tuple(address[:TEXT_LIMIT] for address in recipients),
        authenticated_user=last.get("user", ""),
        queue_id=last.get("queue_id", ""),
    )


def _user(query: dict[str, list[str]]) -> str:
    return query.get("user", [""])[-1][:TEXT_LIMIT]


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise Problem(422, "around: not a time; give it as 2026-11-21T09:30:00Z") from None
