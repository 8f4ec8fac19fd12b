"""Text: what the learned models think of the words.

    text.log_odds = 4.2, text.trained = 3100  ->  Signal(0.985, "The words are those of mail that was reported as abuse (67 to 1).")

The models themselves live in learning/ and are read while the message is admitted; this file puts their answer into words and says when
it may not count.
"""

import math

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import number, strings, whole
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import LOG_ODDS_LIMIT, Signal, probability

# Caps behind which words may have stood that nobody read; then the words that were read earn no trust.
TEXT_CAPS = frozenset({"size", "parts", "depth", "text", "html_tags", "html_bytes", "html_depth", "part_bytes", "decoded_bytes"})


def in_words(odds: float) -> str:
    """ln-odds as people say them: 2.3 -> "10 to 1"."""
    ratio = math.exp(min(abs(odds), LOG_ODDS_LIMIT))
    return f"{ratio:.0f} to 1" if ratio >= 1.5 else "about even"


class Text(Detector[Mail]):
    """The fused log-odds of the text models, with the recipient's own offset."""

    name = "text"
    reads = ("text.log_odds", "text.trained", "text.user_offset", "mail.limits")
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Silent without an answer of the model, before the first label, and when benign words come with text that was cut off."""
        odds = number(values.get("text.log_odds"))
        if odds is None:
            return Signal(None, "The text model gave no answer.")
        if whole(values.get("text.trained")) == 0:
            return Signal(None, "The text model has not learned anything yet.")
        offset = number(values.get("text.user_offset")) or 0.0
        odds = min(max(odds + offset, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)
        if odds < 0 and not TEXT_CAPS.isdisjoint(strings(values.get("mail.limits"))):
            return Signal(None, "The words that were read look harmless, but part of the message could not be read.")
        kind = "mail that was reported as abuse" if odds > 0 else "wanted mail"
        own = " and by this recipient's own reports" if abs(offset) >= 0.5 else ""
        return Signal(probability(odds), f"The words resemble {kind} ({in_words(odds)}){own}.", {"log_odds": round(odds, 3)})
