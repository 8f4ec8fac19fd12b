"""Mail as counters see it: the flat facts of one message, the same live and from its record.

    facts_of(event)      {"mail.network": "network:77…", "mail.pair": "pair:1c…", "account": "account:5f…", "mail.direction": "out", …}
    counted(record)      KeptEvent(type="mail.in", facts=…) of a message's record; None for every other

A rule of point mail.in may bring counters over these names: messages of one account within an hour, recipients of one network. `account` is who was
logged in when the message was handed over, under the name that logins of the same account have.
"""

from wardline.domains.mail.records import MailEvent
from wardline.domains.mail.states import POINT, body_of
from wardline.engine.feature import Value
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

FACTS: dict[str, str] = {
    "account": "text",
    "mail.network": "text",
    "mail.pair": "text",
    "mail.from_domain": "text",
    "mail.near": "text",
    "mail.direction": "text",
    "mail.size_bytes": "number",
}


def facts_of(event: MailEvent) -> dict[str, Value]:
    """What one message can be counted by; a name that it lacks is unknown."""
    keys = event.keys
    return {
        "account": keys.get("account"),
        "mail.network": keys.get("network"),
        "mail.pair": keys.get("pair"),
        "mail.from_domain": keys.get("from_domain"),
        "mail.near": event.near or None,
        "mail.direction": event.direction,
        "mail.size_bytes": event.size_bytes,
    }


def counted(record: Record) -> KeptEvent | None:
    """The event of any record that counters count: mail's own form, or that of the event domains."""
    if record.point != POINT:
        return kept_event(record)
    body = body_of(record) if record.kind == "event" else None
    if not isinstance(body, MailEvent):
        return None
    return KeptEvent(id=body.id, type=POINT, occurred_us=body.time_s * 1_000_000, facts=facts_of(body))
