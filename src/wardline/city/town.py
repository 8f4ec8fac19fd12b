"""The town's clock: a heap of who acts next, and the one place where events and truths are written.

    town = Town(Plan(users=300, days=10), door=None)      an empty one; `found` has it settled
    for events, truths in town.run(): …          lists of lines, in the order of time

Actors push themselves: `town.at(now_ms, actor, stage)`. Memory holds the people, the campaigns and one entry each on the heap, whatever the
number of days. With a door, what actors send is decided for real, and `verdict` waits for the answer; without one everybody is let in.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, Protocol

from wardline.city.plan import Plan
from wardline.city.streams import stream
from wardline.city.world import World

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CHUNK_LINES = 2048
_MINUTES = tuple(f"{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))
_SECONDS = tuple(f"{second:02d}." for second in range(60))
LEGIT = '"truth":"legit","kind":null,"campaign":null'


class Actor(Protocol):
    """Somebody who acts at times."""

    def step(self, town: "Town", now_ms: int, stage: Any) -> None:
        """Act; push what comes next."""


class Undertaking(Protocol):
    """A campaign, as far as the town knows it."""

    kind: str

    def told(self) -> str:
        """Its line of truth."""


class Door(Protocol):
    """A real decision door: takes lines in order, and knows the verdict of an event that it was given."""

    def send(self, lines: list[str]) -> None:
        """Give it these events, in order."""

    def verdict(self, id: str) -> str:
        """What it said about one of them."""


class Town:
    """One run."""

    def __init__(self, plan: Plan, door: Door | None = None) -> None:
        self.plan = plan
        self.door = door
        self.start_ms = int(plan.monday.timestamp()) * SECOND
        self.end_ms = self.start_ms + plan.days * DAY
        self.world = World(plan.seed)
        self.r = stream(plan.seed, "life")
        self.events: list[str] = []
        self.truths: list[str] = []
        self.types: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        self.stopped: dict[str, dict[str, int]] = {}
        self.campaigns: Sequence[Undertaking] = ()
        self._unsent: list[str] = []
        self._heap: list[tuple[int, int, Actor, Any]] = []
        self._pushed = 0
        self._number = 0
        self._day = -1
        self._day_text = ""
        self._prefix = f"c{plan.seed}-"

    def at(self, when_ms: int, actor: Actor, stage: Any = 0) -> None:
        """Let the actor act then, unless the time is over by then."""
        if when_ms < self.end_ms:
            self._pushed += 1
            heappush(self._heap, (when_ms, self._pushed, actor, stage))

    def run(self) -> Iterator[tuple[list[str], list[str]]]:
        """Lines of events and of truths, portion by portion, in the order of time; at last a truth line for each campaign."""
        heap = self._heap
        while heap:
            now, _order, actor, stage = heappop(heap)
            actor.step(self, now, stage)
            if len(self.events) >= CHUNK_LINES:
                yield self._taken()
        self.truths += [campaign.told() for campaign in self.campaigns]
        yield self._taken()

    def _taken(self) -> tuple[list[str], list[str]]:
        self._send()
        taken = self.events, self.truths
        self.events, self.truths = [], []
        return taken

    @property
    def now_share(self) -> float:
        """How much of the time is over, for a progress bar."""
        return (self._heap[0][0] - self.start_ms) / (self.end_ms - self.start_ms) if self._heap else 1.0

    def verdict(self, id: str) -> str:
        """What the door says; "allow" where there is none."""
        if self.door is None:
            return "allow"
        self._send()
        return self.door.verdict(id)

    def _send(self) -> None:
        if self.door is not None and self._unsent:
            self.door.send(self._unsent)
            self._unsent = []

    def write(self, type: str, now_ms: int, flow: str, entities: str, fields: str) -> str:
        """One event; entities and fields are the insides of JSON objects. Gives its id."""
        self._number += 1
        id = f"{self._prefix}{self._number:08x}"
        line = (
            f'{{"id":"{id}","type":"{type}","schema_version":1,"occurred_at":"{self.moment(now_ms)}","site":"default",'
            f'"flow_id":"{flow or id}","entities":{{{entities}}},"fields":{{{fields}}}}}\n'
        )
        self.events.append(line)
        if self.door is not None:
            self._unsent.append(line)
        self.types[type] = self.types.get(type, 0) + 1
        return id

    def tell(self, id: str, type: str, account: str, who: str, kind: str, status: str, tags: str, history: int, password: bool) -> None:
        """The truth about one event. who: the inside of JSON for truth, kind and campaign; tags: ',"mobile",…'."""
        self.truths.append(
            f'{{"id":"{id}","type":"{type}","account":"{account}",{who},"status":"{status}","tags":[{tags[1:]}],'
            f'"history":{history},"password":{"true" if password else "false"}}}\n'
        )
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def count_verdict(self, kind: str, verdict: str) -> None:
        """Count what became of an attempt, for the summary."""
        said = self.stopped.setdefault(kind, {})
        said[verdict] = said.get(verdict, 0) + 1

    def moment(self, now_ms: int) -> str:
        """A time as RFC 3339 with milliseconds, UTC."""
        day, rest = divmod(now_ms, DAY)
        if day != self._day:
            self._day, self._day_text = day, _date(day)
        minute, rest = divmod(rest, MINUTE)
        return f"{self._day_text}{_MINUTES[minute]}{_SECONDS[rest // 1000]}{rest % 1000:03d}Z"

    def summary(self) -> dict[str, Any]:
        """Events by type, attempts by attack, campaigns; with a door also the verdicts of each."""
        attacks: dict[str, int] = {}
        for campaign in self.campaigns:
            attacks[campaign.kind] = attacks.get(campaign.kind, 0) + 1
        found: dict[str, Any] = {
            "events": sum(self.types.values()),
            "types": dict(sorted(self.types.items())),
            "truths": dict(sorted(self.kinds.items())),
            "campaigns": attacks,
            "people": self.plan.users,
        }
        if self.door is not None:
            found["verdicts"] = {kind: dict(sorted(said.items())) for kind, said in sorted(self.stopped.items())}
        return found


def _date(day: int) -> str:
    """The date of a day since 1970, "2026-01-05T"."""
    from datetime import date

    return date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat() + "T"
