"""Unread: what could not be read of a message, and how much that matters.

    mail.limits = ["parts"], mail.defects = ["bad_base64"]  ->  Signal(0.67, "Part of the message was not read: too many parts. …")

A cap that was hit is how one hides: 300 harmless parts, then the payload. So reading less never earns trust (the detectors that could excuse look at
mail.limits themselves), and being unreadable is a modest signal. Sloppy software breaks rules too; those defects stay without weight.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, strings, summed
from wardline.engine.detector import Detector
from wardline.engine.feature import Values, bounded
from wardline.engine.signal import Signal, probability

CUES: Mapping[str, Cue] = {
    "size": Cue(0.2, "the message is larger than what is looked at"),
    "parts": Cue(1.2, "too many parts"),
    "depth": Cue(1.5, "parts nested too deep"),
    "headers": Cue(1.0, "too many header fields"),
    "header_bytes": Cue(0.8, "too long header fields"),
    "hops": Cue(0.6, "too many Received fields"),
    "addresses": Cue(0.8, "too many addresses"),
    "links": Cue(0.3, "too many links"),
    "attachments": Cue(0.6, "too many attachments"),
    "html_tags": Cue(0.6, "too many HTML tags"),
    "html_depth": Cue(0.8, "HTML nested too deep"),
    "html_bytes": Cue(0.3, "too much HTML"),
    "html_size": Cue(0.3, "too much HTML"),
    "html_attributes": Cue(0.6, "HTML tags with too many attributes"),
    "html_styles": Cue(0.4, "too many style rules"),
    "text": Cue(0.2, "the text is longer than what is looked at"),
    "no_headers": Cue(1.2, "there are no header fields"),
    "bad_base64": Cue(0.8, "broken base64"),
    "bad_uuencode": Cue(0.4, "broken uuencoding"),
    "unknown_charset": Cue(0.4, "an unknown character set"),
    "unknown_encoding": Cue(0.8, "an unknown transfer encoding"),
    "nul_bytes": Cue(0.9, "NUL bytes"),
    "bare_cr": Cue(0.7, "line ends of CR alone"),
    "missing_boundary": Cue(0.7, "a multipart without its boundary"),
    "wrong_boundary": Cue(0.9, "a multipart whose boundary does not occur"),
    "encoded_multipart": Cue(0.9, "a multipart that is itself encoded"),
    "duplicate_content_type": Cue(1.2, "two Content-Type fields, so that programs read different messages"),
    "duplicate_encoding": Cue(1.0, "two transfer encodings, so that programs read different messages"),
    "text_outside_parts": Cue(0.3, "text outside of the parts"),
    "parts_after_close": Cue(0.9, "parts after the end of the message"),
    "intake_failed": Cue(1.0, "the message could not be taken apart at all"),
}
LEAST_ODDS = 0.35  # one harmless cap (a long text) says nothing


class Unread(Detector[Mail]):
    """Caps that were hit and defects of form."""

    name = "unread"
    reads = ("mail.limits", "mail.defects")
    cost_us = 1.5

    def judge(self, values: Values) -> Signal:
        """Modest, never above 0.9 in practice: being unreadable is not yet being abusive."""
        found = [
            name for name in dict.fromkeys([*strings(values.get("mail.limits")), *strings(values.get("mail.defects"))]) if name in CUES
        ]
        if not found:
            return Signal(None, "Everything that matters could be read.")
        odds = summed(found, CUES)
        if odds < LEAST_ODDS:
            return Signal(None, "What could not be read is usual for large messages.")
        found.sort(key=lambda name: (-CUES[name].odds, name))
        words = ", ".join(CUES[name].words for name in found[:3])
        return Signal(probability(odds), f"Part of the message could not be read: {words}.", {"cues": bounded([*found])})
