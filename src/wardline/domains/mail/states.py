"""The counting states of mail: near duplicates and reputation, as functions of the journal.

    states.read(event)      the values that an event reads, before it is counted itself
    states.absorb(seq, kind, body)    one record, applied once and in order; live and in a replay the same call

What counts for whom: every arrival counts for the names that the message only claims (`from`) or that the transport showed (`network`); names
that were proven (SPF or DKIM aligned or valid) are counted when the decision that proved them is recorded. Benign reputation goes to proven
names and networks alone, since anybody can write a From.
"""

import hashlib
from collections.abc import Callable

import msgspec

from wardline.domains.mail.near_duplicates import NearDuplicates
from wardline.domains.mail.records import MailDecision, MailEvent, MailLabel, unpack
from wardline.domains.mail.reputation import Reputation
from wardline.engine.feature import Value
from wardline.engine.record import Record

POINT = "mail.in"
ROLES = ("from_domain", "spf_domain", "dkim_domain", "network", "pair")
# What a message shows of itself before anything is proven.
_CLAIMED = ("from_domain", "network", "pair")
_BODIES: dict[str, type[MailEvent] | type[MailDecision] | type[MailLabel]] = {
    "event": MailEvent,
    "decision": MailDecision,
    "label": MailLabel,
}

Body = MailEvent | MailDecision | MailLabel


def body_of(record: Record) -> Body | None:
    """The body of a mail record; None for records of other points or kinds."""
    kind = _BODIES.get(record.kind)
    return unpack(record.body, kind) if kind and record.point == POINT else None


class MailStates:
    """Near duplicates and reputation together, since they are read and written at the same two moments."""

    name = "mail_counters"

    def __init__(self, window_hours: int = 24, half_life_days: int = 30) -> None:
        self.applied_seq = 0
        self._make: Callable[[], tuple[NearDuplicates, Reputation]] = lambda: (
            NearDuplicates(window_hours * 3600),
            Reputation(half_life_days),
        )
        self.near, self.reputation = self._make()

    def read(self, event: MailEvent) -> dict[str, Value]:
        """What is known before this event. Unknown is None."""
        values: dict[str, Value] = {"near_duplicate.count": None, "near_duplicate.spam": None, "near_duplicate.ham": None}
        if event.near:
            copies = self.near.read(int(event.near, 16), event.time_s)
            values = {"near_duplicate.count": copies.seen, "near_duplicate.spam": copies.spam, "near_duplicate.ham": copies.ham}
        for role in ROLES:
            key = event.keys.get(role)
            found = self.reputation.read(key, event.time_s) if key else None
            values[f"sender.{role}"] = [round(part, 4) for part in found] if found else None
        pair = event.keys.get("pair")
        values["sender.first_contact"] = self.reputation.first_contact(pair, event.time_s) if pair else None
        return values

    def absorb(self, seq: int, body: Body | None) -> None:
        """Apply one record's body; records at or before `applied_seq` were applied already."""
        if seq <= self.applied_seq:
            return
        self.applied_seq = seq
        match body:
            case MailEvent():
                if body.near:
                    self.near.see(int(body.near, 16), body.time_s)
                for role in _CLAIMED:
                    if key := body.keys.get(role):
                        self.reputation.seen(key, body.time_s)
            case MailDecision():
                for role in body.proven:
                    if (key := body.keys.get(role)) and role not in _CLAIMED:
                        self.reputation.seen(key, body.time_s)
            case MailLabel():
                sign = -1 if body.withdrawn else 1
                if body.near:
                    self.near.label(int(body.near, 16), body.abusive, sign)
                for key in body.keys:
                    self.reputation.label(key, body.abusive, sign * body.confidence, body.time_s)
            case None:
                pass

    def apply(self, record: Record) -> None:
        """`absorb` for a record as the journal has it."""
        if record.seq > self.applied_seq:
            self.absorb(record.seq, body_of(record))

    def snapshot(self) -> bytes:
        """Both states as MessagePack."""
        return msgspec.msgpack.encode([self.near.snapshot(), self.reputation.snapshot()])

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises for anything else and then changes nothing."""
        near_data, reputation_data = msgspec.msgpack.decode(data, type=tuple[bytes, bytes])
        near, reputation = self._make()
        near.restore(near_data)
        reputation.restore(reputation_data)
        self.near, self.reputation = near, reputation

    def digest(self) -> str:
        """SHA-256 over both digests."""
        return hashlib.sha256(f"{self.near.digest()}/{self.reputation.digest()}".encode()).hexdigest()
