"""Hidden text: words that a filter reads and a person does not, or the other way round.

    font-size:0 around 4,000 characters of a novel; "P\u200ba\u200by\u200bP\u200bal"  ->  Signal(0.92, "Words are split by invisible characters.")

Honest newsletters hide things too: a preheader (display:none, a line of text, filled up with invisible characters) and a second layout for telephones. So
`display` alone is weak whatever its amount; text in the colour of its background, of no size, or off the screen has no honest use.
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, opinion, strings, whole
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal

CUES: Mapping[str, Cue] = {
    "split_words": Cue(2.4, "Words are split by invisible characters."),
    "colour": Cue(1.5, "Much text has the colour of its background."),
    "size": Cue(1.3, "Much text is too small to be seen."),
    "offscreen": Cue(1.3, "Much text is placed off the screen."),
    "opacity": Cue(0.9, "Much text is transparent."),
    "outweighs": Cue(1.0, "More text is hidden than shown."),
}
PREHEADER_CHARS = 400  # hidden text up to here is usual
SPLIT_WORDS = 3
TEXT_CHARS = 40_000
# Between letters of scripts that have no use for joiners; a soft hyphen is honest typography and is left alone.
_SPLIT = re.compile("[A-Za-z\u0400-\u04ff][\u200b\u200c\u200d\u2060\ufeff]{1,8}(?=[A-Za-z\u0400-\u04ff])")
_MARKS = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff")
_WAYS = ("colour", "size", "offscreen", "opacity")


class HiddenText(Detector[Mail]):
    """How much is hidden, in which manner, and whether words are split by invisible characters."""

    name = "hidden_text"
    reads = ("hidden_text.chars", "hidden_text.visible_chars", "hidden_text.ways", "hidden_text.split_words")
    cost_us = 3.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """hidden_text.chars, .visible_chars: int; .ways: list of manners; .split_words: int, at most 1,000 are counted."""
        split = 0
        text = subject.visible_text
        if not text.isascii() or not subject.subject.isascii():
            text = f"{subject.subject} {text[:TEXT_CHARS]}"
            if any(mark in text for mark in _MARKS):
                for _ in _SPLIT.finditer(text):
                    split += 1
                    if split >= 1_000:
                        break
        return {
            "hidden_text.chars": subject.html.hidden_chars,
            "hidden_text.visible_chars": len(subject.visible_text),
            "hidden_text.ways": [*subject.html.hidden_by[:8]],
            "hidden_text.split_words": split,
        }

    def judge(self, values: Values) -> Signal:
        """Split words, then manner and amount."""
        chars, visible = whole(values.get("hidden_text.chars")), whole(values.get("hidden_text.visible_chars"))
        ways = strings(values.get("hidden_text.ways"))
        flags: list[Scalar] = ["split_words"] if (whole(values.get("hidden_text.split_words")) or 0) >= SPLIT_WORDS else []
        if chars is not None and chars > PREHEADER_CHARS:
            flags.extend(way for way in _WAYS if way in ways)
            if visible is not None and chars > 2 * visible and flags:
                flags.append("outweighs")
        return opinion(flags, CUES)
