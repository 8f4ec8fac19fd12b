"""Campaigns against accounts, seen by what failures have in common: many accounts tried from one network, by one client, or over the whole site.

    state.read("login", …)  -> {"login.campaign_network": 42, "login.campaign_agent": 0, "login.campaign_site": 0}     accounts tried, about

An attempt is strange when its account was never used from that network nor by that client (`login.strange`), or when it failed on an account of
which nothing is known, or from a network that the account never used. A typing error at one's own desk is none. For each key (address, /24,
/16, client) strange attempts are compared with what its good logins let expect at the site's own rate; a key that is far beyond it, over
several accounts, takes part in a campaign for a while. The whole site is a key too: what comes from a thousand addresses with a thousand user agents shows
only there. A mark condemns nobody: it counts for logins that are unusual for their account, and whoever has been there before passes.

Bounded: CAPACITY keys on probation, as many that were seen repeatedly; a flood of new keys pushes out only keys on probation.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from typing import Any
from zlib import crc32

import msgspec

from wardline.domains.login.attempts import Attempt, Attempts
from wardline.domains.login.attributes import REMEMBERED
from wardline.domains.login.events import FAILURES, OUTCOME, POINT
from wardline.domains.login.windows import BITS, Entry
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_record
from wardline.engine.record import Record

CAPACITY = 15_000
NETWORK_FACTS = ("ip", "ip.prefix24", "ip.prefix16")
# Strange attempts and accounts that make a campaign at least, and how long a mark lasts after the last one: within an hour, within a day.
HOUR_LEAST, HOUR_ACCOUNTS, HOUR_MARK_US = 8, 6, 6 * 3_600_000_000
DAY_LEAST, DAY_ACCOUNTS, DAY_MARK_US = 16, 12, 48 * 3_600_000_000
SITE_LEAST = 30
# Strange attempts for each good login, before the site has shown its own rate, and the bounds of what is believed.
RATE_GUESS, RATE_LOW, RATE_HIGH = 0.1, 0.01, 0.3
RATE_LEARNED_FROM = 200


class _Kept(msgspec.Struct, array_like=True):
    probation: list[tuple[str, Entry]]
    seen: list[tuple[str, Entry]]
    attempts: list[tuple[str, Attempt]]
    site: Entry
    rate: float


class LoginCampaigns:
    """See the module. A DomainState."""

    name = "login_campaigns"
    types = frozenset({POINT, OUTCOME})
    gives: Mapping[str, str] = {"login.campaign_network": "number", "login.campaign_agent": "number", "login.campaign_site": "number"}

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.applied_seq = 0
        self.capacity = capacity
        self.probation: OrderedDict[str, Entry] = OrderedDict()
        self.seen: OrderedDict[str, Entry] = OrderedDict()
        self.attempts = Attempts()
        self.site = Entry()
        self.rate = RATE_GUESS
        # The event that is read is the one that counts next: its keys are made once.
        self._last: tuple[Values, tuple[str, ...]] = ({}, ())

    def _keys(self, facts: Values) -> tuple[str, ...]:
        if self._last[0] is not facts:
            self._last = (facts, _keys(facts))
        return self._last[1]

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """Accounts that marked keys of this login tried, 0 where no key is marked."""
        if type != POINT:
            return {}
        network = agent = 0
        for key in self._keys(facts):
            entry = self.seen.get(key)
            if entry is not None and entry.until_us > occurred_us:
                if key.startswith("ip"):
                    network = max(network, entry.accounts)
                else:
                    agent = max(agent, entry.accounts)
        site = self.site.accounts if self.site.until_us > occurred_us else 0
        return {"login.campaign_network": network, "login.campaign_agent": agent, "login.campaign_site": site}

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count an attempt or its outcome."""
        facts, now_us = kept.facts, kept.occurred_us
        if kept.type == POINT:
            read: Values = kept.read if isinstance(kept, KeptDecision) else {}
            strange = read.get("login.strange") is True or facts.get("username_exists") is False
            # Owners come back to their networks; a failure elsewhere, or on an account that nobody has used, counts when it is one.
            doubtful = read.get("login.network_level", "new") == "new"
            account, keys = str(facts.get("account") or ""), self._keys(facts)
            self.attempts.opened(facts, Attempt(account, now_us, strange=strange, told=doubtful, campaign_keys=keys))
            if strange:
                self._count(keys, now_us, 1, 0, account)
        elif kept.type == OUTCOME:
            attempt = self.attempts.closed(facts, now_us)
            keys = attempt.campaign_keys if attempt is not None else _keys(facts)
            counted = attempt is not None and attempt.strange
            if facts.get("result") not in FAILURES:
                self._count(keys, now_us, -1 if counted else 0, 1, "")
            elif not counted and (attempt.told if attempt is not None else facts.get("result") == "unknown_account"):
                self._count(keys, now_us, 1, 0, str(facts.get("account") or ""))

    def _count(self, keys: tuple[str, ...], now_us: int, strange: int, good: int, account: str) -> None:
        bit = 1 << crc32(account.encode()) % BITS if account else 0
        for key in keys:
            entry = self._entry(key)
            entry.add(now_us, strange, good, bit)
            if strange > 0:
                self._mark(entry, now_us)
        tile = self.site.day.tile
        self.site.add(now_us, strange, good, bit)
        if self.site.day.tile != tile:
            self._learn_rate()
        if strange > 0:
            self._mark_site(now_us)

    def _entry(self, key: str) -> Entry:
        entry = self.seen.get(key)
        if entry is not None:
            self.seen.move_to_end(key)
            return entry
        entry = self.probation.pop(key, None)
        if entry is None:
            entry = self.probation[key] = Entry()
            if len(self.probation) > self.capacity:
                self.probation.popitem(last=False)
            return entry
        self.seen[key] = entry
        if len(self.seen) > self.capacity:
            self.seen.popitem(last=False)
        return entry

    def _mark(self, entry: Entry, now_us: int) -> None:
        for window, least, accounts, length_us in (
            (entry.hour, HOUR_LEAST, HOUR_ACCOUNTS, HOUR_MARK_US),
            (entry.day, DAY_LEAST, DAY_ACCOUNTS, DAY_MARK_US),
        ):
            strange = window.strange + window.strange_before
            if strange < least:
                continue
            expected = 2 * self.rate * (window.good + window.good_before) + 1.0
            if strange > expected + 4 * sqrt(expected) and (tried := window.accounts()) >= accounts:
                entry.until_us = max(entry.until_us, now_us + length_us)
                entry.accounts = max(tried, 1)

    def _mark_site(self, now_us: int) -> None:
        for window, length_us in ((self.site.hour, HOUR_MARK_US), (self.site.day, DAY_MARK_US)):
            strange = window.strange + window.strange_before
            expected = 2 * self.rate * (window.good + window.good_before) + 1.0
            if strange >= SITE_LEAST and strange > expected + 6 * sqrt(expected):
                self.site.until_us = max(self.site.until_us, now_us + length_us)
                self.site.accounts = window.accounts()

    def _learn_rate(self) -> None:
        """Once a day: move towards yesterday's rate, upwards at most by half, so that a campaign does not become what is usual."""
        strange, good = self.site.day.strange_before, self.site.day.good_before
        if good >= RATE_LEARNED_FROM:
            yesterday = min(strange / good, 1.5 * self.rate)
            self.rate = min(max(0.7 * self.rate + 0.3 * yesterday, RATE_LOW), RATE_HIGH)

    def apply(self, record: Record) -> None:
        """One record of the journal."""
        kept = kept_record(record) if record.point in self.types else None
        if kept is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Forget a pseudonym: as an account of attempts, and as a key."""
        self.attempts.erase(subject)
        for table in (self.probation, self.seen):
            for key in [key for key in table if subject in key.split("|")]:
                del table[key]

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            _Kept(list(self.probation.items()), list(self.seen.items()), list(self.attempts.waiting.items()), self.site, self.rate)
        )

    def restore(self, data: bytes) -> None:
        """Raises ValueError for bytes that it did not write."""
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"login_campaigns: not a snapshot: {error}") from None
        self.probation, self.seen = OrderedDict(kept.probation), OrderedDict(kept.seen)
        self.attempts.restore(kept.attempts)
        self.site, self.rate = kept.site, kept.rate

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()


# Clients that many logins have: their keys are made once, and are the same texts wherever they wait. A function of its arguments alone, and bounded.
@lru_cache(REMEMBERED, typed=True)
def _client_keys(agent: Value, language: Value, timezone: Value, screen: Value, without_device: bool) -> tuple[str, str]:
    return f"agent|{agent}", f"client|{agent}|{language}|{timezone}|{screen}|{without_device}"


def _keys(facts: Values) -> tuple[str, ...]:
    """What campaigns may have in common: addresses, and the client as a whole with and without its settings."""
    get: Callable[[str], Any] = facts.get
    found = [f"{name}|{value}" for name in NETWORK_FACTS if (value := get(name))]
    agent, device = get("user_agent"), get("device")
    if agent:
        found += _client_keys(agent, get("language"), get("timezone"), get("screen"), device is None)
    if device:
        found.append(f"device|{device}")
    return tuple(found)
