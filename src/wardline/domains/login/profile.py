"""The state behind login risk: each account's habits, the site's habits, and what they say of a login. A DomainState.

    state.read("login", occurred_us, facts, time_us)
      -> {"login.known_logins": 41, "login.network_level": "prefix16", "login.network_logins": 3, "login.network_nats": 2.1, "login.risk": 4.4, …}

Habits grow by successful outcomes alone (`success`, `challenge_passed`): failures of an attacker change nothing here. At most `capacity_bytes` of
habits are kept; the account that was used longest ago leaves first and is unknown from then on, not new: once anybody was pushed out, an account
that is not here has no `login.known_logins`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from wardline.domains.login import habits
from wardline.domains.login.attempts import Attempt, Attempts
from wardline.domains.login.attributes import AGENT, PREFIX24, SHIFT, attribute_keys
from wardline.domains.login.events import CHALLENGE_PASSED, OUTCOME, PASSED, POINT
from wardline.domains.login.likelihood import weigh
from wardline.domains.login.population import HISTOGRAM_STEP, HISTORIES, Population, history_class
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_record
from wardline.engine.record import Record

# Of what a snapshot means: another one is not read, the state is built from the records again.
VERSION = 4
CAPACITY_BYTES = 96 << 20
# What an account costs beside its habits: its name, the map's slots, the bytes object.
ACCOUNT_BYTES = 260
DAY_US = 86_400_000_000
# A new network alone is weak evidence, however long an account stayed in its own: everybody visits and travels.
# What it says beyond NETWORK_FULL nats counts this share.
NETWORK_FULL, NETWORK_BEYOND = 1.0, 0.4
# Verdicts that ask for a proof: an attempt that got one and ended well without it teaches later than others.
DOUBTS = frozenset({"challenge", "hold", "reject"})
# The risk that one in a hundred honest logins reaches is taken as at least this, so that a site of great regularity does not challenge newcomers.
BASELINE_FLOOR = 0.5
# Until there are enough, by class of history (HISTORIES); it only falls without proof.
BASELINE_GUESSES = (3.5, 3.5, 3.0, 3.0)
# A doubted login that ended as `success` without a passed challenge may have been an intruder's, where the site lets in whoever has the password.
# It says "the baseline or more" to the yardstick; one in so many says its own risk, so that a baseline that is far too low rises in the end.
UNPROVEN_TAKEN = 4
BASELINE_SHARE = 0.01
BASELINE_EVERY = 64
# The yardstick is made of accounts of which something is known.
SETTLED_LOGINS = 1


class _Kept(msgspec.Struct, array_like=True):
    accounts: list[tuple[str, bytes]]
    evicted: int
    attempts: list[tuple[str, Attempt]]
    population: bytes
    baselines: list[float | None]
    since: list[int]
    unproven: int
    version: int


class LoginProfile:
    """See the module."""

    name = "login_profile"
    types = frozenset({POINT, OUTCOME})
    gives: Mapping[str, str] = {
        "login.known_logins": "number",
        "login.network_level": "text",
        "login.network_logins": "number",
        "login.network_nats": "number",
        "login.agent_level": "text",
        "login.agent_logins": "number",
        "login.device_logins": "number",
        "login.agent_nats": "number",
        "login.time_nats": "number",
        "login.locale_nats": "number",
        "login.risk": "number",
        "login.baseline": "number",
        "login.strange": "bool",
    }

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.applied_seq = 0
        self.capacity_bytes = capacity_bytes
        self.accounts: OrderedDict[str, bytes] = OrderedDict()
        self.bytes_used = 0
        self.evicted = 0
        self.attempts = Attempts()
        self.population = Population()
        self.baselines: list[float | None] = [None for _ in HISTORIES]
        self.since = [0 for _ in HISTORIES]
        self.unproven = 0
        # The event that is read is the one that counts next: its keys are made once.
        self._last: tuple[Values, tuple[int, ...]] = ({}, ())

    def _keys(self, facts: Values) -> tuple[int, ...]:
        if self._last[0] is not facts:
            self._last = (facts, attribute_keys(facts))
        return self._last[1]

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """See the module. Only logins have values here."""
        account = facts.get("account")
        if type != POINT or not isinstance(account, str):
            return {}
        packed = self.accounts.get(account)
        if packed is None:
            # Nobody was pushed out: it is certain that there was no login. Otherwise it is unknown.
            return {"login.known_logins": 0, "login.baseline": self._baseline(0)} if not self.evicted else {}
        keys = self._keys(facts)
        found = weigh(packed, keys, self.population, occurred_us // DAY_US, bool(facts.get("device")))
        network = min(found.network, NETWORK_FULL) + NETWORK_BEYOND * max(found.network - NETWORK_FULL, 0.0)
        network_seen = not keys[PREFIX24 - 1] or found.network_level != "new"
        return {
            "login.known_logins": found.logins,
            "login.network_level": found.network_level,
            "login.network_logins": found.network_logins,
            "login.network_nats": round(network, 3),
            "login.agent_level": found.agent_level if keys[AGENT - 1] else None,
            "login.agent_logins": found.agent_logins,
            "login.device_logins": found.device_logins,
            "login.agent_nats": round(found.client, 3),
            "login.locale_nats": round(found.locale, 3),
            "login.time_nats": round(found.hours, 3),
            "login.risk": round(network + found.client + found.locale + found.hours, 3),
            "login.baseline": self._baseline(found.logins),
            "login.strange": not network_seen and not found.client_seen,
        }

    def _baseline(self, known: int) -> float:
        history = history_class(known)
        baseline = self.baselines[history]
        return BASELINE_GUESSES[history] if baseline is None else max(baseline, BASELINE_FLOOR)

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """A login waits for its outcome; a success becomes habit."""
        facts = kept.facts
        if kept.type == POINT:
            account = facts.get("account")
            if isinstance(account, str):
                risk = kept.read.get("login.risk") if isinstance(kept, KeptDecision) else None
                logins = kept.read.get("login.known_logins") if isinstance(kept, KeptDecision) else None
                known = logins if isinstance(logins, int) else 0
                doubted = isinstance(kept, KeptDecision) and kept.verdict in DOUBTS
                seen = risk if isinstance(risk, float) else None
                attempt = Attempt(account, kept.occurred_us, self._keys(facts), seen, told=doubted, known=known)
                self.attempts.opened(facts, attempt)
        elif kept.type == OUTCOME and facts.get("result") in PASSED:
            attempt_ = self.attempts.closed(facts, kept.occurred_us)
            if attempt_ is not None:
                self._succeeded(attempt_.account, attempt_.keys, attempt_.risk, kept, attempt_.known, attempt_.told)
            elif isinstance(facts.get("account"), str) and facts.get("ip"):
                # Nobody saw the attempt: what the outcome carries counts, and what it does not carry is not taken for absent.
                keys = attribute_keys(facts)
                has_agent = bool(facts.get("user_agent"))
                carried = tuple(key if key >> SHIFT < AGENT - 3 or (has_agent and key >> SHIFT <= AGENT) else 0 for key in keys)
                self._succeeded(str(facts["account"]), carried, None, kept)

    def _succeeded(
        self, account: str, keys: tuple[int, ...], risk: float | None, kept: KeptEvent, known: int = 0, doubted: bool = False
    ) -> None:
        before = self.accounts.pop(account, None)
        passed = kept.facts.get("result") == CHALLENGE_PASSED
        packed, first_today, first = habits.add(before or b"", keys, kept.occurred_us // DAY_US, passed, doubted)
        self.accounts[account] = packed
        self.bytes_used += len(packed) + (ACCOUNT_BYTES if before is None else -len(before))
        while self.bytes_used > self.capacity_bytes and len(self.accounts) > 1:
            _, gone = self.accounts.popitem(last=False)
            self.bytes_used -= len(gone) + ACCOUNT_BYTES
            self.evicted += 1
        self.population.add(first_today, first)
        # Once a day and account: whoever logs in to an account of their own a hundred times, strangely each time, moves the yardstick once.
        if first and risk is not None and known >= SETTLED_LOGINS:
            if doubted and not passed:
                self.unproven = (self.unproven + 1) % UNPROVEN_TAKEN
                if self.unproven:
                    risk = min(risk, self._baseline(known) - HISTOGRAM_STEP / 2)
            self.population.settle(risk, known)
            history = history_class(known)
            self.since[history] += 1
            if self.since[history] >= BASELINE_EVERY:
                self.since[history] = 0
                self.baselines[history] = self.population.upper(BASELINE_SHARE, known)

    def apply(self, record: Record) -> None:
        """One record of the journal."""
        kept = kept_record(record) if record.point in self.types else None
        if kept is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Forget an account."""
        packed = self.accounts.pop(subject, None)
        if packed is not None:
            self.bytes_used -= len(packed) + ACCOUNT_BYTES
        self.attempts.erase(subject)

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            _Kept(
                list(self.accounts.items()),
                self.evicted,
                list(self.attempts.waiting.items()),
                self.population.snapshot(),
                self.baselines,
                self.since,
                self.unproven,
                VERSION,
            )
        )

    def restore(self, data: bytes) -> None:
        """Raises ValueError for bytes that it did not write."""
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"login_profile: not a snapshot: {error}") from None
        if kept.version != VERSION:
            raise ValueError("login_profile: the snapshot is of another version")
        self.population.restore(kept.population)
        self.accounts = OrderedDict(kept.accounts)
        self.bytes_used = sum(len(packed) + ACCOUNT_BYTES for packed in self.accounts.values())
        self.evicted, self.baselines, self.since, self.unproven = kept.evicted, kept.baselines, kept.since, kept.unproven
        self.attempts.restore(kept.attempts)

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()
