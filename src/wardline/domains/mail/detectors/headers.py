"""Headers: what honest mail programs always write and hurried ones forget or contradict.

    HELO [bare 192.0.2.9], no Message-ID, Date three days in the future  ->  Signal(0.80, "The sending host called itself by …")

Each fact alone is weak: small devices, old programs and scripts forget fields too. RFC 5322 §3.6 (fields and how often), RFC 5321 §4.1.1.1 (EHLO).
"""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, opinion, strings
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.url import ip4, registrable

CUES: Mapping[str, Cue] = {
    "no_from": Cue(1.2, "There is no From address."),
    "malformed_from": Cue(0.9, "From is malformed: a name that programs read as another sender."),
    "no_date": Cue(0.6, "There is no Date."),
    "no_message_id": Cue(0.6, "There is no Message-ID."),
    "no_recipient": Cue(0.4, "No header names a recipient."),
    "undisclosed": Cue(0.45, "The recipients are hidden."),
    "many_recipients": Cue(0.4, "The message names very many recipients."),
    "many_from": Cue(0.7, "From names several senders."),
    "repeated_fields": Cue(1.0, "A header field that may occur once occurs twice."),
    "date_ahead": Cue(0.9, "The Date lies days in the future."),
    "date_behind": Cue(0.5, "The Date lies weeks in the past."),
    "bad_message_id": Cue(0.5, "The Message-ID is malformed."),
    "helo_ip": Cue(0.8, "The sending host called itself by a bare IP address."),
    "helo_ours": Cue(2.2, "The sending host called itself by our own name."),
    "helo_local": Cue(0.7, "The sending host called itself localhost."),
    "forged_own": Cue(0.4, "The mail says it comes from the recipient's own domain, but arrived from outside."),
    "forged_own_failed": Cue(1.6, "The mail says it comes from the recipient's own domain, and the proof of it failed."),
    "to_self": Cue(0.8, "Sender and recipient are the same address, but the mail arrived from outside."),
    "two_mailers": Cue(0.3, "Two mail programs claim to have written the message."),
    "old_mailer": Cue(0.8, "The mail claims to be written by a program that nobody has used for many years."),
    "reply_to_nothing": Cue(0.35, "The subject says Re: and the message answers nothing."),
    "charset_mismatch": Cue(0.5, "The declared character set is not that of the text."),
    "forged_hop": Cue(0.9, "A Received field is not of this world: its time lies days ahead of the next."),
}
SELF = frozenset(("forged_own", "to_self"))  # what a proven sender excuses
MANY_RECIPIENTS = 25
_MAILERS = ("x-mailer", "user-agent")
_OLD_MAILERS = ("outlook express", "the bat! (v1", "microsoft outlook, build 10.0", "eudora", "incredimail", "foxmail 4", "foxmail 5")
_FIRST_YEAR = 2018  # older mail was written by these programs honestly
_ONCE = (
    "duplicate_from",
    "duplicate_subject",
    "duplicate_date",
    "duplicate_message_id",
    "duplicate_sender",
    "duplicate_to",
    "duplicate_reply_to",
)
_FOREIGN_CHARSETS = (
    "koi8-r",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc-kr",
    "ks_c_5601-1987",
    "iso-2022-jp",
    "shift_jis",
    "windows-1251",
    "iso-8859-5",
)


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Headers(Detector[Mail]):
    """Missing, repeated and contradicting header facts."""

    name = "headers"
    reads = ("headers.flags", "auth.aligned", "auth.spf", "auth.dmarc")
    cost_us = 12.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """headers.flags: list of names from CUES; headers.date_skew_hours: float against our own Received field, None when one is missing."""
        flags: list[str] = []
        fields = {name.lower(): value for name, value in reversed(subject.headers)}
        is_list = "list-id" in fields or "list-post" in fields or fields.get("precedence", "").lower() == "list"
        if not subject.sender.address:
            flags.append("malformed_from" if "@" in fields.get("from", "") else "no_from")
        if "date" not in fields:
            flags.append("no_date")
        flags.extend(self._identity(subject, fields))
        recipients = len(subject.to) + len(subject.cc)
        if not recipients:
            text = (fields.get("to", "") + fields.get("cc", "")).lower()
            flags.append("undisclosed" if "undisclosed" in text or "to" in fields else "no_recipient")
        elif recipients >= MANY_RECIPIENTS:
            flags.append("many_recipients")
        if subject.senders > 1 and subject.sender.address:
            flags.append("many_from")
        if any(defect in _ONCE for defect in subject.defects):
            flags.append("repeated_fields")
        if not is_list and subject.envelope.direction == "in" and not subject.envelope.authenticated_user:
            flags.extend(self._ours(subject))
        flags.extend(self._hello(subject))
        skew = self._skew_hours(subject)
        if skew is not None and skew > 48:
            flags.append("date_ahead")
        elif skew is not None and skew < -24 * 21 and not is_list:
            flags.append("date_behind")
        flags.extend(self._program(subject, fields))
        found: list[Scalar] = [*dict.fromkeys(flags)]
        return {"headers.flags": found, "headers.date_skew_hours": None if skew is None else round(skew, 2)}

    @staticmethod
    def _identity(subject: Mail, fields: Mapping[str, str]) -> list[str]:
        if "message-id" not in fields:
            return ["no_message_id"]
        local, _, host = subject.message_id.strip("<> ").partition("@")
        return [] if local and host and " " not in host else ["bad_message_id"]

    @staticmethod
    def _ours(subject: Mail) -> list[str]:
        """From that claims to be of the recipient's own organisation."""
        recipients = [address.strip("<>").lower() for address in subject.envelope.recipients[:20]]
        if subject.sender.address and subject.sender.address in recipients:
            return ["to_self"]
        home = registrable(subject.sender.domain)
        return ["forged_own"] if home and any(registrable(address.rpartition("@")[2]) == home for address in recipients) else []

    @staticmethod
    def _hello(subject: Mail) -> list[str]:
        """The name that the sending host gave itself to us."""
        helo = subject.envelope.helo.strip().lower()
        if not helo or subject.envelope.authenticated_user or subject.envelope.direction != "in":
            return []
        if helo[0].isdigit() and ip4(helo) is not None:
            return ["helo_ip"]
        if helo in ("localhost", "localhost.localdomain"):
            return ["helo_local"]
        domains = {address.rpartition("@")[2].strip(">").lower() for address in subject.envelope.recipients[:20]}
        own = {registrable(domain) for domain in domains} | domains
        client = registrable(subject.envelope.client_name.lower())
        return ["helo_ours"] if (helo in domains or registrable(helo) in own) and client != registrable(helo) else []

    @staticmethod
    def _skew_hours(subject: Mail) -> float | None:
        """Date against the newest Received field, which a server near us wrote."""
        date = _utc(subject.date)
        arrived = next((hop.at for hop in subject.received if hop.at is not None), None)
        arrived = _utc(arrived)
        if date is None or arrived is None:
            return None
        return (date - arrived).total_seconds() / 3600

    @staticmethod
    def _program(subject: Mail, fields: Mapping[str, str]) -> list[str]:
        """What the fields say of the program that wrote them."""
        flags = []
        mailers = [fields[name].lower() for name in _MAILERS if name in fields]
        if len(mailers) > 1:
            flags.append("two_mailers")
        if (
            mailers
            and subject.date is not None
            and subject.date.year >= _FIRST_YEAR
            and any(old in mailers[0][:120] for old in _OLD_MAILERS)
        ):
            flags.append("old_mailer")
        if subject.subject[:3].lower() == "re:" and "in-reply-to" not in fields and "references" not in fields:
            flags.append("reply_to_nothing")
        times = [_utc(hop.at) for hop in subject.received[:10] if hop.at is not None]
        if any(
            older is not None and newer is not None and (older - newer).total_seconds() > 2 * 86_400
            for newer, older in itertools.pairwise(times)
        ):
            flags.append("forged_hop")
        kind = fields.get("content-type", "").lower()
        if (
            "charset" in kind
            and len(subject.visible_text) > 200
            and subject.visible_text.isascii()
            and any(name in kind for name in _FOREIGN_CHARSETS)
        ):
            flags.append("charset_mismatch")
        return flags

    def judge(self, values: Values) -> Signal:
        """Mail that says it is ours is excused when that is proven, and weighs more when the proof failed."""
        flags = strings(values.get("headers.flags"))
        if values.get("auth.aligned") is True or values.get("auth.spf") == "pass":
            flags = [flag for flag in flags if flag not in SELF]
        elif not SELF.isdisjoint(flags) and (values.get("auth.dmarc") == "fail" or values.get("auth.spf") in ("fail", "softfail")):
            flags.append("forged_own_failed")
        found: list[Scalar] = [*flags]
        return opinion(found, CUES, "The header fields are as mail programs write them.")
