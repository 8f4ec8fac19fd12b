"""likeness: made as the accounts of series are made at this site, in traits that are weak each.

    {"signup.likeness": 2.4, "signup.likeness_of": ["email.number", "form_ms"]}      ->  Signal(0.79, "The account is made like those of series …")

Learned at the site from the groups that the graph finds (domains/signup/traits.py). By itself it leads to no check, however great it is: people
choose names of any form. It counts in full where the account is linked to another one by itself, or comes in a burst.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values, number
from wardline.engine.signal import SILENT, Signal, probability

QUIET_NATS = 0.5
ALONE = 1.3
MOST = 3.0
BURST_BITS = 12.0
LINK_BITS = 14.0
BURSTS = tuple(f"burst.{name}" for name in ("browser", "name_form", "name_browser", "address_form", "address_browser"))
SAID = {"name.number": "number in the name", "email.number": "number in the address", "form_ms": "time spent on the form"}


class Likeness(Detector[Any]):
    """Weak traits that accounts of series have here."""

    name = "signup.likeness"
    reads = (
        "signup.likeness",
        "signup.likeness_of",
        "graph.cluster_size",
        "graph.rare_shared",
        "graph.very_rare_shared",
        "graph.link_bits",
        "burst.network",
        *BURSTS,
    )
    cost_us = 0.8

    def judge(self, values: Values) -> Signal:
        """Silent where nothing was learned yet, and for whoever is made like most people."""
        nats = values.get("signup.likeness")
        if not isinstance(nats, int | float):
            return Signal(None, "Too little is known of what series look like here.")
        if nats <= QUIET_NATS:
            return SILENT
        of = values.get("signup.likeness_of")
        names = [SAID.get(str(name), str(name).split(".")[0].replace("_", " ")) for name in of] if isinstance(of, list) else []
        what = f" ({', '.join(names)})" if names else ""
        most = MOST if _linked(values) or _bursts(values) else ALONE
        return Signal(probability(min(nats - QUIET_NATS, most)), f"The account is made like those of series here{what}.", {"nats": nats})


def _linked(values: Values) -> bool:
    own = number(values, "graph.rare_shared") >= 2 or number(values, "graph.very_rare_shared") >= 1
    return own and number(values, "graph.link_bits") > LINK_BITS


def _bursts(values: Values) -> bool:
    """A burst at one place says nothing more: a class is one."""
    return number(values, "burst.network") <= BURST_BITS and any(number(values, name) > BURST_BITS for name in BURSTS)
