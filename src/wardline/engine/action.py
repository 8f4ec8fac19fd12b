"""An action: an effect on an entity, with a time to live, an undo, an idempotency key and its cause.

    Action(id="01K…", kind="lock", entity="account:5f2c…", cause=Cause(kind="rule", id="login.bulk"), key="case 7", expires_us=…, …)
    Step(op="requested", id="01K…", at_us=…, action=…)       what the journal keeps: one record of kind "action" per step

An action begins and ends: the receiver is told both, and every action ends, by an undo or by its time to live. What happened to it is the sequence
of its steps; where it stands is computed from them (engine.actions.ledger).

| step | meaning |
|---|---|
| requested | to be told to the receiver |
| held | beyond its cause's cap: waits for a second person |
| approved, refused | what that person said |
| delivered | the receiver has taken the beginning or the end |
| failed | the receiver did not take it within the bounded number of tries: a dead letter |
| retried | a person sent the dead letter on its way again |
| undone, expired | it is to end: somebody took it back, or its time is over |
"""

import re
from typing import Any, Literal

import msgspec

Op = Literal["requested", "held", "approved", "refused", "delivered", "failed", "retried", "undone", "expired"]
Phase = Literal["", "begin", "end"]
CAUSES = ("decision", "rule", "case", "campaign", "person")
KIND_PATTERN = r"[a-z][a-z0-9_.]{0,31}"
KEY_LIMIT = 128
REASON_LIMIT = 320
CAUSE_LIMIT = 128
PARAMETERS_LIMIT_BYTES = 4_096
TTL_LIMIT_SECONDS = 366 * 86_400
POINT = "action"
_KIND = re.compile(KIND_PATTERN)


class ActionError(ValueError):
    """An action or an act on one that cannot be: which field, what is wrong, what to do."""


class Cause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why there is an action. kind: one of CAUSES; id: which one; by: under whose cap it falls, where that is not the cause itself (the policy
    or rule behind a decision)."""

    kind: str
    id: str
    by: str = ""

    @property
    def cap(self) -> str:
        """What the actions of one cause are counted under."""
        return f"{self.kind}:{self.by or self.id}"


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The effect as it was asked for. Times in microseconds since the epoch. actor: who asked. sealed: the entity's clear name, encrypted, for
    the receiver alone; b"" where nobody gave it."""

    id: str
    kind: str
    entity: str
    cause: Cause
    key: str
    requested_us: int
    expires_us: int
    actor: str
    reason: str = ""
    parameters: dict[str, Any] = {}
    sealed: bytes = b""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of one action. phase: of what was delivered, failed or retried. tries and error: of a dead letter."""

    op: Op
    id: str
    at_us: int
    action: Action | None = None
    phase: Phase = ""
    tries: int = 0
    error: str = ""
    actor: str = ""
    reason: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action as somebody asks for it. entity: "account:alice", {"account": "alice"}, or a pseudonym. key: the same key is the same action."""

    kind: str
    entity: Any
    ttl_seconds: int
    cause: Cause | None = None
    key: str = ""
    reason: str = ""
    parameters: dict[str, Any] = {}


def check_order(order: Order) -> None:
    """Raises ActionError for the first field that cannot be."""
    if not _KIND.fullmatch(order.kind):
        raise ActionError("kind: a word in lower case is needed that the receiver knows, such as lock, limit or challenge")
    if not 0 < order.ttl_seconds <= TTL_LIMIT_SECONDS:
        raise ActionError(f"ttl_seconds: every action ends; 1 to {TTL_LIMIT_SECONDS} (366 days) are possible")
    cause = order.cause
    if cause is None or cause.kind not in CAUSES:
        raise ActionError(f"cause: why? Its kind is one of {', '.join(CAUSES)}")
    if not 0 < len(cause.id) <= CAUSE_LIMIT or len(cause.by) > CAUSE_LIMIT:
        raise ActionError(f"cause.id: which {cause.kind}? 1 to {CAUSE_LIMIT} characters")
    if cause.kind == "decision" and not cause.by:
        raise ActionError("cause.by: the rule or policy behind the decision is needed, since its actions are capped together")
    if len(order.key) > KEY_LIMIT:
        raise ActionError(f"key: at most {KEY_LIMIT} characters")
    if len(order.reason) > REASON_LIMIT:
        raise ActionError(f"reason: at most {REASON_LIMIT} characters")
    try:
        size = len(msgspec.json.encode(order.parameters))
    except (TypeError, ValueError, RecursionError):
        raise ActionError("parameters: only what JSON can say") from None
    if size > PARAMETERS_LIMIT_BYTES:
        raise ActionError(f"parameters: {size} bytes; at most {PARAMETERS_LIMIT_BYTES}")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Step)


def pack(step: Step) -> bytes:
    """A record's body."""
    return _encoder.encode(step)


def unpack(data: bytes) -> Step:
    """The inverse of `pack`. Raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(data)
