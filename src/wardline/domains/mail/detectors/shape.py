"""Shape: how the message is built, whatever its words: MIME tree, header order, and a few oddities of its own.

    shape.log_odds = 2.1, shape.oddities = ["image_only"]  ->  Signal(0.92, "The message is built like mail that was reported as abuse …")

The learned head (`shape.log_odds`) is supplied; it sees no words, so rewriting the text does not move it. The oddities are for the time before
it has learned: each is weak alone and common enough in honest mail that none decides anything.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, number, strings, summed
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import LOG_ODDS_LIMIT, Signal, probability

CUES: Mapping[str, Cue] = {
    "image_only": Cue(0.9, "The message is a linked picture with hardly any text."),
    "link_only": Cue(0.6, "The message is hardly more than a link."),
    "shouting": Cue(0.5, "The subject is in capitals."),
    "padded_subject": Cue(0.7, "The subject ends in a gap and a meaningless code."),
    "broken_html": Cue(0.4, "The HTML is badly broken."),
}
LEAST_ODDS = 0.85  # oddities alone speak from here on: two of them, or a picture instead of a text
LEARNED_SHARE = 0.4  # the learned head has seen these oddities too


class Shape(Detector[Mail]):
    """The structure head's log-odds, and oddities of structure."""

    name = "shape"
    reads = ("shape.log_odds", "shape.oddities", "mail.limits")
    cost_us = 3.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """shape.oddities: list of names from CUES."""
        found: list[Scalar] = []
        text = len(subject.visible_text)
        links = len(subject.links)
        if links and not subject.attachments:
            if subject.html.remote_images and text < 60:
                found.append("image_only")
            elif text < 40:
                found.append("link_only")
        title = subject.subject[:200]
        if len(title) >= 12 and title.isupper() and title.isascii():
            found.append("shouting")
        head, gap, tail = title.rpartition("     ")
        if gap and head.strip() and tail and " " not in tail.strip() and any(char.isdigit() for char in tail):
            found.append("padded_subject")
        if subject.html.broken_tags > 20 and subject.html.broken_tags * 4 > subject.html.tags:
            found.append("broken_html")
        return {"shape.oddities": [*found]}

    def judge(self, values: Values) -> Signal:
        """The learned head plus a small share for oddities; oddities alone only when they are several."""
        found = [name for name in dict.fromkeys(strings(values.get("shape.oddities"))) if name in CUES]
        odd = summed(found, CUES) if found else 0.0
        learned = number(values.get("shape.log_odds"))
        words = " ".join(CUES[name].words for name in found[:3])
        if learned is None:
            if odd < LEAST_ODDS:
                return Signal(None, "How the message is built says nothing yet.")
            return Signal(probability(odd), words, {"cues": [*found]})
        odds = min(max(learned + LEARNED_SHARE * odd, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)
        if odds < 0 and strings(values.get("mail.limits")):
            return Signal(None, "The message is built like wanted mail, but part of it could not be read.")
        kind = "mail that was reported as abuse" if odds > 0 else "wanted mail"
        return Signal(
            probability(odds), f"The message is built like {kind}. {words}".strip(), {"log_odds": round(odds, 3), "cues": [*found]}
        )
