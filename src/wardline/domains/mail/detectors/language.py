"""Language: words that mix scripts so that a filter does not read what a person reads. Never a penalty for a foreign language.

    "Your pаyраl account" (with Cyrillic а, р)  ->  Signal(0.90, "Words mix letters of different alphabets that look alike.")

Only look-alike letters inside words of another script count (UTS #39 confusables of Latin in Cyrillic and Greek), because honest people join scripts too:
"USB-кабель", "SMSка", "µm". Mathematical and other decorated alphabets count in the subject only, and little: advertisers love them.
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, opinion, whole
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal

CUES: Mapping[str, Cue] = {
    "mixed_name": Cue(2.4, "The sender's name mixes letters of different alphabets that look alike."),
    "mixed_subject": Cue(2.2, "The subject mixes letters of different alphabets that look alike."),
    "mixed_text": Cue(1.8, "Words mix letters of different alphabets that look alike."),
    "decorated_subject": Cue(1.0, "The subject is written in decorative letters."),
}
TEXT_CHARS = 40_000
TEXT_WORDS = 3
COUNT_LIMIT = 1_000
_LIKE_LATIN = "аеорсухіјѕԁԛԝһӏАВЕКМНОРСТУХІЈЅαοορνιυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
# A look-alike between two letters of the other script, or at a word's head before two of them.
_MIXED = re.compile(
    f"(?<=[A-Za-z])[{_LIKE_LATIN}]{{1,4}}(?=[A-Za-z])|(?<![\\w])[{_LIKE_LATIN}](?=[A-Za-z]{{2}})|(?<=[\u0430-\u044f])[aeopcyxi](?=[\u0430-\u044f])"
)
_BEYOND_LATIN = re.compile("[\u0370-\u052f]")  # Greek and Cyrillic
_DECORATED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff5a\u24b6-\u24e9\U0001f130-\U0001f189]")


def mixed(text: str) -> int:
    """How many places mix look-alike letters into a word of another script; at most 1,000 are counted."""
    first = None if text.isascii() else _BEYOND_LATIN.search(text)
    if first is None:
        return 0
    count = 0
    for _ in _MIXED.finditer(text, first.start()):  # every such place holds a letter of those alphabets or stands behind one
        count += 1
        if count >= COUNT_LIMIT:
            break
    return count


class Language(Detector[Mail]):
    """Scripts mixed inside words; the script itself is recorded and never judged."""

    name = "language"
    reads = ("language.mixed_name", "language.mixed_subject", "language.mixed_text", "language.decorated_subject")
    cost_us = 10.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """language.script: str; counts of mixed places in name, subject and text, and of decorated letters in the subject."""
        title = subject.subject[:1_000]
        return {
            "language.script": subject.language[:20] if subject.language.isascii() else "",
            "language.mixed_name": mixed(subject.sender.display[:500]),
            "language.mixed_subject": mixed(title),
            "language.mixed_text": mixed(subject.visible_text[:TEXT_CHARS]),
            "language.decorated_subject": 0 if title.isascii() else len(_DECORATED.findall(title)),
        }

    def judge(self, values: Values) -> Signal:
        """Silent on every language as people write it."""
        least = {"mixed_name": 1, "mixed_subject": 1, "mixed_text": TEXT_WORDS, "decorated_subject": 4}
        flags: list[Scalar] = [name for name, count in least.items() if (whole(values.get(f"language.{name}")) or 0) >= count]
        return opinion(flags, CUES, "No words mix alphabets.")
