"""returns: what the account carries came back too often in too short a stretch of the site's history.

    {"recurs.name": 14.2}                                     ->  Signal(0.98, "The same name came back more often lately than chance lets it.")
    {"recurs.network_domain": 6.1, "recurs.address": 4.0}     ->  Signal(0.87, "The same network and mail domain and the same address came back …")

Each value is the log of how unlikely chance makes it (engine/groups/recurrence.py), so respects add up. A name and a telephone number stand by themselves. Everything else strangers may
share: a young mail domain may be a new company's, a busy network a carrier's. So it counts less for an account that is made as honest ones are made here
(`signup.likeness`), and by itself leads to a mild check at most.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values, number
from wardline.engine.signal import SILENT, Signal, probability

# What comes back -> nats from which it counts, share of the rest that counts, most.
OWN = {"name": (5.5, 0.5, 4.0)}
SHARED = {
    "mail domain": (5.0, 0.5, 2.5),
    "browser": (8.0, 0.5, 1.5),
    "address": (1.5, 0.8, 2.5),
    "network": (4.0, 0.25, 1.0),
}
AT_PLACE = {
    "network and browser": (2.0, 0.5, 2.0),
    "network and mail domain": (2.0, 0.6, 2.5),
    "network and form of address": (2.5, 0.4, 1.5),
}
PHONES = (0.0, 0.8, 2.3, 3.2, 4.0)  # accounts that gave the number before, and their weight
SHARED_MOST, PLACE_MOST = 3.5, 3.0
LIKENESS_FREE, LIKENESS_SHARE, UNKNOWN = -0.75, 0.65, -3.25
VALUE_OF = {
    "network and browser": "network_browser",
    "network and mail domain": "network_domain",
    "network and form of address": "network_form",
}


class Returns(Detector[Any]):
    """Names, numbers, domains, browsers and places that come back."""

    name = "signup.returns"
    reads = (
        "recurs.name",
        "recurs.mail_domain",
        "recurs.browser",
        "recurs.address",
        "recurs.network",
        "recurs.network_browser",
        "recurs.network_domain",
        "recurs.network_form",
        "recurs.phone_count",
        "signup.likeness",
    )
    cost_us = 4.0

    def judge(self, values: Values) -> Signal:
        """Silent for what chance does."""
        own, shared, place = _weights(values, OWN), _weights(values, SHARED), _weights(values, AT_PLACE)
        phones = int(number(values, "recurs.phone_count"))
        if phones > 0:
            own["telephone number"] = PHONES[min(phones, len(PHONES) - 1)]
        likeness = values.get("signup.likeness")
        made = float(likeness) if isinstance(likeness, int | float) else UNKNOWN
        weight = min(sum(shared.values()) + min(sum(place.values()), PLACE_MOST), SHARED_MOST)
        weight = max(weight - LIKENESS_SHARE * max(LIKENESS_FREE - made, 0.0), 0.0)
        found = {**own, **shared, **place} if weight else own
        weight += sum(own.values())
        if not weight:
            return SILENT
        what = " and the same ".join(sorted(found, key=lambda respect: -found[respect])[:2])
        return Signal(probability(weight), f"The same {what} came back more often lately than chance lets it.", {"respects": len(found)})


def _weights(values: Values, respects: dict[str, tuple[float, float, float]]) -> dict[str, float]:
    found = {}
    for respect, (free, share, most) in respects.items():
        nats = number(values, "recurs." + VALUE_OF.get(respect, respect.replace(" ", "_")))
        if nats > free:
            found[respect] = min((nats - free) * share, most)
    return found
