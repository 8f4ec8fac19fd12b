"""Sign-ups as the engine takes a domain: types, intake, facts, counters, policy.

EventPoint(domain=signup(), …)
"""

from importlib import resources

from wardline.domains.signup.blocks import bursts
from wardline.domains.signup.detectors import ALL
from wardline.domains.signup.events import DECIDES, KNOWN, NOTES, POINT
from wardline.domains.signup.features import COUNTERS
from wardline.domains.signup.intake import facts
from wardline.domains.signup.links import graph
from wardline.engine.point import EventDomain


def signup() -> EventDomain:
    """The domain as it ships."""
    policy = resources.files("wardline.domains.signup").joinpath("policy.yaml").read_bytes()
    return EventDomain(
        point=POINT,
        decides=DECIDES,
        notes=NOTES,
        facts=facts,
        known=KNOWN,
        counters=COUNTERS,
        policy=policy,
        states=(graph, bursts),
        detectors=tuple(kind() for kind in ALL),
    )
