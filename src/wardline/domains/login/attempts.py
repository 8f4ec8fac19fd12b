"""Attempts that wait for their outcome: what a login looked like, kept until somebody says how it ended. Bounded.

    attempts.opened(facts, attempt)           a login was decided
    attempts.closed(facts, occurred_us)       its outcome came: the attempt, which is forgotten; or None

An outcome belongs to the attempt of its flow; without one, to the last attempt of its account from its address within ATTEMPT_SECONDS. So nobody
can have another's success counted for their own network. A flood of attempts pushes out the oldest; their outcomes then count by what they carry.
"""

from collections import OrderedDict

import msgspec

from wardline.engine.feature import Values

ATTEMPT_SECONDS = 1800
CAPACITY = 20_000


class Attempt(msgspec.Struct, array_like=True):
    """One login that was decided. keys: attributes.attribute_keys. risk in nats, None without history. strange: nothing of it is known of the account.
    told: there was a doubt already, as the state that keeps it means it. campaign_keys: what it may have in common with others.
    known: the account's logins."""

    account: str
    occurred_us: int
    keys: tuple[int, ...] = ()
    risk: float | None = None
    strange: bool = False
    told: bool = False
    campaign_keys: tuple[str, ...] = ()
    known: int = 0


class Attempts:
    """See the module."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.waiting: OrderedDict[str, Attempt] = OrderedDict()

    @staticmethod
    def _key(facts: Values) -> str | None:
        flow = facts.get("flow")
        if flow:
            return str(flow)
        account, ip = facts.get("account"), facts.get("ip")
        return f"{account}|{ip}" if account else None

    def opened(self, facts: Values, attempt: Attempt) -> None:
        """Remember an attempt."""
        key = self._key(facts)
        if key is None:
            return
        self.waiting[key] = attempt
        self.waiting.move_to_end(key)
        while len(self.waiting) > self.capacity:
            self.waiting.popitem(last=False)

    def closed(self, facts: Values, occurred_us: int) -> Attempt | None:
        """The attempt that an outcome belongs to; no further outcome is expected, so it is forgotten."""
        key = self._key(facts)
        found = self.waiting.get(key) if key else None
        if found is None or key is None or found.account != facts.get("account", found.account):
            return None
        if abs(occurred_us - found.occurred_us) > ATTEMPT_SECONDS * 1_000_000:
            return None
        del self.waiting[key]
        return found

    def erase(self, subject: str) -> None:
        """Forget the attempts on an account, and those that name a pseudonym."""
        for key in [key for key, each in self.waiting.items() if each.account == subject or subject in key.split("|")]:
            del self.waiting[key]
