"""The decision door: what every domain answers to an event, whichever gateway carried it.

    answer = await door.decide(Event(type="mail.envelope", …))
    Answer(id="01K…", verdict="allow", score=0.02, reasons=[…], policy="mail.envelope@1", model="none", ms=0.4)

A gateway routes an event by its type to the door that names it. Types without a door are recorded and counted, never decided.
"""

from typing import Any, Protocol

import msgspec

from wardline.engine.decision import Reason
from wardline.engine.event import Event


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


class EventError(ValueError):
    """An event that a door cannot take: which field, what is wrong, what to do."""


class EventDoor(Protocol):
    """What a domain offers the gateways: which event types it decides, and how."""

    types: frozenset[str]

    async def decide(self, event: Event) -> Answer:
        """Decide one event; durable when it returns. A repeated id gets the first answer. Raises EventError for an event it cannot read."""
        ...
