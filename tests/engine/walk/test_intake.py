"""Intake's own limits: what is counted is what was sent, not what the sources know of it."""

from datetime import UTC, datetime

import pytest

from wardline.base.privacy import Pseudonyms
from wardline.engine.door import EventError
from wardline.engine.event import Event
from wardline.engine.walk.intake import ENTITY_LIMIT, Edge

MANY = {f"ip.fact{number}": number for number in range(30)}


def event_of(entities: dict[str, str]) -> Event:
    return Event(id="1", type="login", occurred_at=datetime(2026, 1, 5, tzinfo=UTC), entities=entities)


def test_what_the_sources_know_does_not_count_against_the_entities() -> None:
    edge = Edge(Pseudonyms(b"k" * 32), ip_facts=lambda text, at_us: MANY)
    facts = edge.entities(event_of({"ip": "192.0.2.7", "account": "a", "device": "d", "email": "a@example.com", "phone": "1"}))
    assert {"account", "device", "email", "phone", "ip.fact29"} <= facts.keys()


def test_too_many_entities_are_refused() -> None:
    edge = Edge(Pseudonyms(b"k" * 32))
    edge.entities(event_of({f"kind{number}": "x" for number in range(ENTITY_LIMIT)}))
    with pytest.raises(EventError, match="at most 16"):
        edge.entities(event_of({f"kind{number}": "x" for number in range(ENTITY_LIMIT + 1)}))
