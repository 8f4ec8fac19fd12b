"""Farms: accounts opened in bulk, and what becomes of them.

    farm_pattern   one word and a number, few addresses of one hoster, one client, one after the other
    farm_model     names as a language model writes them, proxies, other clients; the form is filled in at an even pace
    farm_jitter    padded names, a VPN and some hosting, pauses from seconds to hours
    farm_rotate    another home's address, client and mail provider each time; a few verification numbers and devices serve them all
    farm_aged      slowly over days; then sleep for weeks with a login now and then; then all awake

An account that was opened logs in, sends in bulk after a while, and is used until the end. What ties a farm together is what it must reuse:
addresses, devices, numbers, domains, invitations, names.
"""

import json
from typing import Any

from wardline.city.agents import Device, make_device
from wardline.city.attackers.campaign import NEXT, STOPPED, Campaign, Span, Try, soon
from wardline.city.names import DISPOSABLE, FREE_MAIL, farm_name, pattern_word
from wardline.city.person import Person
from wardline.city.streams import between, exponential, lognormal, pick, token, whole
from wardline.city.town import DAY, HOUR, MINUTE, SECOND, Town
from wardline.city.world import COUNTRIES, HOME_COUNTRY, Network, dotted, use_of

# Kind: style of the names, accounts at least and at most, mean pause, milliseconds on the form and their spread.
TRAITS: dict[str, tuple[str, int, int, float, float, float]] = {
    "farm_pattern": ("counted", 30, 120, 50 * SECOND, 1_900, 0.2),
    "farm_model": ("written", 25, 90, 4 * MINUTE, 31_000, 0.12),
    "farm_jitter": ("padded", 25, 90, 25 * MINUTE, 14_000, 0.5),
    "farm_rotate": ("written", 25, 80, 12 * MINUTE, 24_000, 0.4),
    "farm_aged": ("random", 25, 80, 2 * HOUR, 20_000, 0.4),
}
PASSES_SIGNUP_CHALLENGE = 0.45


class Account:
    """An account of a farm: where it was last, with which device and cookie."""

    __slots__ = ("account", "device", "entities", "id", "ip", "key")

    def __init__(self, account: str, device: Device, ip: str) -> None:
        self.account, self.device, self.ip = account, device, ip
        self.id = self.entities = self.key = ""


class Farm(Campaign):
    """One farm."""

    gives_up_after = 30

    def __init__(self, town: Town, kind: str, number: int) -> None:
        super().__init__(town, kind, number)
        r = self.r
        self.style, least, most, self.gap_ms, self.form_ms, self.form_spread = TRAITS[kind]
        self.left = whole(r, least, min(most, max(least, town.plan.users // 8)))
        self.span = Span.of(town, 0.12, 0.3 if kind == "farm_aged" else 0.9)
        self.word = pattern_word(r)
        if kind == "farm_pattern" and r.random() < 0.4:
            self.style = pick(r, ("padded", "random"))
        self.made = 0
        self.country = HOME_COUNTRY.draw(r)
        self.domain = pick(r, DISPOSABLE) if r.random() < 0.4 else f"{pattern_word(r)[:10]}-post.example"
        self.phones = [f"+999{token(r, 10)}" for _ in range(max(self.left // 6, 1))]
        self.invite = f"i{token(r, 6)}" if r.random() < 0.3 else ""
        self.referrer = "https://social.example/" if r.random() < 0.3 else ""
        self.wakes_ms = town.start_ms + int((town.end_ms - town.start_ms) * between(r, 0.7, 0.92))
        self.pool: list[str] = []
        self.devices: list[Device] = []
        self.rotate(town)

    def rotate(self, town: Town) -> None:
        """Other addresses, and other devices for those farms that have many."""
        r, world, kind = self.r, town.world, self.kind
        land = COUNTRIES[self.country]
        if kind in ("farm_pattern", "farm_aged"):
            hoster: Network = pick(r, world.hosters)
            blocks = [hoster.first + int(r.random() * hoster.size) // 256 * 256 for _ in range(1 if kind == "farm_pattern" else 4)]
            self.pool = [dotted(pick(r, blocks) + whole(r, 2, 250)) for _ in range(whole(r, 2, 10))]
        elif kind == "farm_jitter":
            self.pool = [pick(r, pick(r, world.vpns)).address(r) for _ in range(8)] + [pick(r, world.hosters).address(r) for _ in range(8)]
        else:
            self.pool = [world.proxy(r, self.country) for _ in range(14)] if kind == "farm_model" else []
        count = {"farm_pattern": 1, "farm_model": 7, "farm_jitter": 3, "farm_rotate": 9, "farm_aged": 5}[kind]
        self.devices = [make_device(r, pick(r, ("laptop", "laptop", "phone")), land.languages[0], land.zone) for _ in range(count)]

    def begin(self, town: Town) -> None:
        """At some time of its span."""
        town.at(self.span.moment(self.r), self, NEXT)

    def act(self, town: Town, now_ms: int, stage: Any) -> None:
        """One more sign-up, its outcome, or something done with an account."""
        if stage == NEXT:
            if self.over or self.left <= 0:
                return
            self.left -= 1
            self._sign_up(town, now_ms)
            town.at(now_ms + self._pause_ms(now_ms), self, NEXT)
        else:
            what, account = stage
            if what == "asked":
                self._asked(town, now_ms, account)
            elif what == "login":
                self._login(town, now_ms, account)

    def _pause_ms(self, now_ms: int) -> int:
        if self.kind == "farm_jitter":
            return int(lognormal(self.r, self.gap_ms / 2, 1.4) * self.pace)
        if self.kind == "farm_model":  # even on purpose
            return int(self.gap_ms * between(self.r, 0.8, 1.2) * self.pace)
        return self.wait_ms(self.gap_ms)

    def _address(self, town: Town) -> str:
        return pick(self.r, self.pool) if self.pool else town.world.proxy(self.r, self.country)

    def _sign_up(self, town: Town, now_ms: int) -> None:
        r = self.r
        self.made += 1
        name = farm_name(self.style, r, self.word, self.made)
        account = Account(f"u{token(r, 10)}", pick(r, self.devices), self._address(town))
        key = account.device.key or token(r) if self.kind in ("farm_rotate", "farm_pattern") or r.random() < 0.15 else token(r)
        entities = {"account": account.account, "ip": account.ip, "device": key}
        fields: dict[str, Any] = {"username": name}
        if r.random() < 0.6:
            fields["display_name"] = name.replace(".", " ").title()
        if r.random() < 0.8:
            domain = FREE_MAIL.draw(r) if self.kind in ("farm_model", "farm_rotate") else self.domain
            local = name if self.kind != "farm_rotate" else farm_name("padded", r, self.word, 0)
            entities["email"] = fields["email"] = f"{local}@{domain}"
        if self.kind == "farm_rotate" or r.random() < 0.2:
            entities["phone"] = pick(r, self.phones)
            fields["phone_country"] = COUNTRIES[self.country].code
        fields["form_ms"] = int(lognormal(r, self.form_ms, self.form_spread))
        if self.referrer:
            fields["referrer"] = self.referrer
        if self.invite:
            fields["invite"] = self.invite
        fields["payment"] = "none"
        inside = json.dumps(fields, separators=(",", ":"))[1:-1] + "," + account.device.fragment(now_ms / DAY)
        account.entities = json.dumps(entities, separators=(",", ":"))[1:-1]
        account.id = town.write("signup", now_ms, "", account.entities, inside)
        account.key = key
        town.tell(account.id, "signup", account.account, self.who, self.kind, "farm", use_of(account.ip), 0, True)
        self._seen(now_ms)
        self.attempts += 1
        town.at(now_ms + 2 * SECOND + int(exponential(r) * 40 * SECOND), self, ("asked", account))

    def _asked(self, town: Town, now_ms: int, account: Account) -> None:
        r = self.r
        verdict = town.verdict(account.id)
        self.learn(town, verdict)
        if verdict in STOPPED:
            if verdict != "challenge":
                return
            passed = r.random() < PASSES_SIGNUP_CHALLENGE
            result = "challenge_passed" if passed else pick(r, ("challenge_failed", "abandoned"))
            town.write("signup.outcome", now_ms, account.id, account.entities, f'"result":"{result}"')
            if not passed:
                return
            self.row = 0  # whoever pays for solving goes on
        town.write("signup.outcome", now_ms, account.id, account.entities, '"result":"completed"')
        self.accounts += 1
        if self.kind == "farm_aged":
            for _ in range(whole(r, 1, 3)):
                town.at(now_ms + int(r.random() * max(self.wakes_ms - now_ms, DAY)), self, ("login", account))
            town.at(max(self.wakes_ms, now_ms + DAY) + int(exponential(r) * 3 * HOUR), self, ("login", account))
        elif r.random() < 0.9:
            town.at(now_ms + MINUTE + soon(r, 6), self, ("login", account))

    def _login(self, town: Town, now_ms: int, account: Account) -> None:
        if self.r.random() < 0.7:
            account.ip = self._address(town)
        client = account.device.fragment(now_ms / DAY)
        self.attempt(town, now_ms, None, account.account, True, account.ip, client, device=account.key, what="own")

    def entered(self, town: Town, now_ms: int, tried: Try) -> None:
        """Send in bulk, except while asleep."""
        r = self.r
        if self.kind == "farm_aged" and now_ms < self.wakes_ms:
            return
        if r.random() < 0.8:
            self.session(town, now_ms + MINUTE + soon(r, 1), tried, "mass_send", whole(r, 40, 900))


def farms(town: Town, _people: list[Person], kind: str) -> list[Campaign]:
    """Farms of one kind: one for each three weeks, at least two; aged ones need time and come once."""
    if kind not in TRAITS:
        return []
    return [Farm(town, kind, number) for number in range(1, max(2, town.plan.days // 20) + 1)]
