"""Attackers: one file for each way to attack; a campaign has an id, and learns from what the door says.

recruit(town, people)      all campaigns of the plan, on the clock
"""

from wardline.city.attackers.campaign import Campaign
from wardline.city.attackers.farm import farms
from wardline.city.attackers.guessing import guessers
from wardline.city.attackers.poison import poisoners
from wardline.city.attackers.takeover import takeovers
from wardline.city.person import Person
from wardline.city.town import Town


def recruit(town: Town, people: list[Person]) -> list[Campaign]:
    """The campaigns of every kind that the plan asks for, each with a stream of its own."""
    found: list[Campaign] = []
    for kind in town.plan.attacks:
        for make in (guessers, takeovers, farms, poisoners):
            found += make(town, people, kind)
    for campaign in found:
        campaign.begin(town)
    return found
