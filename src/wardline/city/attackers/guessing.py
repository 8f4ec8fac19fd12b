"""Attacks on many accounts whose passwords are guessed or bought in bulk: stuffing, spraying, low and slow.

stuffing     a bought list of names and passwords: most names are nobody's here, each pair is tried once, about one in a hundred fits
spraying     a few common passwords on many known names, round after round, from few addresses
low_slow     a list as in stuffing, each try from another home's address, minutes to hours apart, for weeks
"""

from typing import Any

from wardline.city.agents import SCRIPTS, Device, fragment, make_device
from wardline.city.attackers.campaign import NEXT, Campaign, Span, Try, ransack, soon
from wardline.city.person import Person
from wardline.city.streams import between, pick, token, whole
from wardline.city.town import DAY, HOUR, MINUTE, SECOND, Town
from wardline.city.world import COUNTRIES, Network, dotted


class Guessing(Campaign):
    """The three of them: they differ in numbers and networks."""

    gives_up_after = 150

    def __init__(self, town: Town, people: list[Person], kind: str, number: int) -> None:
        super().__init__(town, kind, number)
        self.people = people
        r, users = self.r, town.plan.users
        self.span = Span.of(town, 0.25, 0.92)
        self.known_share, self.hit_share, self.rounds = 0.45, between(r, 0.006, 0.02), 1
        size = between(r, 0.12, 0.5) * users
        self.gap_ms = between(r, 1.5, 12.0) * SECOND
        self.proxies = r.random() < 0.35
        if kind == "spraying":
            self.known_share, self.hit_share, self.rounds = 0.9, between(r, 0.002, 0.006), whole(r, 2, 4)
            size, self.gap_ms, self.proxies = between(r, 0.1, 0.35) * users, between(r, 3, 40) * SECOND, False
        elif kind == "low_slow":
            self.known_share, self.hit_share, self.proxies = 0.75, between(r, 0.008, 0.02), True
            size = between(r, 0.06, 0.15) * users
            self.gap_ms = max(between(r, 0.15, 0.4) * (town.end_ms - town.start_ms) / max(size, 1), 2.0 * MINUTE)
        self.size = max(int(size), 12)
        self.left = self.size
        self.round = 1
        self.pool: list[str] = []
        self.devices: list[Device] = []
        self.script = pick(r, SCRIPTS) if kind != "low_slow" and r.random() < 0.25 else ""
        # Which accounts: a walk through all of them in steps that share no factor with their number needs no list.
        self._at, self._stride = int(r.random() * users), 0
        self.rotate(town)

    def rotate(self, town: Town) -> None:
        """Other addresses and other clients."""
        r, world = self.r, town.world
        if not self.proxies:
            hoster: Network = pick(r, world.hosters)
            blocks = [hoster.first + int(r.random() * hoster.size) // 256 * 256 for _ in range(whole(r, 1, 4))]
            self.pool = [dotted(pick(r, blocks) + whole(r, 2, 250)) for _ in range(whole(r, 4, 40))]
        elif self.kind == "stuffing":
            self.pool = [world.proxy(r) for _ in range(whole(r, 40, 250))]
        country = pick(r, COUNTRIES)
        self.devices = [
            make_device(r, pick(r, ("laptop", "laptop", "phone")), country.languages[0], country.zone) for _ in range(whole(r, 2, 24))
        ]

    def begin(self, town: Town) -> None:
        """Somewhere in the later part of the run."""
        town.at(self.span.moment(self.r), self, NEXT)

    def act(self, town: Town, now_ms: int, stage: Any) -> None:
        """One more pair, or the return to an account that was entered."""
        if isinstance(stage, tuple):
            tried: Try = stage[0]
            person = tried.person
            right = person is not None and person.password == stage[1]
            ip = pick(self.r, self.pool) if self.pool else town.world.proxy(self.r)
            self.attempt(town, now_ms, person, tried.account, right, ip, tried.client, what="again")
            return
        if self.over or self.left <= 0:
            return
        r = self.r
        self.left -= 1
        person = None
        account = f"u{token(r, 10)}"
        if r.random() < self.known_share:
            person = self.people[self._victim()]
            if person.born_ms > now_ms:
                person = None
            else:
                account = person.account
        right = person is not None and r.random() < self.hit_share
        ip = pick(r, self.pool) if self.pool else town.world.proxy(r, person.country if person and r.random() < 0.5 else None)
        client = fragment(self.script, "", "", "", "") if self.script else pick(r, self.devices).fragment(now_ms / DAY)
        self.attempt(town, now_ms, person, account, right, ip, client)
        if self.left == 0 and self.round < self.rounds:
            self.round += 1
            self.left = self.size
            self._stride = 0
            town.at(now_ms + 2 * HOUR + self.wait_ms(12 * HOUR), self, NEXT)
        else:
            town.at(now_ms + self.wait_ms(self.gap_ms), self, NEXT)

    def _victim(self) -> int:
        """The next account of the walk: all different until everybody had a turn."""
        self._stride += 1
        return (self._at + self._stride * _PRIME) % len(self.people)

    def entered(self, town: Town, now_ms: int, tried: Try) -> None:
        """Half of what is entered is used by somebody later, the rest is sold."""
        if tried.what != "again" and tried.person is not None and self.r.random() < 0.5:
            town.at(now_ms + soon(self.r, 12), self, (tried, tried.person.password))
        elif tried.what == "again" and self.r.random() < 0.5:
            ransack(self, town, now_ms, tried)


_PRIME = 1_000_003  # no factor of any number of users up to the limit


def guessers(town: Town, people: list[Person], kind: str) -> list[Campaign]:
    """Campaigns of one kind: one for each three weeks, at least two."""
    if kind not in ("stuffing", "spraying", "low_slow"):
        return []
    return [Guessing(town, people, kind, number) for number in range(1, max(2, town.plan.days // 20) + 1)]
