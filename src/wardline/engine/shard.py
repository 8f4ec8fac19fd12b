"""A shard: one writer, one order. It gives every record its place, applies it to the states, and makes it durable.

    seq = shard.write("event", id, point="mail.in", body=…)        applied at once, durable later
    await shard.commit("decision", id, point="mail.in", body=…)    durable when it returns, with all that came before

Every state is a pure function of the shard's records in order: it stores the seq it has applied and applies each record once. A restart is
snapshot plus tail; a replay applies the same records to fresh states. All calls come from one thread, the one that owns the shard.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from wardline.engine.journal import Journal
from wardline.engine.record import Record
from wardline.engine.snapshot import Snapshots, State


class Applies(Protocol):
    """What a domain gives the shard: how one record changes its states."""

    def apply(self, record: Record) -> None: ...


class Shard:
    """The journal and the states of one shard (number 0 while there is only one)."""

    def __init__(self, journal: Journal, snapshots: Snapshots, states: Mapping[str, State], now_us: Callable[[], int], number: int = 0) -> None:
        self.journal = journal
        self.snapshots = snapshots
        self.states = states
        self.number = number
        self.now_us = now_us
