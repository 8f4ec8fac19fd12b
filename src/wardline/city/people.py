"""All honest people: how many are of which kind, who lives with whom, and who joins while the city runs.

    people = settle(town)          everybody who has, will have or only tries for an account

Shares and their sources stand in docs/city.md. Every trait comes from a stream of the person's own, so that more users or other attacks leave
the first ones as they are.
"""

from random import Random

from wardline.city.agents import MAIL_CLIENTS, make_device
from wardline.city.home import Household, Site
from wardline.city.names import person_name, user_name
from wardline.city.newcomer import Newcomer
from wardline.city.person import MailClient, Person
from wardline.city.streams import Weighted, exponential, lognormal, pick, stream, token, whole
from wardline.city.town import DAY, HOUR, Town
from wardline.city.week import SHARES
from wardline.city.world import CITIES, COUNTRIES, HOME_COUNTRY

JOINS = 0.25  # of all people join while the city runs
RARE = 0.1  # look in once a month or less
SHARE_FAMILY = 0.3
SHARE_DORMITORY = 0.04
SHARE_POOL = 0.2
SHARE_OFFICE = 0.45
SHARE_CLIENT = 0.06
OFFICE_SIZE, DORMITORY_SIZE = 12, 40
_CURVES = Weighted(SHARES)
_PROVIDERS = Weighted({0: 0.5, 1: 0.3, 2: 0.2})
_FAMILY = Weighted({2: 5, 3: 3, 4: 2})


class _Streets:
    """Households, offices and dormitories that still have room."""

    def __init__(self) -> None:
        self.families: dict[int, tuple[Household, int]] = {}
        self.offices: dict[int, Site] = {}
        self.dormitories: dict[int, Site] = {}


def settle(town: Town) -> list[Person]:
    """Everybody; each is on the clock afterwards."""
    streets, people = _Streets(), []
    for number in range(town.plan.users):
        r = stream(town.plan.seed, f"person/{number}")
        person = _person(town, r, streets)
        people.append(person)
        span = town.end_ms - town.start_ms
        if r.random() < JOINS:
            person.born_ms = town.start_ms + int(r.random() * span)
            town.at(person.born_ms, Newcomer(person, lost=False))
        else:
            person.born_ms = town.start_ms - int(r.random() * 1500 * DAY)
            person.begin(town, town.start_ms + int(r.random() * 4 * HOUR))
        if r.random() < SHARE_CLIENT:
            client = MailClient(person, pick(r, MAIL_CLIENTS), min(lognormal(r, 2, 0.7), 12))
            town.at(max(person.born_ms + 2 * DAY, town.start_ms + int(exponential(r) * HOUR * 6)), client)
    for number in range(round(town.plan.users * JOINS * 0.12)):
        r = stream(town.plan.seed, f"visitor/{number}")
        visitor = _person(town, r, streets)
        town.at(town.start_ms + int(r.random() * (town.end_ms - town.start_ms)), Newcomer(visitor, lost=True))
    return people


def _person(town: Town, r: Random, streets: _Streets) -> Person:
    country = HOME_COUNTRY.draw(r)
    rate = lognormal(r, 0.75, 0.8) if r.random() >= RARE else 0.02 + 0.02 * r.random()
    carrier = pick(r, town.world.carriers[country])
    person = Person(f"u{token(r, 10)}", country, _CURVES.draw(r), 7 * min(rate, 9.0), _home(town, r, country, streets), carrier)
    land = COUNTRIES[country]
    person.language = land.languages[0] if r.random() < 0.75 else pick(r, land.languages)
    person.name = user_name(r, *person_name(r))
    factor = r.random()
    person.factor = "key" if factor < 0.01 else "totp" if factor < 0.08 else "none"
    person.slips = min(max(lognormal(r, 0.025, 0.6), 0.003), 0.15)
    person.trips_year = 12.0 if r.random() < 0.07 else 2.0 if r.random() < 0.7 else 0.2
    person.devices.append(make_device(r, "phone", person.language, land.zone))
    if r.random() < SHARE_OFFICE:
        person.office = _office(town, r, country, streets)
        person.devices.append(make_device(r, "work", person.language, land.zone))
    if r.random() < 0.72:
        person.devices.append(make_device(r, "laptop", person.language, land.zone))
    if r.random() < 0.18:
        person.devices.append(make_device(r, "tablet", person.language, land.zone))
    anonymous = r.random()
    if anonymous < 0.008:
        person.anonymous = "tor"
        person.devices.append(make_device(r, "tor", "en-US,en;q=0.5", "UTC"))
    elif anonymous < 0.06:
        person.anonymous, person.exit = "vpn", int(r.random() * len(town.world.vpns))
    return person


def _home(town: Town, r: Random, country: int, streets: _Streets) -> Household | Site:
    kind = r.random()
    if kind < SHARE_DORMITORY:
        dormitory = streets.dormitories.get(country)
        if dormitory is None or dormitory.members >= DORMITORY_SIZE:
            dormitory = streets.dormitories[country] = Site(town.world.dormitories[country], r, ',"shared_nat","dormitory"')
        dormitory.members += 1
        return dormitory
    if kind < SHARE_DORMITORY + SHARE_FAMILY and country in streets.families:
        home, room = streets.families.pop(country)
        if room > 1:
            streets.families[country] = home, room - 1
        home.members += 1
        return home
    network = town.world.access[country][_PROVIDERS.draw(r)][whole(r, 0, CITIES - 1)]
    six = network.site(r) if r.random() < COUNTRIES[country].six else ""
    home = Household(network, six, r.random() < SHARE_POOL, 0.0 if r.random() < 0.45 else lognormal(r, 20, 1.0))
    home.members = 1
    if kind < SHARE_DORMITORY + SHARE_FAMILY:
        streets.families[country] = home, _FAMILY.draw(r) - 1
    return home


def _office(town: Town, r: Random, country: int, streets: _Streets) -> Site:
    office = streets.offices.get(country)
    if office is None or office.members >= OFFICE_SIZE or r.random() < 0.1:
        office = streets.offices[country] = Site(town.world.offices[country], r, ',"office"')
    office.members += 1
    return office
