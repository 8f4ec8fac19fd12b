"""Logins as the engine takes a domain: types, intake, facts, counters, policy.

EventPoint(domain=login(), …)
"""

from importlib import resources

from wardline.domains.login.events import DECIDES, KNOWN, NOTES, POINT
from wardline.domains.login.features import COUNTERS
from wardline.domains.login.intake import facts
from wardline.engine.point import EventDomain


def login() -> EventDomain:
    """The domain as it ships."""
    policy = resources.files("wardline.domains.login").joinpath("policy.yaml").read_bytes()
    return EventDomain(point=POINT, decides=DECIDES, notes=NOTES, facts=facts, known=KNOWN, counters=COUNTERS, policy=policy)
