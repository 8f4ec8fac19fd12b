"""An event that no domain decides, as it is kept: its own fields, its identifiers as pseudonyms.

    body_of_event(Event(type="signup", entities={"ip": "192.0.2.7"}, …), pseudonyms)  ->  (bytes, ("email:5f0c…",))
    await note_event(event, shard, pseudonyms)                                         ->  Accepted(id="01K…"), durable

Fields that name a person (an address, a phone number) may stand in `fields` too; what is not a number, a flag or a short word of the field's
own vocabulary becomes a pseudonym, so that a domain that comes later can still count it, and nobody can read it. Fields that are known to
name somebody (PERSONAL) become one whatever they hold: `username: alice` looks like a word.
"""

import re
from typing import Any

import msgspec

from wardline.base.privacy import KINDS, Pseudonyms
from wardline.engine.door import Accepted, Pending
from wardline.engine.event import Event
from wardline.engine.feature import Value
from wardline.engine.states.shard import Shard

_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
FIELDS_LIMIT = 64
# Whole numbers beyond this are identifiers (a phone number, an account), and MessagePack ends at 64 bits.
NUMBER_LIMIT = 1 << 31
PERSONAL = frozenset(
    {
        "username",
        "display_name",
        "name",
        "email",
        "phone",
        "address",
        "account",
        "user",
        "device",
        "ip",
        "session",
        "about",
        "invite",
        "mail_from",
        "rcpt",
    }
)


def note_event(event: Event, shard: Shard, pseudonyms: Pseudonyms) -> Pending:
    """Append an event to the shard's journal; one that comes again is recorded once. Raises StorageBusy, StorageFull."""
    first = shard.journal.find_id("event", event.id)
    if first is not None and first.point == event.type:
        return Pending(Accepted(event.id), shard.journal.receipt(first.seq), repeated=True)
    body, keys = body_of_event(event, pseudonyms)
    return Pending(Accepted(event.id), shard.write("event", event.id, point=event.type, body=body, keys=keys))


def body_of_event(event: Event, pseudonyms: Pseudonyms) -> tuple[bytes, tuple[str, ...]]:
    """The record's body and look-up keys."""

    def hidden(kind: str, value: str) -> str:
        return hide(kind, value, pseudonyms)

    def named(name: str) -> str:
        return name if _WORD.fullmatch(name) else hidden("session", name)

    entities = {named(kind): hidden(kind, value) for kind, value in list(event.entities.items())[:FIELDS_LIMIT]}
    fields = {named(name): kept(name, value, pseudonyms) for name, value in list(event.fields.items())[:FIELDS_LIMIT]}
    document = {
        "id": event.id,
        "type": event.type,
        "schema_version": event.schema_version,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "site": event.site[:64],
        "direction": event.direction[:16],
        "flow_id": hidden("session", event.flow_id) if event.flow_id else None,
        "entities": entities,
        "fields": fields,
    }
    return msgspec.msgpack.encode(document), tuple(dict.fromkeys(entities.values()))


def hide(kind: str, value: str, pseudonyms: Pseudonyms) -> str:
    """A pseudonym of the kind, where one is declared under this name, else of a kind that says nothing."""
    return pseudonyms.of(kind if KINDS.get(kind) == "pseudonymous" else "session", value[:1024])


def kept(name: str, value: Any, pseudonyms: Pseudonyms) -> Value:
    """One field as it may be kept: a number, a flag or a short word as it is, everything else as a pseudonym."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= NUMBER_LIMIT and name not in PERSONAL:
        return value
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and name not in PERSONAL else hide(name, value, pseudonyms)
    return hide(name, msgspec.json.encode(value).decode(), pseudonyms)
