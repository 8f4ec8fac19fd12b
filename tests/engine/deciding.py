"""For tests of event points: a program's engine on a temporary folder, with the shipped domains, on a clock that stands still.

with desk(tmp_path) as running: …                     # logins and sign-ups as they ship
with desk(tmp_path, domains=[plain_login()]) as …     # logins with their facts and counters alone: what decides are the rules
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.base.privacy import Pseudonyms
from wardline.engine.event import Event
from wardline.engine.operators.administration import Administration
from wardline.engine.states.shard import Shard
from wardline.engine.store.journal import Journal
from wardline.engine.walk.intake import Edge
from wardline.engine.walk.point import EventDomain, EventPoint
from wardline.engine.walk.points import EventPoints
from wardline.shipped import event_domains

START = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


class Desk:
    """The engine's part of a program."""

    def __init__(self, journal: Journal, clock: FixedClock, domains: Sequence[EventDomain]) -> None:
        self.journal, self.clock = journal, clock
        self.documents: dict[str, bytes] = {}
        self.administration, self.metrics = Administration(), Metrics()
        self.points = EventPoints(domains, 1 << 22, self.documents.__setitem__)
        self.shard = Shard(journal, (self.administration, *self.points.states), clock)
        self.points.open(self.shard, Edge(Pseudonyms(b"k" * 32)), self.administration, self.metrics, Ids(clock).new)

    def door(self, point: str) -> EventPoint:
        return next(door for door in self.points.doors if door.point == point)

    async def ask(self, type: str, id: str, entities: dict[str, str] | None = None, **fields: Any) -> Any:
        """Decide, or note what is not decided."""
        at = datetime.fromtimestamp(self.clock.now_us() / 1e6, UTC)
        event = Event(id=id, type=type, occurred_at=at, entities=entities or {}, fields=fields)
        door = next(door for door in self.points.doors if type in door.types | door.notes)
        return await (door.admit(event) if type in door.types else door.note(event))


@contextlib.contextmanager
def desk(folder: Path, clock: FixedClock | None = None, domains: Sequence[EventDomain] | None = None) -> Iterator[Desk]:
    clock = clock or FixedClock(int(START.timestamp() * 1e6))
    journal = Journal.open(folder, clock=clock)
    try:
        yield Desk(journal, clock, event_domains() if domains is None else domains)
    finally:
        journal.close()
