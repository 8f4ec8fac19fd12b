"""The door of the mail decision point: what every gateway asks and what it gets back.

    answer = await door.decide(raw, Envelope(client_ip="192.0.2.7", recipients=("b@example.net",)), source="milter")
    answer.verdict   "junk"      what the policy says of the message
    answer.action    "accept"    what the gateway does: the mode (observe, tag, enforce) and a pause are applied already

A gateway knows this file and nothing behind it, so that Postfix, rspamd's clients and the HTTP API are answered by the same decision. One
message has one SMTP answer, however many recipients it has: `verdict` is the mildest recipient's, `recipients` names the stricter ones.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from wardline.domains.mail.events import Envelope
from wardline.engine.decision import Reason

Mode = Literal["observe", "tag", "enforce"]
Action = Literal["accept", "tag", "junk", "quarantine", "tempfail", "reject"]


class MailAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about one message, as a gateway needs it.

    `log_odds` and `junk_log_odds` are natural logarithms of the odds of abuse: the message's, and the threshold at which policy says junk.
    `reply` is the SMTP text for reject and tempfail, without code, opaque to strangers; empty takes the gateway's own.
    `authentication` is the value of an Authentication-Results field (RFC 8601) under our own name, or empty.
    """

    id: str
    verdict: str
    score: float
    log_odds: float
    junk_log_odds: float
    reasons: tuple[Reason, ...] = ()
    policy: str = ""
    model: str = ""
    ms: float = 0.0
    mode: Mode = "observe"
    action: Action = "accept"
    recipients: Mapping[str, str] = {}
    authentication: str = ""
    reply: str = ""


class LearnAnswer(msgspec.Struct, frozen=True):
    """What became of a label: the decision or label id, whether the model moved, whether it was known before, and a sentence."""

    id: str
    learned: bool
    already: bool
    text: str


class MailDoor(Protocol):
    """What a gateway may ask of the mail decision point. Errors raised here are ours: a gateway answers them by its fail mode."""

    async def decide(self, raw: bytes, envelope: Envelope, *, source: str, size_bytes: int | None = None) -> MailAnswer:
        """Judge one message and make the decision durable.

        `size_bytes` is given only when `raw` is not the whole message: the gateway kept its head and its tail (joined) of so many bytes.
        """
        ...

    async def learn(self, raw: bytes, *, abusive: bool, subject: str, source: str, envelope: Envelope | None = None) -> LearnAnswer:
        """Learn a label of one message. `subject` is the user who reported ("" for the site), `source` the door and the secret's name."""
        ...

    async def unlearn(self, raw: bytes, *, subject: str, source: str) -> LearnAnswer:
        """Take back what was learned of one message."""
        ...

    def stat(self) -> Mapping[str, int]:
        """Counters since the start: scanned, learned_spam, learned_ham, and one `action.X` per action taken; others are ignored."""
        ...
