"""Lists: the allow and block entries of this site that match who really sent the message.

    list.block = ["b-17 (owner: postmaster)"]  ->  Signal(0.995, "An entry of the block list matches: b-17 (owner: postmaster).")

Entries match authenticated identities only (a DMARC-aligned or signing domain, a client address or network), never a bare From; that is the
business of whoever fills these values. An entry that allows outweighs one that blocks only when it stands alone: two people of the site disagree then,
and the filter stays out of it.
"""

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import strings
from wardline.engine.detector import Detector
from wardline.engine.feature import Values, bounded
from wardline.engine.signal import SILENT, Signal

BLOCK_SCORE = 0.995
ALLOW_SCORE = 0.005
NAMES_SHOWN = 3


class Lists(Detector[Mail]):
    """Block and allow entries that matched."""

    name = "lists"
    reads = ("list.allow", "list.block")
    cost_us = 0.5

    def judge(self, values: Values) -> Signal:
        """Block, allow, or no opinion when the lists contradict each other."""
        allow, block = strings(values.get("list.allow")), strings(values.get("list.block"))
        if allow and block:
            shown = ", ".join([*allow[:NAMES_SHOWN], *block[:NAMES_SHOWN]])
            return Signal(None, f"Entries of the allow list and of the block list match both: {shown}. The other detectors decide.")
        if block:
            return Signal(
                BLOCK_SCORE, f"The block list of this site matches: {', '.join(block[:NAMES_SHOWN])}.", {"entries": bounded([*block])}
            )
        if allow:
            return Signal(
                ALLOW_SCORE, f"The allow list of this site matches: {', '.join(allow[:NAMES_SHOWN])}.", {"entries": bounded([*allow])}
            )
        return SILENT
