"""Records of a login history for tests: small, deterministic, with everything that the columns must hold.

journal = Kept([login(1), login(2, facts={"ip.asn": "text"})])
"""

from collections.abc import Iterator, Sequence
from typing import Any

from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision, KeptEvent, pack
from wardline.engine.record import Record

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US


class Kept:
    """A journal as compaction knows it, in memory."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = list(records)

    @property
    def last_seq(self) -> int:
        return max((record.seq for record in self.records), default=0)

    @property
    def durable_seq(self) -> int:
        return self.last_seq

    def read(self, from_seq: int = 1, to_seq: int | None = None, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        for record in self.records:
            if from_seq <= record.seq and (to_seq is None or record.seq <= to_seq) and (kinds is None or record.kind in kinds):
                yield record


def account(number: int) -> str:
    return f"account:{number:024x}"


def login(
    seq: int,
    *,
    at_us: int | None = None,
    recorded_us: int | None = None,
    facts: dict[str, Value] | None = None,
    read: dict[str, Value] | None = None,
    keys: tuple[str, ...] = (),
    subject: str = "",
    **decided: Any,
) -> Record:
    """The record of a decided login; one a minute, four accounts."""
    time_us = START_US + seq * 60_000_000 if at_us is None else at_us
    kept = KeptDecision(
        id=f"e{seq}",
        type="login",
        occurred_us=time_us,
        facts={"account": account(seq % 4), "ip.asn": 64500 + seq % 3, **(facts or {})},
        read={"failures_10m": seq % 5, **(read or {})},
        **{"verdict": "allow", "score": 0.25, **decided},
    )
    made_us = time_us if recorded_us is None else recorded_us
    return Record(seq, 0, "decision", kept.id, made_us, "login", subject, keys, 1, pack(kept))


def outcome(seq: int, result: str, *, number: int = 0, at_us: int | None = None) -> Record:
    """The record of an outcome that nobody decides."""
    time_us = START_US + seq * 60_000_000 if at_us is None else at_us
    kept = KeptEvent(id=f"e{seq}", type="login.outcome", occurred_us=time_us, facts={"account": account(number), "result": result})
    return Record(seq, 0, "event", kept.id, time_us, "login.outcome", "", (), 1, pack(kept))
