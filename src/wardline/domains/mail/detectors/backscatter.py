"""Backscatter: a bounce of mail that we never sent, because somebody wrote our address as its sender.

    null sender, multipart/report, the returned message has Message-ID <x@other.example>  ->  Signal(0.82, "A bounce of a message that …")

An honest bounce must arrive: who cannot read that his letter was not delivered has lost it. So only a positive contradiction speaks: the
returned message carries a Message-ID that neither our domains nor the usual makers of Message-IDs of our users wrote. A bounce without the original's
Message-ID, or with one of ours, is left alone. Standards: RFC 3464 (delivery status), RFC 5321 §4.5.5 (null reverse-path), RFC 6522 (report).
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, opinion
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.url import registrable

CUES: Mapping[str, Cue] = {
    "foreign_original": Cue(0.8, "This is a bounce, and the message it returns was not made by a server of ours."),
    "foreign_sender": Cue(1.1, "This is a bounce of a message whose From is none of ours."),
}
_SENDERS = ("mailer-daemon", "postmaster", "mail-daemon", "mail.delivery", "noreply-dsn")
_ORIGINAL_BYTES = 65_536
_MESSAGE_ID = re.compile(
    rb"^[ \t>]{0,8}Message-ID:[ \t]{0,8}(?:\r?\n[ \t]{1,8})?<?[^\s<>@]{1,200}@([^\s<>@]{1,253})>?", re.IGNORECASE | re.MULTILINE
)
_FROM = re.compile(rb"^[ \t>]{0,8}From:[^\r\n]{0,300}?@([a-z0-9.-]{1,253})", re.IGNORECASE | re.MULTILINE)
# Message-IDs that a user's own program writes are not ours by domain and prove nothing.
_PRIVATE = (".local", ".lan", ".internal", ".localdomain", ".home", ".localhost")


class Backscatter(Detector[Mail]):
    """Whether this is a bounce, and whether what it returns was ours."""

    name = "backscatter"
    reads = ("backscatter.bounce", "backscatter.flags")
    cost_us = 2.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """backscatter.bounce: bool; backscatter.flags: list of names from CUES."""
        local = subject.sender.address.partition("@")[0]
        report = subject.structure.startswith("report") or "delivery-status" in subject.structure
        bounce = report or (not subject.envelope.mail_from.strip("<>") and local.startswith(_SENDERS))
        flags: list[Scalar] = []
        if bounce and not local.startswith("dmarc"):
            ours = {registrable(address.rpartition("@")[2].strip(">").lower()) for address in subject.envelope.recipients[:50]}
            ours |= {registrable(address.domain) for address in subject.to[:50]}
            ours.discard("")
            head_end = max(subject.raw.find(b"\n\n", 0, 262_144), subject.raw.find(b"\r\n\r\n", 0, 262_144), 0)
            body = (
                subject.raw[head_end : head_end + _ORIGINAL_BYTES]
                if subject.raw
                else subject.visible_text[:_ORIGINAL_BYTES].encode("utf-8", "replace")
            )
            domains = [found.decode("ascii", "replace").lower() for found in _MESSAGE_ID.findall(body)[:20]]
            if domains and ours and not any(registrable(name) in ours or name.endswith(_PRIVATE) or "." not in name for name in domains):
                flags.append("foreign_original")
                senders = [found.decode("ascii", "replace").lower() for found in _FROM.findall(body)[:20]]
                if senders and not any(registrable(name) in ours for name in senders):
                    flags.append("foreign_sender")
        return {"backscatter.bounce": bounce, "backscatter.flags": flags}

    def judge(self, values: Values) -> Signal:
        """Only what contradicts us speaks."""
        if values.get("backscatter.bounce") is not True:
            return Signal(None, "This is no bounce.")
        return opinion(values.get("backscatter.flags"), CUES, "This is a bounce, and nothing says that it is not of our mail.")
