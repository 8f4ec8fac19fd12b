"""What every campaign is: an id, a stream, a pace, networks to rotate, and a memory of how often it was stopped.

    class Stuffing(Campaign): …      campaign.attempt(town, now_ms, person, right=True) writes a login and comes back with the verdict

It adapts: after some stops it changes networks, then slows down, then gives up. Without a door it is never stopped.
"""

import json
from random import Random
from typing import Any

import msgspec

from wardline.city.person import Person
from wardline.city.streams import exponential, stream
from wardline.city.town import DAY, HOUR, MINUTE, Town
from wardline.city.world import use_of

STOPPED = frozenset({"challenge", "hold", "reject"})
NEXT = "next"


class Try:
    """One login attempt on its way. person: whose account, None for a name that nobody has here; right: the password is right; entities and client: as
    sent; what: the campaign's own word for why it tries."""

    __slots__ = ("account", "client", "entities", "id", "person", "right", "what")

    def __init__(self, person: Person | None, account: str, right: bool, entities: str, client: str, what: str) -> None:
        self.person, self.account, self.right, self.entities, self.client, self.what = person, account, right, entities, client, what
        self.id = ""


class Session:
    """Something done in an account that was entered."""

    __slots__ = ("account", "action", "count", "entities", "flow", "status")

    def __init__(self, account: str, entities: str, flow: str, action: str, count: int, status: str) -> None:
        self.account, self.entities, self.flow, self.action, self.count, self.status = account, entities, flow, action, count, status


class Campaign:
    """One attacker's undertaking."""

    passes_challenge = 0.04
    gives_up_after = 60

    def __init__(self, town: Town, kind: str, number: int) -> None:
        self.kind = kind
        self.id = f"{kind}-{number}"
        self.r: Random = stream(town.plan.seed, f"attack/{self.id}")
        self.who = f'"truth":"attack","kind":"{kind}","campaign":"{self.id}"'
        self.attempts = self.accounts = self.hits = self.stops = self.row = 0
        self.rotations = 0
        self.pace = 1.0
        self.over = False
        self.first_ms = self.last_ms = 0

    # What a kind of attack says.

    def begin(self, town: Town) -> None:
        """Go on the clock."""
        raise NotImplementedError

    def act(self, town: Town, now_ms: int, stage: Any) -> None:
        """The campaign's own step."""
        raise NotImplementedError

    def rotate(self, town: Town) -> None:
        """Take other networks."""

    def entered(self, town: Town, now_ms: int, tried: Try) -> None:
        """An account was entered."""

    def failed(self, town: Town, now_ms: int, tried: Try, verdict: str) -> None:
        """An attempt came to nothing."""

    # What they share.

    def step(self, town: Town, now_ms: int, stage: Any) -> None:
        """Act, or take what became of an attempt."""
        if isinstance(stage, Try):
            self._answered(town, now_ms, stage)
        elif isinstance(stage, Session):
            self._session(town, now_ms, stage)
        else:
            self.act(town, now_ms, stage)

    def attempt(
        self,
        town: Town,
        now_ms: int,
        person: Person | None,
        account: str,
        right: bool,
        ip: str,
        client: str,
        *,
        device: str = "",
        what: str = "",
    ) -> None:
        """Write one login; its outcome follows. client: the inside of the JSON object of client fields."""
        entities = f'"account":"{account}","ip":"{ip}"' + (f',"device":"{device}"' if device else "")
        tried = Try(person, account, right, entities, client, what)
        exists = "true" if person is not None or what == "own" else "false"
        factor = person.factor if person else "none"
        fields = (client + "," if client else "") + f'"username_exists":{exists},"second_factor":"{factor}"'
        tried.id = town.write("login", now_ms, "", entities, fields)
        status = "none" if exists == "false" else "farm" if person is None else "taken" if person.taken_by else "owner"
        town.tell(tried.id, "login", account, self.who, self.kind, status, use_of(ip), person.logins if person else 0, right)
        self._seen(now_ms)
        self.attempts += 1
        town.at(now_ms + 300 + int(self.r.random() * 900), self, tried)

    def session(self, town: Town, when_ms: int, tried: Try, action: str, count: int) -> None:
        """Let something be done in an entered account."""
        status = "taken" if tried.person else "farm"
        town.at(when_ms, self, Session(tried.account, tried.entities, tried.id, action, count, status))

    def wait_ms(self, mean_ms: float) -> int:
        """An exponential pause, longer the more it has slowed down; at least half a second."""
        return 500 + int(exponential(self.r) * mean_ms * self.pace)

    def learn(self, town: Town, verdict: str) -> None:
        """Take a verdict: rotate, slow down, give up; the deaf only count it."""
        town.count_verdict(self.kind, verdict)
        if verdict not in STOPPED:
            self.row = 0
            return
        self.stops += 1
        if town.plan.deaf:
            return
        self.row += 1
        if self.row in (3, 8, 15) or self.row % 25 == 0:
            self.rotations += 1
            self.rotate(town)
            self.pace = min(self.pace * 1.6, 40.0)
        self.over = self.over or self.row >= self.gives_up_after

    def told(self) -> str:
        """The campaign's own line of truth."""
        return (
            json.dumps(
                {
                    "campaign": self.id,
                    "kind": self.kind,
                    "attempts": self.attempts,
                    "accounts": self.accounts,
                    "hits": self.hits,
                    "stops": self.stops,
                    "rotations": self.rotations,
                    "gave_up": self.over,
                    "first_ms": self.first_ms,
                    "last_ms": self.last_ms,
                },
                separators=(",", ":"),
            )
            + "\n"
        )

    def _seen(self, now_ms: int) -> None:
        self.first_ms = self.first_ms or now_ms
        self.last_ms = now_ms

    def _answered(self, town: Town, now_ms: int, tried: Try) -> None:
        verdict = town.verdict(tried.id)
        self.learn(town, verdict)
        result = "success" if tried.right else "wrong_password"
        if tried.person is None and tried.what != "own":
            result = "unknown_account"
        if tried.right and tried.person is not None and tried.person.factor != "none":
            # A relay passes a code on while it is good; a key signs for the real site alone.
            if self.kind != "phish" or tried.person.factor == "key":
                result = "second_factor_failed"
        if tried.right and verdict == "challenge":
            passed = self.r.random() < self.passes_challenge
            town.write(
                "login.outcome", now_ms, tried.id, tried.entities, f'"result":"{"challenge_passed" if passed else "challenge_failed"}"'
            )
            if not passed:
                self.failed(town, now_ms, tried, verdict)
                return
        elif tried.right and verdict in STOPPED:
            self.failed(town, now_ms, tried, verdict)
            return
        town.write("login.outcome", now_ms, tried.id, tried.entities, f'"result":"{result}"')
        if result != "success":
            self.failed(town, now_ms, tried, verdict)
            return
        self.hits += 1
        self.accounts += tried.what not in ("again", "own")
        if tried.person is not None and not tried.person.taken_by:
            tried.person.taken_by = self.id
            tried.person.discover(town, now_ms + 4 * HOUR + int(exponential(self.r) * 2 * DAY))
        self.entered(town, now_ms, tried)

    def _session(self, town: Town, now_ms: int, done: Session) -> None:
        id = town.write("session", now_ms, done.flow, done.entities, f'"action":"{done.action}","count":{done.count}')
        town.tell(id, "session", done.account, self.who, self.kind, done.status, "", 0, True)
        self._seen(now_ms)


class Span(msgspec.Struct, frozen=True):
    """A part of the run: shares of its length, as milliseconds."""

    start_ms: int
    end_ms: int

    @staticmethod
    def of(town: Town, least: float, most: float) -> "Span":
        """From one share of the run to another."""
        length = town.end_ms - town.start_ms
        return Span(town.start_ms + int(length * least), town.start_ms + int(length * most))

    def moment(self, r: Random) -> int:
        """Any moment of it."""
        return self.start_ms + int(r.random() * (self.end_ms - self.start_ms))


def ransack(campaign: Campaign, town: Town, now_ms: int, tried: Try) -> None:
    """What thieves do with an account: lock the owner out, copy the mail, keep a copy of what comes, send to everybody."""
    r, at = campaign.r, now_ms + MINUTE
    for action, chance, least, most in (
        ("recovery_change", 0.55, 1, 1),
        ("forward_rule", 0.5, 1, 1),
        ("export", 0.6, 300, 20_000),
        ("mass_send", 0.35, 80, 1500),
        ("delete_all", 0.12, 100, 5000),
    ):
        if r.random() < chance:
            at += int(exponential(r) * 3 * MINUTE)
            campaign.session(town, at, tried, action, least + int(r.random() * (most - least)))


def soon(r: Random, hours: float) -> int:
    """An exponential wait in milliseconds, at most a week."""
    return min(int(exponential(r) * hours * HOUR), 7 * DAY)
