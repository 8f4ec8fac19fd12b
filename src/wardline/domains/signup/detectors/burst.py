"""burst: much more of the same than usual, in several respects at once.

    {"burst.browser": 44.5, "burst.name_form": 18.6, "burst.count": 11}      ->  Signal(0.98, "Many accounts of the same browser and the same form of name …")

A single respect says little: a dormitory opens many accounts behind one address, a new telephone comes out, a surname is common. What strangers do not have in common
is several at once. The baseline is each key's own, and the whole stream's (engine/groups/bursts.py).
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values, number
from wardline.engine.signal import SILENT, Signal, probability

RESPECTS = {
    "network": ("burst.network", "burst.place_browser"),
    "browser": ("burst.browser", "burst.region_agent"),
    "form of name": ("burst.name_form", "burst.name_browser"),
    "form of address": ("burst.address_form", "burst.address_browser"),
    "invitation": ("burst.invitation",),
}
FORMS = {"form of name", "form of address"}  # most addresses are made of the name: together they are one respect
SETTING = {"network", "browser", "invitation"}
QUIET_BITS = 7.0
BITS_PER_UNIT = 7.0
MOST = 2.2
ALONE = 0.6


class Burst(Detector[Any]):
    """Bursts in the respects that strangers do not share."""

    name = "signup.burst"
    reads = (*(name for names in RESPECTS.values() for name in names), "burst.count")
    cost_us = 3.0

    def judge(self, values: Values) -> Signal:
        """Silent below what chance does; bounded for a single respect."""
        found: dict[str, float] = {}
        for respect, names in RESPECTS.items():
            if weight := _weight(max([number(values, name) for name in names])):
                found[respect] = weight
        if not found:
            return SILENT
        if "network" in found:
            weight = self._at_one_place(found, values)
        else:
            weight = sum(found.values())
            if len(found) == 1 or set(found) == FORMS:
                weight = min(weight, ALONE)
        same = " and the same ".join(found)
        return Signal(probability(weight), f"Many accounts of the same {same} were opened lately.", {"count": values.get("burst.count")})

    @staticmethod
    def _at_one_place(found: dict[str, float], values: Values) -> float:
        """A class or a company opens accounts at one place, with one kind of browser and one invitation: together they are one respect. And
        every form of name that its people have bursts with their browser: only forms that burst everywhere count."""
        setting = min(max([found[respect] for respect in SETTING if respect in found]), ALONE)
        return setting + _weight(number(values, "burst.name_form")) + _weight(number(values, "burst.address_form"))


def _weight(bits: float) -> float:
    """0 for what chance does."""
    return min((bits - QUIET_BITS) / BITS_PER_UNIT, MOST) if bits > QUIET_BITS else 0.0
