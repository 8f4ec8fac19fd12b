"""One person: when, where, with what; slips of the finger, forgotten passwords, journeys, new telephones.

    person.step(town, now_ms, LOGIN)     writes a login and comes back for its outcome

The walk of an attempt: login, a second or so later its outcome by the verdict: allow and limit let the password decide; a challenge is passed mostly
and takes a minute; hold and reject end it. A wrong password is tried again within half a minute; whoever has forgotten it resets it.
"""

from typing import Any

from wardline.city.agents import Device, make_device
from wardline.city.home import Household, Site, hotel
from wardline.city.streams import exponential, pick, token, whole
from wardline.city.town import DAY, HOUR, LEGIT, MINUTE, SECOND, Town
from wardline.city.week import CURVES, WEEK_SECONDS
from wardline.city.world import CITIES, COUNTRIES, HOME_COUNTRY, Network, interface

LOGIN, OUTCOME, RETRY, PASSED, SESSION, RESET = range(6)
PASSES_CHALLENGE = 0.96
SESSIONS = 0.03
VISITS = 0.035  # logins at friends', in cafés, libraries, trains
ACTIONS = (
    "forward_rule",
    "recovery_change",
    "recovery_change",
    "password_change",
    "password_change",
    "export",
    "mass_send",
    "delete_all",
    "delete_all",
)
SOMETIMES_ANONYMOUS = {"": 0.0, "vpn": 0.7, "tor": 0.9}


class Person:
    """State of one person; __slots__, since there may be a million."""

    __slots__ = (
        "_entities", "_flow", "_id", "_place_tags", "_right", "_tries", "account", "anonymous", "born_ms", "carrier", "country", "curve", "devices",
        "exit", "factor", "home", "language", "logins", "name", "office", "offset_ms", "password", "position", "rate_week", "slips", "stale_client",
        "taken_by", "trip_at_ms", "trip_network", "trip_roams", "trip_until_ms", "trips_year",
    )  # fmt: skip

    def __init__(self, account: str, country: int, curve: str, rate_week: float, home: Household | Site, carrier: Network) -> None:
        self.account, self.country, self.curve, self.rate_week, self.home, self.carrier = account, country, curve, rate_week, home, carrier
        self.offset_ms = COUNTRIES[country].offset_minutes * MINUTE
        self.office: Site | None = None
        self.devices: list[Device] = []
        self.anonymous = ""
        self.exit = 0
        self.language = ""
        self.factor = "none"
        self.name = ""
        self.slips = 0.03
        self.trips_year = 1.0
        self.born_ms = 0
        self.logins = 0
        self.password = 0  # counts its changes: whoever stole an older one has the wrong one
        self.taken_by = ""
        self.position = 0.0
        self.trip_at_ms = self.trip_until_ms = 0
        self.trip_network: Network | None = None
        self.trip_roams = False
        self.stale_client = 0
        self._id = self._flow = self._entities = self._place_tags = ""
        self._right = True
        self._tries = 0

    def begin(self, town: Town, now_ms: int) -> None:
        """From now on the person logs in by habit."""
        weeks, rest = divmod(now_ms + self.offset_ms - town.start_ms, WEEK_SECONDS * SECOND)
        # Where in the week's activity the moment lies is found well enough by a search over the curve.
        second, low, high = rest / SECOND, 0.0, 1.0
        curve = CURVES[self.curve]
        for _ in range(14):
            middle = (low + high) / 2
            low, high = (middle, high) if curve.second(middle) < second else (low, middle)
        self.position = weeks + low
        self.trip_at_ms = now_ms + int(exponential(town.r) * 365 / self.trips_year * DAY)
        self.next_login(town, now_ms)

    def next_login(self, town: Town, now_ms: int) -> None:
        """Draw when the next login is, by rate and habit."""
        self._tries = 0
        self.position += exponential(town.r) / self.rate_week
        week = int(self.position)
        second = CURVES[self.curve].second(self.position - week)
        when = town.start_ms + week * WEEK_SECONDS * SECOND + int(second * SECOND) - self.offset_ms
        town.at(max(when, now_ms + 5 * SECOND), self, LOGIN)

    def step(self, town: Town, now_ms: int, stage: Any) -> None:
        """Act."""
        if stage in (LOGIN, RETRY):
            self._login(town, now_ms, stage == RETRY)
        elif stage == OUTCOME:
            self._outcome(town, now_ms)
        elif stage == PASSED:
            self._success(town, now_ms)
        elif stage == SESSION:
            self._session(town, now_ms, pick(town.r, ACTIONS))
        else:
            self._reset(town, now_ms)

    def _login(self, town: Town, now_ms: int, again: bool) -> None:
        r = town.r
        if not again:
            device, ip, place = self.where(town, now_ms)
            key = token(r) if device.forgets and device.key else device.key
            if r.random() < 0.004 and device.key:  # cookies deleted by hand
                device.key = token(r)
            if device.kind != "tor" and r.random() < 0.0012:
                self.replace(town, device)
            self._entities = f'"account":"{self.account}","ip":"{ip}"' + (f',"device":"{key}"' if key else "")
            self._place_tags = place
            self._flow = device.fragment(now_ms / DAY)
        tags = self._place_tags
        if self.logins < 5 or now_ms - self.born_ms < 7 * DAY:
            tags += ',"new_user"'
        slips = self.slips if not again else 0.25
        self._right = r.random() >= slips
        self._id = town.write("login", now_ms, "", self._entities, self._flow + f',"username_exists":true,"second_factor":"{self.factor}"')
        town.tell(self._id, "login", self.account, LEGIT, "legit", "taken" if self.taken_by else "owner", tags, self.logins, self._right)
        town.at(now_ms + 400 + int(r.random() * 1600), self, OUTCOME)

    def _outcome(self, town: Town, now_ms: int) -> None:
        r = town.r
        verdict = town.verdict(self._id)
        town.count_verdict("legit", verdict)
        if not self._right:
            town.write("login.outcome", now_ms, self._id, self._entities, '"result":"wrong_password"')
            self._tries += 1
            if self._tries <= 2 or (self._tries <= 4 and r.random() < 0.6):
                town.at(now_ms + 4 * SECOND + int(exponential(r) * 9 * SECOND), self, RETRY)
            elif r.random() < 0.5:
                town.at(now_ms + 2 * MINUTE + int(exponential(r) * 4 * MINUTE), self, RESET)
            else:
                self.next_login(town, now_ms)
        elif verdict == "challenge":
            if r.random() < PASSES_CHALLENGE:
                town.write("login.outcome", now_ms, self._id, self._entities, '"result":"challenge_passed"')
                town.at(now_ms + 300, self, PASSED)
            else:
                town.write("login.outcome", now_ms, self._id, self._entities, '"result":"challenge_failed"')
                self.next_login(town, now_ms)
        elif verdict in ("hold", "reject"):
            self.next_login(town, now_ms)
        else:
            self._success(town, now_ms)

    def _success(self, town: Town, now_ms: int) -> None:
        r = town.r
        town.write("login.outcome", now_ms, self._id, self._entities, '"result":"success"')
        self.logins += 1
        if r.random() < SESSIONS:
            town.at(now_ms + MINUTE + int(exponential(r) * 5 * MINUTE), self, SESSION)
        self.next_login(town, now_ms)

    def _session(self, town: Town, now_ms: int, action: str) -> None:
        r = town.r
        count = (
            1 if action not in ("export", "mass_send", "delete_all") else 2 + int(exponential(r) * (12 if action == "mass_send" else 90))
        )
        id = town.write("session", now_ms, self._id, self._entities, f'"action":"{action}","count":{count}')
        town.tell(id, "session", self.account, LEGIT, "legit", "taken" if self.taken_by else "owner", self._place_tags, self.logins, True)
        if action == "password_change":
            self.password += 1
            self.taken_by = ""
            self.stale_client = whole(r, 2, 6)

    def _reset(self, town: Town, now_ms: int) -> None:
        """The password is set anew by way of the recovery address, then used."""
        if not self._entities:
            _device, ip, self._place_tags = self.where(town, now_ms)
            self._entities = f'"account":"{self.account}","ip":"{ip}"'
            self._flow = self.devices[0].fragment(now_ms / DAY)
        self._session(town, now_ms, "password_change")
        self._tries = 0
        town.at(now_ms + 10 * SECOND, self, RETRY)

    def discover(self, town: Town, when_ms: int) -> None:
        """The owner finds out about a takeover at that time, and sets the password anew from where the last login came."""
        town.at(when_ms, _Discovery(self))

    def mend(self, town: Town, now_ms: int) -> None:
        """The owner's way back."""
        if self.taken_by:
            if self._entities:
                id = town.write("session", now_ms, "", self._entities, '"action":"password_change","count":1')
                town.tell(id, "session", self.account, LEGIT, "legit", "taken", self._place_tags, self.logins, True)
            self.password += 1
            self.taken_by = ""

    def replace(self, town: Town, device: Device) -> None:
        """A new device in the place of an old one, from the next login on."""
        zone = COUNTRIES[self.country].zone
        self.devices[self.devices.index(device)] = make_device(town.r, device.kind, self.language, zone)

    def where(self, town: Town, now_ms: int) -> tuple[Device, str, str]:
        """Device, address and what is special about the place now."""
        r, devices = town.r, self.devices
        local = now_ms + self.offset_ms
        hour, weekday = local // HOUR % 24, (local // DAY + 3) % 7
        chance = r.random()
        phone = devices[0]
        if self.anonymous and r.random() < SOMETIMES_ANONYMOUS[self.anonymous]:
            device = devices[-1] if self.anonymous == "tor" or chance < 0.6 else phone
            if self.anonymous == "tor":
                return device, pick(r, town.world.tor), ',"tor"'
            service = town.world.vpns[self.exit]
            network = service[self.country if r.random() < 0.75 else int(r.random() * len(service))]
            return device, network.address(r), ',"vpn"'
        if now_ms >= self.trip_at_ms:
            if now_ms < self.trip_until_ms or self._leaves(town, now_ms):
                return self._away(town, chance)
        if self.office is not None and weekday < 5 and 8 <= hour < 17 and chance < 0.62:
            return (phone if chance < 0.08 else devices[1]), self.office.ip, self.office.tags
        device = phone if chance < 0.55 or len(devices) < 2 else devices[1 + int(r.random() * (len(devices) - 1))]
        if device.kind == "work":
            device = devices[2] if len(devices) > 2 else phone
        if device is phone and r.random() < (0.5 if 8 <= hour < 19 else 0.16):
            return phone, self.carrier.address(r) if r.random() < 0.6 else self._six(r), ',"mobile","shared_nat"'
        home = self.home
        if device.kind != "work" and r.random() < VISITS:
            return device, self._visited(town), ',"elsewhere"'
        if isinstance(home, Site):
            return device, home.ip, home.tags
        tags = home.tags + ',"family"' if home.members > 1 else home.tags
        return device, home.address(now_ms, r), tags

    def _visited(self, town: Town) -> str:
        """An address of somebody else's, mostly in the same city, or a public network's."""
        r, home, access = town.r, self.home, town.world.access[self.country]
        city = home.network.city if isinstance(home, Household) and r.random() < 0.75 else int(r.random() * CITIES)
        network = pick(r, access)[city]
        return network.address(r) if r.random() < 0.6 else hotel(network, r)

    def _six(self, r: Any) -> str:
        return interface(self.carrier.site(r), r)

    def _leaves(self, town: Town, now_ms: int) -> bool:
        """Begin a journey that is due, or plan the next when one is over."""
        r = town.r
        if self.trip_until_ms > self.trip_at_ms:
            self.trip_at_ms = now_ms + int(exponential(r) * 365 / self.trips_year * DAY)
            self.trip_until_ms = 0
            return False
        abroad = r.random() < 0.45
        country = HOME_COUNTRY.draw(r) if abroad else self.country
        self.trip_network = pick(r, pick(r, town.world.access[country]))
        self.trip_roams = r.random() < 0.4
        self.trip_until_ms = now_ms + DAY + int(exponential(r) * 4 * DAY)
        return True

    def _away(self, town: Town, chance: float) -> tuple[Device, str, str]:
        r, devices = town.r, self.devices
        assert self.trip_network is not None
        if chance < 0.75 or len(devices) < 2:
            if r.random() < 0.5:
                if self.trip_roams or self.trip_network.country == self.country:  # roaming comes out at home (GSMA IR.88, home routing)
                    return devices[0], self.carrier.address(r), ',"traveller","mobile","shared_nat"'
                carrier = pick(r, town.world.carriers[self.trip_network.country])
                return devices[0], carrier.address(r), ',"traveller","mobile","shared_nat"'
            return devices[0], hotel(self.trip_network, r), ',"traveller","shared_nat"'
        return devices[-1], hotel(self.trip_network, r), ',"traveller","shared_nat"'


class _Discovery:
    """The moment at which an owner finds out."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def step(self, town: Town, now_ms: int, stage: Any) -> None:
        """The way back."""
        self.person.mend(town, now_ms)


class MailClient:
    """A program that fetches mail by itself: no cookie, no user agent, the owner's network; after a change of password it goes on with the old one for
    a few tries."""

    __slots__ = ("_entities", "_id", "_right", "_tags", "per_day", "person", "protocol")

    def __init__(self, person: Person, protocol: str, per_day: float) -> None:
        self.person, self.protocol, self.per_day = person, protocol, per_day
        self._id = self._entities = self._tags = ""
        self._right = True

    def step(self, town: Town, now_ms: int, stage: Any) -> None:
        """A connection, or its outcome."""
        person, r = self.person, town.r
        if stage == 0:
            _device, ip, tags = person.where(town, now_ms)
            self._entities, self._tags = f'"account":"{person.account}","ip":"{ip}"', tags + ',"mail_client"'
            self._right = not person.stale_client
            person.stale_client -= 1 if person.stale_client else 0
            self._id = town.write(
                "login", now_ms, "", self._entities, f'"client":"{self.protocol}","username_exists":true,"second_factor":"none"'
            )
            status = "taken" if person.taken_by else "owner"
            town.tell(self._id, "login", person.account, LEGIT, "legit", status, self._tags, person.logins, self._right)
            town.at(now_ms + 80, self, 1)
            return
        verdict = town.verdict(self._id)
        town.count_verdict("legit", verdict)
        result = "wrong_password" if not self._right else "success" if verdict in ("allow", "limit") else ""
        if verdict == "challenge" and self._right:
            result = "challenge_failed"  # a program cannot answer one
        if result:
            town.write("login.outcome", now_ms, self._id, self._entities, f'"result":"{result}"')
        wait = 2 * MINUTE if result == "wrong_password" else exponential(r) * DAY / self.per_day
        town.at(now_ms + MINUTE + int(wait), self, 0)
