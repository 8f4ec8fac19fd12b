"""The decision door: what every domain answers to an event, whichever gateway carried it.

    pending = door.admit(Event(type="mail.envelope", …))      # at once: read, judged, appended to the journal
    answer = await pending                                     # durable: now it may leave
    Answer(id="01K…", verdict="allow", score=0.02, reasons=[…], policy="mail.envelope@1", model="none", ms=0.4)

A gateway routes an event by its type to the door that names it. Types without a door are recorded and counted, never decided.

Admitting and waiting are two steps, so that a history of many events waits for the disk a few times and not once per event: admit a line,
then the next, and await them in order. Awaiting what is durable already costs nothing and gives the event loop no turn.
"""

import time
from collections.abc import Callable, Generator
from typing import Any, Protocol

import msgspec

from wardline.engine.decision import Reason
from wardline.engine.event import Event
from wardline.engine.store.receipt import Receipt


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as the caller sees it. score: 0 benign … 1 abusive, calibrated. ms: from the whole event to the durable decision."""

    id: str
    verdict: str
    score: float
    obligations: list[dict[str, Any]] = []
    reasons: list[Reason] = []
    policy: str = ""
    model: str = ""
    ms: float = 0.0


class Accepted(msgspec.Struct, frozen=True):
    """An event was recorded; no decision was wanted."""

    id: str
    accepted: bool = True


class EventError(ValueError):
    """An event that a door cannot take: which field, what is wrong, what to do."""


class Pending:
    """An answer that waits for its record: `await` it once, and it is durable with all that came before.

    answer: what will be said, `ms` apart. started_s: time.perf_counter() when the whole event was there; None for a repeated id, whose first
    answer is neither timed nor counted again. repeated: the id was taken before; what is said is what was said then. count: told (verdict, seconds) when the decision is durable.
    Awaiting raises StorageFailed when the disk refused the record: then nothing was answered.
    """

    __slots__ = ("_count", "_started_s", "answer", "receipt", "repeated")

    def __init__(
        self,
        answer: Answer | Accepted,
        receipt: Receipt,
        started_s: float | None = None,
        count: Callable[[str, float], None] | None = None,
        *,
        repeated: bool = False,
    ) -> None:
        self.answer = answer
        self.receipt = receipt
        self._started_s = started_s
        self._count = count
        self.repeated = repeated

    def __await__(self) -> Generator[Any, None, Answer | Accepted]:
        if not self.receipt.done:
            yield from self.receipt.__await__()
        answer = self.answer
        if self._started_s is not None and isinstance(answer, Answer):
            seconds = time.perf_counter() - self._started_s
            if self._count is not None:
                self._count(answer.verdict, seconds)
            answer = self.answer = msgspec.structs.replace(answer, ms=round(seconds * 1000, 2))
            self._started_s = None
        return answer


class EventDoor(Protocol):
    """What a domain offers the gateways. Both calls return at once and never wait: for the disk the caller awaits what they give.

    types: the event types that it decides. played: those of them that it decides in a batch too; the others are questions about what is to be
    done, and a batch tells what was. notes: those that it records without a decision (an outcome).
    Both raise EventError for an event that the door cannot read, StorageBusy and StorageFull before anything was changed.
    """

    types: frozenset[str]
    played: frozenset[str]
    notes: frozenset[str]

    def admit(self, event: Event) -> Pending:
        """Decide one event of `types`. A repeated id gets the first answer."""
        ...

    def note(self, event: Event) -> Pending:
        """Record one event of `types` or `notes` without deciding it. A repeated id is recorded once."""
        ...
