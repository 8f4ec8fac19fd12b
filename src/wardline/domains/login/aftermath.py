"""What a session does after a login that was doubted: the cooling-off time of an account. A DomainState, bounded.

    state.read("session", …) -> {"login.since_risky_login_seconds": 900, "login.surprises_since_risky": 2, "login.sensitive": True}

A login that ended well although the verdict was not "allow", or although its risk was near what one in a hundred honest logins reaches, begins a
cooling-off of COOLING_SECONDS. Whoever stole an account changes its recovery, forwards its mail, takes its data: such actions within that time
are counted, and the next decision about the account sees them, about a login or about a further action. An action that was asked about, challenged and
passed ends the cooling-off: the challenge is one that was set before the login. Also for rules. At most CAPACITY accounts; the oldest leaves first and is unknown.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from wardline.domains.login.attempts import Attempt, Attempts
from wardline.domains.login.events import CHALLENGE_PASSED, CREDENTIAL, OUTCOME, PASSED, POINT, RECOVERY, SESSION
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_record
from wardline.engine.record import Record

CAPACITY = 50_000
COOLING_SECONDS = 86_400
SKEW_SECONDS = 3_600  # machines that tell of logins and of sessions may have clocks so far apart
NEAR_NATS = 2.0
SURPRISES = frozenset({"recovery_change", "forward_rule", "password_change", "export", "mass_send", "delete_all", "second_factor_change"})


class _Kept(msgspec.Struct, array_like=True):
    accounts: list[tuple[str, tuple[int, int]]]
    attempts: list[tuple[str, Attempt]]


class LoginAftermath:
    """See the module."""

    name = "login_aftermath"
    types = frozenset({POINT, OUTCOME, RECOVERY, CREDENTIAL, SESSION})
    gives: Mapping[str, str] = {
        "login.since_risky_login_seconds": "number",
        "login.surprises_since_risky": "number",
        "login.sensitive": "bool",
    }

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.applied_seq = 0
        self.capacity = capacity
        self.accounts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.attempts = Attempts()

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """Seconds since the last doubted login that ended well, and the surprises after it; nothing where there was none in time. Of an action
        also whether it is one that thieves do."""
        about: dict[str, Value] = {"login.sensitive": facts.get("action") in SURPRISES} if type == SESSION else {}
        found = self._cooling(str(facts.get("account")), occurred_us)
        if found is None:
            return about
        since = max((occurred_us - found[0]) // 1_000_000, 0)
        return {"login.since_risky_login_seconds": since, "login.surprises_since_risky": found[1], **about}

    def _cooling(self, account: str, occurred_us: int) -> tuple[int, int] | None:
        """When the account's doubted login ended well, and the surprises since, while it cools off."""
        found = self.accounts.get(account)
        return found if found is not None and -SKEW_SECONDS <= (occurred_us - found[0]) // 1_000_000 <= COOLING_SECONDS else None

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """A doubted login waits for its outcome; what a session does after it counts."""
        facts, account = kept.facts, str(kept.facts.get("account") or "")
        if not account:
            return
        if kept.type == POINT:
            if isinstance(kept, KeptDecision) and _doubted(kept):
                self.attempts.opened(facts, Attempt(account, kept.occurred_us))
        elif kept.type == OUTCOME and facts.get("result") in PASSED:
            self._passed(facts, kept.occurred_us)
        elif kept.type in (RECOVERY, CREDENTIAL) or (kept.type == SESSION and facts.get("action") in SURPRISES):
            found = self._cooling(account, kept.occurred_us)
            if found is None:
                return
            self.accounts[account] = (found[0], min(found[1] + 1, 1000))
            if isinstance(kept, KeptDecision) and kept.verdict == "challenge":
                self.attempts.opened(facts, Attempt(account, kept.occurred_us, told=True))

    def _passed(self, facts: Values, occurred_us: int) -> None:
        """A doubted login ended well and the account cools off; or whoever did the act that was asked about passed, and it has cooled off."""
        flow = facts.get("flow")
        # A login that nobody doubted does not wait here: by account and address alone its outcome would be taken for the act's.
        own = not flow or str(flow) in self.attempts.waiting
        attempt = self.attempts.closed(facts, occurred_us)
        if attempt is None:
            return
        if attempt.told:
            if own and facts.get("result") == CHALLENGE_PASSED:
                self.accounts.pop(attempt.account, None)
            return
        # Who logs in once more does not wipe out what was done since the first time.
        before = self._cooling(attempt.account, occurred_us)
        self.accounts[attempt.account] = (occurred_us, before[1] if before is not None else 0)
        self.accounts.move_to_end(attempt.account)
        if len(self.accounts) > self.capacity:
            self.accounts.popitem(last=False)

    def apply(self, record: Record) -> None:
        """One record of the journal."""
        kept = kept_record(record) if record.point in self.types else None
        if kept is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Forget an account."""
        self.accounts.pop(subject, None)
        self.attempts.erase(subject)

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes."""
        return msgspec.msgpack.encode(_Kept(list(self.accounts.items()), list(self.attempts.waiting.items())))

    def restore(self, data: bytes) -> None:
        """Raises ValueError for bytes that it did not write."""
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"login_aftermath: not a snapshot: {error}") from None
        self.accounts = OrderedDict(kept.accounts)
        self.attempts.restore(kept.attempts)

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()


def _doubted(kept: KeptDecision) -> bool:
    risk, baseline = kept.read.get("login.risk"), kept.read.get("login.baseline")
    near = isinstance(risk, float) and isinstance(baseline, float) and risk >= baseline - NEAR_NATS
    return kept.verdict != "allow" or near
