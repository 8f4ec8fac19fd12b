"""GTUBE: the 68 bytes that every filter agrees to call spam, so that an administrator can test the way of a message.

XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X      (https://spamassassin.apache.org/gtube/)
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.signal import SILENT, Signal

# In two pieces, so that this file is not a test message itself.
STRING = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


class Gtube(Detector[Mail]):
    """The exact test string in what a person sees."""

    name = "gtube"
    reads = ("gtube.found",)
    cost_us = 0.5

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """gtube.found: bool."""
        return {"gtube.found": STRING in subject.visible_text or STRING in subject.subject}

    def judge(self, values: Values) -> Signal:
        """Certain when the string is there; a message without it says nothing."""
        if values.get("gtube.found") is True:
            return Signal(
                0.9999, "This is a test: the message holds the agreed test string GTUBE, which every filter treats as spam.", {"test": True}
            )
        return SILENT
