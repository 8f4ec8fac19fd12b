"""Poisoners: they behave well first, so that what is learned about their networks is good; then they attack from there.

Some accounts of their own are opened one by one and used daily for weeks, from the addresses of one or two blocks of a hoster. Then the same addresses try
bought passwords, with a success of an own account after every few failures, so that the share of failures stays small.
"""

from typing import Any

from wardline.city.agents import Device, make_device
from wardline.city.attackers.campaign import NEXT, STOPPED, Campaign, Span, Try, ransack, soon
from wardline.city.names import email_address, person_name, user_name
from wardline.city.person import Person
from wardline.city.streams import exponential, lognormal, pick, token, whole
from wardline.city.town import DAY, HOUR, SECOND, Town
from wardline.city.world import COUNTRIES, HOME_COUNTRY, dotted


class Own:
    """An account of the poisoner's, with a cookie that it keeps."""

    __slots__ = ("account", "device", "entities", "id", "key")

    def __init__(self, account: str, device: Device, key: str) -> None:
        self.account, self.device, self.key = account, device, key
        self.id = self.entities = ""


class Poison(Campaign):
    """One of them."""

    gives_up_after = 120

    def __init__(self, town: Town, people: list[Person], kind: str, number: int) -> None:
        super().__init__(town, kind, number)
        self.people = people
        r = self.r
        self.span = Span.of(town, 0.03, 0.12)
        self.strikes_ms = town.start_ms + int((town.end_ms - town.start_ms) * (0.5 + 0.4 * r.random()))
        self.left = max(int(town.plan.users * 0.05), 15)
        self.country = HOME_COUNTRY.draw(r)
        self.owned: list[Own] = []
        self.waiting = whole(r, 10, 24)
        self.padding = 0
        self.pool: list[str] = []
        self._at = int(r.random() * town.plan.users)
        self.rotate(town)

    def rotate(self, town: Town) -> None:
        """Other blocks of a hoster; what was learned about the old ones is lost to it."""
        hoster = pick(self.r, town.world.hosters)
        block = hoster.first + int(self.r.random() * hoster.size) // 256 * 256
        self.pool = [dotted(block + whole(self.r, 2, 250)) for _ in range(20)]

    def begin(self, town: Town) -> None:
        """Early."""
        town.at(self.span.moment(self.r), self, "open")
        town.at(self.strikes_ms, self, NEXT)

    def act(self, town: Town, now_ms: int, stage: Any) -> None:
        """Open accounts, keep them alive, or strike."""
        r = self.r
        if stage == "open":
            self.waiting -= 1
            self._open(town, now_ms)
            if self.waiting > 0 and not self.over:
                town.at(now_ms + 2 * HOUR + int(exponential(r) * 8 * HOUR), self, "open")
        elif stage == NEXT:
            self._strike(town, now_ms)
        elif stage[0] == "asked":
            self._asked(town, now_ms, stage[1])
        else:
            own: Own = stage[1]
            self._own_login(town, now_ms, own)
            if now_ms < self.strikes_ms:
                town.at(now_ms + 6 * HOUR + int(exponential(r) * 18 * HOUR), self, ("live", own))

    def _open(self, town: Town, now_ms: int) -> None:
        r, land = self.r, COUNTRIES[self.country]
        first, last = person_name(r)
        name = user_name(r, first, last)
        own = Own(f"u{token(r, 10)}", make_device(r, pick(r, ("laptop", "phone")), land.languages[0], land.zone), token(r))
        address = email_address(r, first, last, name)
        own.entities = f'"account":"{own.account}","ip":"{pick(r, self.pool)}","device":"{own.key}","email":"{address}"'
        form = int(lognormal(r, 40_000, 0.6))
        fields = f'"username":"{name}","display_name":"{first} {last}","email":"{address}","form_ms":{form},"payment":"none",'
        own.id = town.write("signup", now_ms, "", own.entities, fields + own.device.fragment(now_ms / DAY))
        town.tell(own.id, "signup", own.account, self.who, self.kind, "farm", ',"hosting"', 0, True)
        self._seen(now_ms)
        self.attempts += 1
        town.at(now_ms + 40 * SECOND, self, ("asked", own))

    def _asked(self, town: Town, now_ms: int, own: Own) -> None:
        verdict = town.verdict(own.id)
        self.learn(town, verdict)
        if verdict == "challenge" and self.r.random() < 0.6:
            town.write("signup.outcome", now_ms, own.id, own.entities, '"result":"challenge_passed"')
        elif verdict in STOPPED:
            return
        town.write("signup.outcome", now_ms, own.id, own.entities, '"result":"completed"')
        self.accounts += 1
        self.owned.append(own)
        town.at(now_ms + HOUR, self, ("live", own))

    def _own_login(self, town: Town, now_ms: int, own: Own) -> None:
        client = own.device.fragment(now_ms / DAY)
        self.attempt(town, now_ms, None, own.account, True, pick(self.r, self.pool), client, device=own.key, what="own")

    def _strike(self, town: Town, now_ms: int) -> None:
        r = self.r
        if self.over or self.left <= 0:
            return
        self.padding += 1
        if self.owned and self.padding % 3 == 0:
            self._own_login(town, now_ms, pick(r, self.owned))
        else:
            self.left -= 1
            person = self.people[(self._at + self.left * 1_000_003) % len(self.people)]
            if person.born_ms <= now_ms:
                land = COUNTRIES[self.country]
                device = (
                    self.owned[self.left % len(self.owned)].device if self.owned else make_device(r, "laptop", land.languages[0], land.zone)
                )
                ip = pick(r, self.pool)
                self.attempt(town, now_ms, person, person.account, r.random() < 0.03, ip, device.fragment(now_ms / DAY), what="strike")
        town.at(now_ms + self.wait_ms(40 * SECOND), self, NEXT)

    def entered(self, town: Town, now_ms: int, tried: Try) -> None:
        """What was entered by a strike is emptied later."""
        if tried.what == "strike" and self.r.random() < 0.5:
            ransack(self, town, now_ms + soon(self.r, 3), tried)


def poisoners(town: Town, people: list[Person], kind: str) -> list[Campaign]:
    """Two, or one for each three weeks."""
    if kind != "poison":
        return []
    return [Poison(town, people, kind, number) for number in range(1, max(2, town.plan.days // 20) + 1)]
