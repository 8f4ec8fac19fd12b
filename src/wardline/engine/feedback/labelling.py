"""Labelling: how labels come in. Each is checked, its subject hidden, journalled as a label record, applied, and only then answered.

    await labelling.add(Statement(about="account:alice", abusive=True, source="desk"), keyed=True)      Label(id="01K…", about="account:5f2c…", …)
    await labelling.withdraw("01K…", source="desk", reason="the owner proved it was him")
    await labelling.take(event, keyed=False)         an event of type "label", as the decision door receives it; without await it waits for the disk later
    labelling.standing("account:alice")

`keyed`: whether whoever sends it presented a key with the scope learn (or came through the control socket). Without one a label is believed at
most as far as the configuration says, and counts as the one source "keyless". A source that floods is told to come back in an hour; what it said before stays.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from wardline.base.clock import when
from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.base.privacy import Pseudonyms
from wardline.engine.door import Accepted, EventError, Pending
from wardline.engine.entity import EntityError, about, is_pseudonym
from wardline.engine.event import Event
from wardline.engine.feedback.labels import POINT, Labels, label_of
from wardline.engine.label import (
    Label,
    LabelError,
    Standing,
    check_abusive,
    check_confidence,
    check_kind,
    check_reason,
    check_source,
    check_times,
)
from wardline.engine.states.shard import Shard
from wardline.engine.store.receipt import Receipt

HOUR_US = 3_600_000_000
HISTORY_LIMIT = 1_000
REPORTER_LIMIT = 1_024
LATEST_US = 253_402_300_799_000_000  # 9999-12-31T23:59:59Z; a zone can move what is written as 9999 beyond what can be shown
_encoder = msgspec.msgpack.Encoder()


class LabelFlood(LabelError):
    """A source that said more within an hour than is taken from one source."""


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label as somebody gives it. about: an event's id, "account:alice", or {"account": "alice"}. reporter: who spoke, kept as a pseudonym."""

    about: Any
    abusive: Any
    source: Any
    kind: Any = ""
    confidence: Any = None
    reason: Any = ""
    reporter: str = ""
    occurred_at: datetime | None = None
    expires_at: datetime | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One label as people see it."""

    id: str
    about: str
    abusive: bool
    source: str
    counts_as: str
    confidence: float
    kind: str
    reason: str
    said_at: datetime
    told_at: datetime
    seq: int
    expires_at: datetime | None = None
    withdrawn: bool = False


class Labelling:
    """The one way in for labels that are not a domain's own. `per_hour`: labels taken from one source within an hour."""

    def __init__(self, shard: Shard, labels: Labels, pseudonyms: Pseudonyms, ids: Ids, metrics: Metrics, per_hour: int = 200_000) -> None:
        self.shard = shard
        self.labels = labels
        self.pseudonyms = pseudonyms
        self.ids = ids
        self.metrics = metrics
        self.per_hour = per_hour
        # As many keys as there are configured sources, and two. Not a state: a restart gives a flood one more hour's worth, no more.
        self._hours: dict[str, tuple[int, int]] = {}
        # Called with every label that was written, for whoever keeps no state of its own.
        self.listeners: list[Callable[[Label], None]] = []

    async def add(self, given: Statement, *, keyed: bool) -> Label:
        """Record one statement; durable when it returns. Raises LabelError."""
        label, receipt = self.admit(given, keyed=keyed)
        await receipt
        return label

    def admit(self, given: Statement, *, keyed: bool, label_id: str = "") -> tuple[Label, Receipt]:
        """The same at once, with the receipt that tells when it is durable."""
        source = check_source(given.source)
        trust = self.labels.trust
        confidence = check_confidence(given.confidence)
        if not keyed:
            if not trust.keyless_confidence:
                raise LabelError("labels need an API key with the scope learn here; `wardline key add NAME --scope learn` makes one")
            confidence = min(confidence, trust.keyless_confidence)
        told_us = self.shard.clock.now_us()
        expires_us = _micros(given.expires_at, "expires_at") if given.expires_at is not None else None
        said_us = _micros(given.occurred_at, "occurred_at") if given.occurred_at is not None else told_us
        counts_as = trust.counts_as(source, keyed=keyed)
        label = Label(
            id=label_id or self.ids.new(),
            about=self.about(given.about),
            abusive=check_abusive(given.abusive),
            source=source,
            counts_as=counts_as,
            confidence=confidence,
            said_us=check_times(said_us, told_us, expires_us),
            told_us=told_us,
            kind=check_kind(given.kind),
            reason=check_reason(given.reason),
            expires_us=expires_us,
            reporter=self.pseudonyms.of("user", given.reporter[:REPORTER_LIMIT]) if given.reporter else "",
        )
        self._count(counts_as, told_us)
        receipt = self._write(label)
        self.metrics.labelled("abusive" if label.abusive else "benign")
        return label, receipt

    async def withdraw(self, label_id: str, *, reason: str = "") -> Label:
        """Take a label back by a further record. Raises LabelError for one that is not there, a domain's own, or withdrawn already."""
        record = self.shard.journal.find_id("label", label_id)
        if record is None:
            raise LabelError("no label has this id; `wardline label show ABOUT` prints those about one thing")
        if record.point != POINT:
            raise LabelError(
                f"this label is {record.point}'s own and taught its models: take it back there, as `wardline unlearn` does for mail"
            )
        label = label_of(record, {})
        if label is None or label.withdrawn:
            raise LabelError("this id is that of a withdrawal, which stands; give the label again where it was right")
        said = self.labels.find(label.about, label_id)
        if said.withdrawn_seq if said is not None else self._withdrawn(label):  # what memory has lost, the journal knows
            raise LabelError("this label was withdrawn already")
        told_us = self.shard.clock.now_us()
        withdrawal = msgspec.structs.replace(
            label, id=self.ids.new(), said_us=told_us, told_us=told_us, withdraws=label_id, withdrawn=True, reason=check_reason(reason)
        )
        await self._write(withdrawal)
        self.metrics.labelled("withdrawn")
        return withdrawal

    def take(self, event: Event, *, keyed: bool) -> Pending:
        """Record an event of type "label". A repeated id counts once. Raises EventError."""
        first = self.shard.journal.find_id("label", event.id)
        if first is not None:
            if first.point != POINT:
                raise EventError("id: another label has it; give each event an id of its own")
            return Pending(Accepted(event.id), self.shard.journal.receipt(first.seq), repeated=True)
        fields = event.fields
        missing = [name for name in ("about", "abusive", "source") if fields.get(name) is None]
        if missing:
            raise EventError(f"fields.{missing[0]}: a label needs about, abusive and source")
        try:
            _label, receipt = self.admit(
                Statement(
                    about=fields["about"],
                    abusive=fields["abusive"],
                    source=fields["source"],
                    kind=fields.get("kind"),
                    confidence=fields.get("confidence"),
                    reason=fields.get("reason"),
                    reporter=_text(fields.get("reporter")),
                    occurred_at=event.occurred_at,
                    expires_at=_time(fields.get("expires_at")),
                ),
                keyed=keyed,
                label_id=event.id,
            )
        except LabelError as error:
            raise EventError(f"fields.{error}" if str(error).startswith(tuple(fields)) else str(error)) from None
        return Pending(Accepted(event.id), receipt)

    def about(self, given: Any) -> str:
        """The one form of what is meant. Raises LabelError."""
        try:
            return about(self.pseudonyms, given)
        except EntityError as error:
            raise LabelError(str(error)) from None

    def standing(self, given: Any, *, as_of_seq: int | None = None) -> Standing:
        """What the labels about something come to now. Raises LabelError."""
        return self.labels.standing(self.about(given), now_us=self.shard.clock.now_us(), as_of_seq=as_of_seq)

    def history(self, given: Any) -> list[Shown]:
        """The newest labels about one thing as the journal has them, newest first; withdrawn ones too. Raises LabelError."""
        name = self.about(given)
        found: list[Shown] = []
        withdrawn: set[str] = set()
        for record in self.shard.journal.find_key(name, HISTORY_LIMIT):
            label = label_of(record, self.labels.readers)
            if label is None or label.about != name:
                continue
            if label.withdrawn:
                withdrawn.add(label.withdraws or f"{label.counts_as}/{label.reporter}")
                continue
            gone = label.id in withdrawn or f"{label.counts_as}/{label.reporter}" in withdrawn
            found.append(_shown(label, record.seq, gone))
        return found

    def _withdrawn(self, label: Label) -> bool:
        return any(shown.id == label.id and shown.withdrawn for shown in self.history(label.about))

    def _count(self, source: str, now_us: int) -> None:
        hour = now_us // HOUR_US
        last, count = self._hours.get(source, (hour, 0))
        count = count if last == hour else 0
        if count >= self.per_hour:
            raise LabelFlood(f"source: {self.per_hour} labels of one source were taken within this hour; send the rest in the next")
        self._hours[source] = (hour, count + 1)

    def _write(self, label: Label) -> Receipt:
        subject = label.about if is_pseudonym(label.about) else label.reporter
        receipt = self.shard.write("label", label.id, point=POINT, body=_encoder.encode(label), subject=subject, keys=(label.about,))
        for listener in self.listeners:
            listener(label)
        return receipt


def _shown(label: Label, seq: int, withdrawn: bool) -> Shown:
    return Shown(
        id=label.id,
        about=label.about,
        abusive=label.abusive,
        source=label.source,
        counts_as=label.counts_as,
        confidence=label.confidence,
        kind=label.kind,
        reason=label.reason,
        said_at=when(label.said_us),
        told_at=when(label.told_us),
        seq=seq,
        expires_at=when(label.expires_us) if label.expires_us is not None else None,
        withdrawn=withdrawn,
    )


def _micros(at: datetime, name: str) -> int:
    if at.tzinfo is None:
        raise LabelError(f"{name}: the time zone is missing; write 2026-11-21T09:30:00Z")
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    time_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if not 0 <= time_us <= LATEST_US:
        raise LabelError(f"{name}: a time from 1970 to 9999 is needed, such as 2026-11-21T09:30:00Z")
    return time_us


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EventError("fields.reporter: a text is needed")
    return value


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise EventError("fields.expires_at: a time is needed, such as 2026-12-21T09:30:00Z") from None
