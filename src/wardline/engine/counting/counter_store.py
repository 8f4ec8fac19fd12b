"""What keeps counters, whatever it is made of: in process today, a server of its own one day. tests/contract holds every store to this.

    stores: list[CounterStore] = [Counters(declared, names, shard=shard, shards=4) for shard in range(4)]
    read_all(stores, "login", occurred_us, facts)       -> {"failures_prefix_10m": 3, "logins_account_1h": None, …}

A store owns one shard of the keys: those whose hash says so, for all counters. Every store of a set is given every record; what it does not
own it passes over. The state of a shard is a pure function of (declarations, records up to `applied_seq`), each applied once and in order.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from wardline.engine.counting.counter import Counter
from wardline.engine.feature import Value, Values
from wardline.engine.record import Record


class CounterStore(Protocol):
    """One shard of the counters; an `engine.states.snapshot.State`. The contract: docs/contracts/counters.md."""

    name: str
    applied_seq: int
    shard: int
    shards: int

    def read(self, kind: str, occurred_us: int, facts: Values, admitted_us: int | None = None) -> dict[str, Value]:
        """Every counter as of the event, without it; changes nothing. Left out: counters whose key another shard owns."""
        ...

    def absorb(self, seq: int, kind: str, occurred_us: int, facts: Values, admitted_us: int | None = None) -> None:
        """Count an event; at or before `applied_seq` it was counted already."""
        ...

    def apply(self, record: Record) -> None: ...

    def add(self, counter: Counter) -> None: ...

    def remove(self, name: str) -> None: ...

    def declarations(self) -> Mapping[str, Counter]: ...

    def snapshot(self) -> bytes: ...

    def restore(self, data: bytes) -> None: ...

    def digest(self) -> str: ...


def read_all(
    stores: Iterable[CounterStore], kind: str, occurred_us: int, facts: Values, admitted_us: int | None = None
) -> dict[str, Value]:
    """One answer from all shards: each counter from the shard that owns its key. `kind` is the event's type."""
    values: dict[str, Value] = {}
    for store in stores:
        values.update(store.read(kind, occurred_us, facts, admitted_us))
    return values
