"""An honest sign-up: a form filled in at a person's pace, its outcome, and then the person's life.

    Newcomer(person, lost=False)     lost: fills in the form and never comes back

Form times are log-normal about 45 s; some paste everything within ten, some take a coffee. A challenge is passed mostly.
"""

import json
from random import Random
from typing import Any

from wardline.city.names import REFERRERS, email_address, person_name, user_name
from wardline.city.person import PASSES_CHALLENGE, Person
from wardline.city.streams import Weighted, exponential, lognormal, pick, token
from wardline.city.town import DAY, LEGIT, MINUTE, SECOND, Town
from wardline.city.world import COUNTRIES

_PAYMENT = Weighted({"none": 955, "card": 35, "transfer": 10})
FORM, DONE, PASSED = range(3)


class Newcomer:
    """One person before the account stands."""

    __slots__ = ("_email", "_entities", "_fields", "_id", "_phone", "_tags", "lost", "person")

    def __init__(self, person: Person, lost: bool) -> None:
        self.person, self.lost = person, lost
        self._id = self._entities = self._email = self._phone = self._tags = self._fields = ""

    def step(self, town: Town, now_ms: int, stage: Any) -> None:
        """The form, or what comes of it."""
        r = town.r
        if stage == FORM:
            self._form(town, now_ms, r)
            town.at(now_ms + 20 * SECOND + int(exponential(r) * 2 * MINUTE), self, DONE)
            return
        if stage == PASSED:
            self._complete(town, now_ms)
            return
        verdict = town.verdict(self._id)
        town.count_verdict("legit", verdict)
        if verdict in ("hold", "reject"):
            return
        if self.lost:
            self._result(town, now_ms, "abandoned")
        elif verdict == "challenge":
            if r.random() < PASSES_CHALLENGE:
                self._result(town, now_ms, "challenge_passed")
                town.at(now_ms + 500, self, PASSED)
            else:
                self._result(town, now_ms, "challenge_failed")
        else:
            self._complete(town, now_ms)

    def _form(self, town: Town, now_ms: int, r: Random) -> None:
        person = self.person
        device, ip, self._tags = person.where(town, now_ms)
        if device.kind == "work":
            device = person.devices[0]
        first, last = person_name(r)
        person.name = user_name(r, first, last)
        entities = {"account": person.account, "ip": ip}
        if device.key:
            entities["device"] = device.key
        fields: dict[str, Any] = {"username": person.name}
        if r.random() < 0.85:
            fields["display_name"] = f"{first} {last}" if r.random() < 0.8 else first
        if r.random() < 0.7:
            entities["email"] = fields["email"] = email_address(r, first, last, person.name)
        if r.random() < 0.35:
            entities["phone"] = f"+999{token(r, 10)}"
            fields["phone_country"] = COUNTRIES[person.country].code
        form = lognormal(r, 45_000, 0.7) if r.random() < 0.93 else lognormal(r, 9_000, 0.4)
        fields["form_ms"] = min(int(form), 3_600_000)
        if referrer := REFERRERS.draw(r):
            fields["referrer"] = referrer
        if r.random() < 0.02:
            fields["invite"] = f"i{token(r, 6)}"
        fields["payment"] = _PAYMENT.draw(r)
        inside = json.dumps(fields, separators=(",", ":"))[1:-1] + "," + device.fragment(now_ms / DAY)
        self._entities = json.dumps(entities, separators=(",", ":"))[1:-1]
        self._id = town.write("signup", now_ms, "", self._entities, inside)
        status = "lost" if self.lost else "owner"
        town.tell(self._id, "signup", person.account, LEGIT, "legit", status, self._tags + ',"new_user"', 0, True)

    def _result(self, town: Town, now_ms: int, result: str) -> None:
        town.write("signup.outcome", now_ms, self._id, self._entities, f'"result":"{result}"')

    def _complete(self, town: Town, now_ms: int) -> None:
        self._result(town, now_ms, "completed")
        self.person.born_ms = now_ms
        # Most look in at once; some do not come back for days.
        wait = pick(town.r, (MINUTE, MINUTE, 5 * MINUTE, 60 * MINUTE, DAY))
        self.person.begin(town, now_ms + int(wait * exponential(town.r)))
