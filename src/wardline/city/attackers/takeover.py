"""Attacks with the right password on one account at a time.

    naive            any place, any client
    targeted_city    the victim's city, another provider, another client
    targeted_asn     the victim's city and provider, another client
    targeted_agent   the victim's city, provider and exact user agent, language and time zone
    phish            a relay has taken the password, the user agent, the screen and the cookie; only the network is the attacker's
    recovery         any place; what counts is what follows: recovery address, forward rule, mass export

Victims are drawn from everybody who has an account by then, over most of the run, so that there are some with no history and some with hundreds of logins.
"""

from typing import Any

from wardline.city.agents import make_device
from wardline.city.attackers.campaign import NEXT, Campaign, Span, Try, ransack, soon
from wardline.city.home import Household
from wardline.city.person import Person
from wardline.city.streams import pick, token, whole
from wardline.city.town import DAY, HOUR, MINUTE, Town
from wardline.city.world import COUNTRIES, HOME_COUNTRY, Network

# Victims of all campaigns of the kind, as a share of the users, and victims for each campaign.
VICTIMS = {
    "naive": (0.03, 12),
    "targeted_city": (0.025, 5),
    "targeted_asn": (0.025, 5),
    "targeted_agent": (0.025, 5),
    "phish": (0.02, 15),
    "recovery": (0.01, 6),
}
PASSES = {"naive": 0.03, "recovery": 0.05, "phish": 0.3}


class Takeover(Campaign):
    """One crew and its victims."""

    gives_up_after = 40

    def __init__(self, town: Town, people: list[Person], kind: str, number: int, victims: int) -> None:
        super().__init__(town, kind, number)
        self.people = people
        self.left = victims
        self.span = Span.of(town, 0.04, 0.98)
        self.passes_challenge = PASSES.get(kind, 0.08)
        r = self.r
        country = pick(r, COUNTRIES)
        self.device = make_device(r, pick(r, ("laptop", "phone")), country.languages[0], country.zone)
        self.hosts: list[str] = []
        self.rotate(town)

    def rotate(self, town: Town) -> None:
        """Other hosts for the crew's relays, and another client."""
        hoster: Network = pick(self.r, town.world.hosters)
        self.hosts = [hoster.address(self.r) for _ in range(4)]

    def begin(self, town: Town) -> None:
        """A moment for each victim."""
        for _ in range(self.left):
            town.at(self.span.moment(self.r), self, NEXT)

    def act(self, town: Town, now_ms: int, stage: Any) -> None:
        """A new victim, or back to one that was entered."""
        if self.over:
            return
        if stage != NEXT:
            tried, ip, device, password = stage
            person = tried.person
            self.attempt(town, now_ms, person, person.account, person.password == password, ip, tried.client, device=device, what="again")
            return
        r = self.r
        person = pick(r, self.people)
        if person.born_ms > now_ms or person.taken_by:
            return
        ip, client, device = self.disguise(town, now_ms, person)
        self.attempt(town, now_ms, person, person.account, True, ip, client, device=device, what=f"{ip} {device}")

    def disguise(self, town: Town, now_ms: int, person: Person) -> tuple[str, str, str]:
        """Address, client fields and cookie for this victim."""
        r, world, kind, day = self.r, town.world, self.kind, now_ms / DAY
        if kind in ("naive", "recovery"):
            chosen = r.random()
            if chosen < 0.35:
                return pick(r, self.hosts), self.device.fragment(day), token(r)
            if chosen < 0.45:
                return pick(r, pick(r, world.vpns)).address(r), self.device.fragment(day), token(r)
            country = HOME_COUNTRY.draw(r) if r.random() < 0.5 else whole(r, 0, len(COUNTRIES) - 1)
            land = COUNTRIES[country]
            client = make_device(r, pick(r, ("laptop", "phone")), land.languages[0], land.zone)
            return world.proxy(r, country), client.fragment(day), token(r)
        known = pick(r, person.devices[:2])
        if kind == "phish":
            ip = pick(r, self.hosts) if r.random() < 0.5 else world.proxy(r, person.country)
            return ip, known.fragment(day), known.key if not known.forgets else token(r)
        network = _home_network(town, person, r)
        if kind == "targeted_city":
            network = _neighbour(town, network, r)
        if kind == "targeted_agent":
            return network.address(r), known.fragment(day), token(r) if r.random() < 0.5 else ""
        land = COUNTRIES[person.country]
        other = make_device(r, pick(r, ("laptop", "phone")), person.language if r.random() < 0.5 else land.languages[0], land.zone)
        return network.address(r), other.fragment(day), token(r)

    def entered(self, town: Town, now_ms: int, tried: Try) -> None:
        """Look around, come back, take what is there."""
        r = self.r
        assert tried.person is not None
        if self.kind == "recovery" or r.random() < 0.45:
            ransack(self, town, now_ms, tried)
        if tried.what != "again":
            ip, _, device = tried.what.partition(" ")
            for _ in range(whole(r, 0, 3)):
                town.at(now_ms + 20 * MINUTE + soon(r, 10), self, (tried, ip, device, tried.person.password))
        if self.kind == "recovery" and tried.what != "again" and r.random() < 0.7:
            self.session(town, now_ms + HOUR + soon(r, 2), tried, "password_change", 1)

    def failed(self, town: Town, now_ms: int, tried: Try, verdict: str) -> None:
        """One more try from elsewhere on the next day, if there was a door that said no."""
        if verdict in ("challenge", "hold") and tried.what != "again" and tried.person is not None and self.r.random() < 0.5:
            town.at(now_ms + DAY, self, NEXT)


def _home_network(town: Town, person: Person, r: Any) -> Network:
    if isinstance(person.home, Household):
        return person.home.network
    return pick(r, pick(r, town.world.access[person.country]))


def _neighbour(town: Town, network: Network, r: Any) -> Network:
    """Another provider's network in the same city."""
    return pick(r, [other[network.city] for other in town.world.access[network.country] if network not in other])


def takeovers(town: Town, people: list[Person], kind: str) -> list[Campaign]:
    """The crews of one kind."""
    if kind not in VICTIMS:
        return []
    share, each = VICTIMS[kind]
    victims = max(round(town.plan.users * share), 3)
    crews = max(victims // each, 1)
    return [Takeover(town, people, kind, number + 1, victims // crews + (number < victims % crews)) for number in range(crews)]
