"""The envelope's decision: the same twice, whoever asks; what an older version packed is still read; what it cannot read is said."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardline import Wardline
from wardline.domains.mail.envelope import EnvelopeDecision, EnvelopePoint, _body_of
from wardline.domains.mail.naming import network_of
from wardline.domains.mail.records import pack
from wardline.engine.door import Answer, EventError
from wardline.engine.event import Event
from wardline.engine.record import Record


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Wardline]:
    with Wardline(tmp_path / "data", starter=False) as running:
        yield running


def event(id: str, **fields: object) -> Event:
    return Event(
        id=id,
        type="mail.envelope",
        occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
        entities={"ip": "192.0.2.7"},
        fields={"mail_from": "A@example.com", "rcpt": "<b@example.net>", **fields},
    )


def decided(program: Wardline, *events: Event) -> list[Answer]:
    async def all_of() -> list[Answer]:
        door: EnvelopePoint = program.program.envelope
        pending = [door.admit(each) for each in events]
        answers = [await each for each in pending]
        assert all(isinstance(answer, Answer) for answer in answers)
        return [answer for answer in answers if isinstance(answer, Answer)]

    found: list[Answer] = asyncio.run_coroutine_threadsafe(all_of(), program._loop).result()
    return found


def test_a_repeated_id_gets_the_first_answer(program: Wardline) -> None:
    first, again = decided(program, event("e-1"), event("e-1", rcpt="c@example.net"))
    assert (first.verdict, first.score, first.reasons) == (again.verdict, again.score, again.reasons)
    program.program.journal.flush()
    (later,) = decided(program, event("e-1"))
    assert (later.verdict, later.score) == (first.verdict, first.score)
    records = list(program.program.journal.read(1, kinds=("decision",)))
    assert len(records) == 1 and b"example" not in records[0].body
    assert _body_of(records[0]).id == "e-1"


def test_packed_bodies_of_older_versions_are_read() -> None:
    body = EnvelopeDecision(
        id="e-1", time_s=1, values={}, verdict="allow", score=0.1, log_odds=-2.0, line="", reasons=(), policy="p@1", policy_digest="d"
    )
    assert _body_of(Record(1, 0, "decision", "e-1", 1, "mail.envelope", body=pack(body))) == body


@pytest.mark.parametrize(("field", "value"), [("mail_from", 7), ("rcpt", "x" * 321)])
def test_what_cannot_be_read_is_said(program: Wardline, field: str, value: object) -> None:
    with pytest.raises(EventError, match=field):
        program.program.envelope.admit(event("e-2", **{field: value}))


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("192.0.2.077", ""),
        ("192.0.2", ""),
        ("", ""),
    ],
)
def test_the_network_of_a_client(ip: str, network: str) -> None:
    assert network_of(ip) == network
