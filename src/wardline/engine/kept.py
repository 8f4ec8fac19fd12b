"""What the journal keeps of an event and of its decision: the bodies of an event domain's records.

    KeptEvent(id="01K…", type="login.outcome", occurred_us=1795253400125000, facts={"account": "account:5f…", "result": "success"})
    KeptDecision(id="01K…", type="login", occurred_us=…, facts={…}, read={"failures_10m": 3}, verdict="challenge", …)

One record holds an event together with its decision, so that neither can be durable without the other: record kind "decision" where
somebody decided, "event" where nobody did (outcomes, sessions). Both begin with the same fields, and states read no further than these.
`facts` are the event as the domain's intake flattened it, identifiers already pseudonyms, looked-up values (network, country) included, so
that a replay needs no source. `read` are the counters as they stood before the event counted. Packed as MessagePack arrays.
"""

from typing import Any, TypeVar

import msgspec

from wardline.engine.decision import Reason
from wardline.engine.feature import Value
from wardline.engine.record import Record

BODY_LIMIT_BYTES = 64 * 1024
# Points whose records have a form of their own.
FOREIGN = ("mail.",)


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An event. occurred_us: event time in microseconds since the epoch, as its sender stated it."""

    id: str
    type: str
    occurred_us: int
    facts: dict[str, Value]


class KeptDecision(KeptEvent, frozen=True, kw_only=True, array_like=True):
    """An event and what was decided: `read` and `facts` are what it was judged on; `hits` are the live rules that matched, `shadow` those
    that would have acted had they been live; `policy_digest` names the exact rules and lines (engine.rules.running), `reasons` are as told."""

    read: dict[str, Value]
    verdict: str
    score: float
    log_odds: float = 0.0
    line: str = ""
    reasons: tuple[Reason, ...] = ()
    policy: str = ""
    policy_digest: str = ""
    obligations: list[dict[str, Any]] = []
    hits: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    mode: str = ""


class Opened(Record, frozen=True, array_like=True):
    """A record whose event was read already, once for all states that ask for it: what `opened` gives."""

    kept: KeptEvent | None = None


Kept = TypeVar("Kept", bound=KeptEvent)

_encoder = msgspec.msgpack.Encoder()
_event = msgspec.msgpack.Decoder(KeptEvent)
_decision = msgspec.msgpack.Decoder(KeptDecision)


def pack(kept: KeptEvent) -> bytes:
    """The record's body. Raises ValueError when it is larger than a record of this kind may be."""
    body = _encoder.encode(kept)
    if len(body) > BODY_LIMIT_BYTES:
        raise ValueError(
            f"an event takes {len(body)} bytes in the journal; at most {BODY_LIMIT_BYTES} are kept: send fewer or shorter fields"
        )
    return body


def opened(record: Record) -> Opened:
    """The same record with its event read: whoever hands it to many states spares all but the first the reading."""
    return Opened(
        record.seq,
        record.shard,
        record.kind,
        record.id,
        record.time_us,
        record.point,
        record.subject,
        record.keys,
        record.schema_version,
        record.body,
        kept_record(record),
    )


def kept_event(record: Record) -> KeptEvent | None:
    """The event of a record of either kind, its decision not asked for; None for a record that holds something else."""
    return record.kept if isinstance(record, Opened) else _read(_event, record)


def kept_decision(record: Record) -> KeptDecision | None:
    """The decision of a record; None for one that holds none."""
    if isinstance(record, Opened):
        return record.kept if isinstance(record.kept, KeptDecision) else None
    return _read(_decision, record) if record.kind == "decision" else None


def kept_record(record: Record) -> KeptEvent | None:
    """The event of a record of either kind, with its decision where it holds one."""
    return record.kept if isinstance(record, Opened) else kept_decision(record) or kept_event(record)


def _read(decoder: "msgspec.msgpack.Decoder[Kept]", record: Record) -> Kept | None:
    if record.kind not in ("event", "decision") or not record.point or record.point.startswith(FOREIGN):
        return None
    try:
        return decoder.decode(record.body)
    except msgspec.DecodeError:
        return None
