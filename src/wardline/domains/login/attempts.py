"""Attempts that wait for their outcome: what a login looked like, kept until somebody says how it ended. Bounded.

    attempts.opened(facts, attempt)           a login was decided
    attempts.closed(facts, occurred_us)       its outcome came: the attempt, which is forgotten; or None

An outcome belongs to the attempt of its flow. Where one of the two carries none, to the last attempt of its account from its address within
ATTEMPT_SECONDS; what belongs to another flow is never taken. An outcome that has neither flow nor address belongs to the only attempt on its account
in that time, and to none where there are two. So nobody can have another's success counted for their own network. A flood of attempts pushes out
the oldest; their outcomes then count by what they carry.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from wardline.engine.feature import Values

ATTEMPT_SECONDS = 1800
CAPACITY = 20_000
LOOKED_AT = 8  # of an account's last attempts, where an outcome says nothing but the account


class Attempt(msgspec.Struct, array_like=True, gc=False):
    """One login that was decided. keys: attributes.attribute_keys. risk in nats, None without history. strange: nothing of it is known of the account.
    told: there was a doubt already, as the state that keeps it means it. campaign_keys: what it may have in common with others.
    known: the account's logins. place: account and address, where it waits under its flow and is the last
    one there."""

    account: str
    occurred_us: int
    keys: tuple[int, ...] = ()
    risk: float | None = None
    strange: bool = False
    told: bool = False
    campaign_keys: tuple[str, ...] = ()
    known: int = 0
    place: str = ""


class Attempts:
    """See the module."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.waiting: OrderedDict[str, Attempt] = OrderedDict()
        self._flows: dict[str, str] = {}  # place -> the flow of the last attempt there
        # Account -> the keys of its attempts, in order; one key alone, as most accounts have it, stands there by itself.
        self._of: dict[str, str | dict[str, None]] = {}

    def restore(self, kept: Iterable[tuple[str, Attempt]]) -> None:
        """Take what a snapshot holds."""
        self.waiting = OrderedDict(kept)
        self._flows = {attempt.place: flow for flow, attempt in self.waiting.items() if attempt.place}
        self._of = {}
        for key, attempt in self.waiting.items():
            self._note(attempt.account, key)

    def opened(self, facts: Values, attempt: Attempt) -> None:
        """Remember an attempt."""
        flow, place = facts.get("flow"), _place(facts)
        key = str(flow) if flow else place
        if not key:
            return
        if (before := self.waiting.get(key)) is not None:
            self._forget(key, before)
        if flow and place:
            # One attempt a place can be found by it: the last one, also after a restart.
            if (last := self.waiting.get(self._flows.get(place, ""))) is not None:
                last.place = ""
            attempt.place = place
            self._flows[place] = key
        self.waiting[key] = attempt
        self._note(attempt.account, key)
        while len(self.waiting) > self.capacity:
            self._forget(*next(iter(self.waiting.items())))

    def closed(self, facts: Values, occurred_us: int) -> Attempt | None:
        """The attempt that an outcome belongs to; no further outcome is expected, so it is forgotten."""
        flow, place = facts.get("flow"), _place(facts)
        key = str(flow) if flow else self._flows.get(place, place) if facts.get("ip") else self._only(facts, occurred_us)
        found = self.waiting.get(key)
        if found is None and flow:
            key = place if facts.get("ip") else self._only(facts, occurred_us)
            found = self.waiting.get(key) if "|" in key else None  # what waits under another flow is another's
        if found is None or found.account != facts.get("account", found.account):
            return None
        if not _near(found, occurred_us):
            return None
        self._forget(key, found)
        return found

    def erase(self, subject: str) -> None:
        """Forget the attempts on an account, and those that name a pseudonym."""
        for key in [key for key, each in self.waiting.items() if subject in (each.account, *key.split("|"), *each.place.split("|"))]:
            self._forget(key, self.waiting[key])

    def _only(self, facts: Values, occurred_us: int) -> str:
        """The key of the one attempt that an outcome which names nothing but its account can mean, "" where there is none or more than one."""
        of = self._of.get(str(facts.get("account")), {})
        last = (of,) if isinstance(of, str) else itertools.islice(reversed(of), LOOKED_AT)
        near = [key for key in last if _near(self.waiting[key], occurred_us)]
        return near[0] if len(near) == 1 else ""

    def _note(self, account: str, key: str) -> None:
        of = self._of.get(account)
        if of is None:
            self._of[account] = key
        elif isinstance(of, dict):
            of[key] = None
        else:
            self._of[account] = {of: None, key: None}

    def _forget(self, key: str, attempt: Attempt) -> None:
        del self.waiting[key]
        of = self._of[attempt.account]
        if isinstance(of, dict) and len(of) > 1:
            del of[key]
        else:
            del self._of[attempt.account]
        if attempt.place and self._flows.get(attempt.place) == key:
            del self._flows[attempt.place]


def _near(attempt: Attempt, occurred_us: int) -> bool:
    return abs(occurred_us - attempt.occurred_us) <= ATTEMPT_SECONDS * 1_000_000


def _place(facts: Values) -> str:
    account = facts.get("account")
    return f"{account}|{facts.get('ip')}" if account else ""
