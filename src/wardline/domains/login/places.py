"""Where an account was used last, by country and time: the fact behind "impossible travel". A DomainState, bounded; without countries it knows nothing.

    state.read("login", …) -> {"login.other_country_seconds": 1800}      half an hour ago the account was used from another country

Only logins that ended well count. A VPN that is switched on looks the same as an intruder elsewhere, so this is one feature among others.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from wardline.domains.login.events import OUTCOME, PASSED, POINT
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

CAPACITY = 100_000


class LoginPlaces:
    """See the module."""

    name = "login_places"
    types = frozenset({OUTCOME})
    gives: Mapping[str, str] = {"login.other_country_seconds": "number"}

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.applied_seq = 0
        self.capacity = capacity
        self.last: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """Seconds since a login from another country; nothing where the last one was from this country, or is unknown."""
        country, last = facts.get("ip.country"), self.last.get(str(facts.get("account")))
        if type != POINT or not country or last is None or last[0] == country:
            return {}
        return {"login.other_country_seconds": max(occurred_us - last[1], 0) // 1_000_000}

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Remember where a login that ended well came from."""
        facts = kept.facts
        account, country = facts.get("account"), facts.get("ip.country")
        if kept.type == OUTCOME and facts.get("result") in PASSED and account and country:
            self.last[str(account)] = (str(country), kept.occurred_us)
            self.last.move_to_end(str(account))
            if len(self.last) > self.capacity:
                self.last.popitem(last=False)

    def apply(self, record: Record) -> None:
        """One record of the journal."""
        kept = kept_event(record) if record.point in self.types else None
        if kept is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Forget an account."""
        self.last.pop(subject, None)

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes."""
        return msgspec.msgpack.encode(list(self.last.items()))

    def restore(self, data: bytes) -> None:
        """Raises ValueError for bytes that it did not write."""
        try:
            self.last = OrderedDict(msgspec.msgpack.decode(data, type=list[tuple[str, tuple[str, int]]]))
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"login_places: not a snapshot: {error}") from None

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()
