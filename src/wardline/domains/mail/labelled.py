"""Mail's own labels as the engine reads them: one word, one meaning, wherever somebody says that something was abusive.

    read(record)      Label(about="event:01K…", abusive=True, source="rspamd", counts_as="mail.user", reporter="recipient:5f…", confidence=0.5, …)

A label of a message is about its decision where one was made, else about the message's own pseudonym. The site's labels count as "mail.site";
those of all users together as "mail.user", each user being one reporter of it. What the text model taught itself is no statement of anybody.
"""

from wardline.domains.mail.records import MailLabel, unpack
from wardline.domains.mail.text.state import UNLABELLED
from wardline.engine.label import Label
from wardline.engine.record import Record

SITE = "mail.site"
USER = "mail.user"


def read(record: Record) -> Label | None:
    """The label in a record of kind "label" at mail's point. Raises ValueError for a damaged body."""
    body = unpack(record.body, MailLabel)
    if body.source == UNLABELLED:
        return None
    return Label(
        id=record.id,
        about=f"event:{body.decision_id}" if body.decision_id else body.about,
        abusive=body.abusive,
        source=body.source,
        counts_as=USER if body.subject else SITE,
        confidence=body.confidence,
        said_us=body.time_s * 1_000_000,
        told_us=record.time_us,
        kind=body.kind or ("spam" if body.abusive else ""),
        reporter=body.subject,
        withdrawn=body.withdrawn,
    )
