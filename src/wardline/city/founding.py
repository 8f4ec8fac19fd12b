"""Founding: a town with its people and those who will attack them, everybody on the clock.

town = found(Plan(users=300, days=10))      or found(plan, door): everybody acts on what a real door says
for events, truths in town.run(): …
"""

from wardline.city.attackers import recruit
from wardline.city.people import settle
from wardline.city.plan import Plan
from wardline.city.town import Door, Town


def found(plan: Plan, door: Door | None = None) -> Town:
    """The town of a plan, about to run."""
    town = Town(plan, door)
    town.campaigns = recruit(town, settle(town))
    return town
