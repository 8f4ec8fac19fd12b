"""Labels coming in on a real journal: statements, events, withdrawals, floods; hidden names; a restart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.base.privacy import Pseudonyms
from wardline.engine.door import EventError
from wardline.engine.event import Event
from wardline.engine.feedback.labelling import LabelFlood, Labelling, Statement
from wardline.engine.feedback.labels import Labels
from wardline.engine.label import LabelError, Trust
from wardline.engine.states.shard import Shard
from wardline.engine.store.journal import Journal

NOW_US = 1_700_000_000_000_000
NOW = datetime.fromtimestamp(NOW_US / 1e6, UTC)
PSEUDONYMS = Pseudonyms(b"k" * 32)


def open_labelling(data: Path, clock: FixedClock, **more: Any) -> Labelling:
    journal = Journal.open(data, clock=clock)
    labels = Labels(more.pop("trust", Trust(listed=frozenset({"partner"}))))
    shard = Shard(journal, (labels,), clock)
    shard.follow("label", labels)
    return Labelling(shard, labels, PSEUDONYMS, Ids(clock), Metrics(), **more)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW_US)


@pytest.fixture
def labelling(tmp_path: Path, clock: FixedClock) -> Iterator[Labelling]:
    made = open_labelling(tmp_path / "data", clock)
    yield made
    made.shard.journal.close()


def event(event_id: str = "e1", **fields: Any) -> Event:
    given = {"about": "account:alice", "abusive": True, "source": "desk"} | fields
    return Event(id=event_id, type="label", occurred_at=NOW - timedelta(days=30), fields=given)


async def test_a_label_is_recorded_and_its_subject_hidden(labelling: Labelling) -> None:
    label = await labelling.add(Statement(about="account:alice", abusive=True, source="desk", kind="takeover", reporter="ann"), keyed=True)
    assert labelling.standing("account:alice").abusive is True
    records = list(labelling.shard.journal.read(1))
    assert [(record.kind, record.point, record.subject) for record in records] == [("label", "label", PSEUDONYMS.of("account", "alice"))]
    assert b"alice" not in records[0].body and b"ann" not in records[0].body
    assert [shown.id for shown in labelling.history(PSEUDONYMS.of("account", "alice"))] == [label.id]


async def test_an_event_of_type_label(labelling: Labelling) -> None:
    answer = await labelling.take(event(kind="takeover", confidence=0.9, reason="told by the owner"), keyed=True)
    assert answer.id == "e1"
    again = await labelling.take(event(abusive=False), keyed=True)  # the id was there before: the first one counts
    assert again.id == "e1"
    shown = labelling.history("account:alice")
    assert [(one.abusive, one.confidence, one.kind) for one in shown] == [(True, 0.9, "takeover")]
    assert (shown[0].said_at, shown[0].told_at) == (NOW - timedelta(days=30), NOW)  # late, and both times are kept


async def test_without_a_key_it_is_one_bounded_voice(labelling: Labelling) -> None:
    await labelling.take(event("e1"), keyed=False)
    await labelling.take(event("e2", source="partner"), keyed=False)
    standing = labelling.standing("account:alice")
    assert (standing.abusive, standing.sources) == (None, 1)
    assert {(one.source, one.counts_as, one.confidence) for one in labelling.history("account:alice")} == {
        ("desk", "keyless", 0.5),
        ("partner", "keyless", 0.5),
    }


async def test_a_configuration_that_takes_no_keyless_labels(tmp_path: Path, clock: FixedClock) -> None:
    closed = open_labelling(tmp_path / "closed", clock, trust=Trust(keyless_confidence=0.0))
    with pytest.raises(EventError, match="scope learn"):
        closed.take(event(), keyed=False)
    assert not list(closed.shard.journal.read(1))
    closed.shard.journal.close()


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"about": None}, "fields.about"),
        ({"about": ""}, "fields.about"),
        ({"about": {"planet": "mars"}}, "fields.about"),
        ({"abusive": None}, "fields.abusive"),
        ({"abusive": "yes"}, "fields.abusive"),
        ({"source": None}, "fields.source"),
        ({"source": "Some One"}, "fields.source"),
        ({"confidence": 1.5}, "fields.confidence"),
        ({"confidence": 0}, "fields.confidence"),
        ({"kind": "no word!"}, "fields.kind"),
        ({"reason": 7}, "fields.reason"),
        ({"reporter": 7}, "fields.reporter"),
        ({"expires_at": "soon"}, "fields.expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "fields.expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "fields.expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "fields.expires_at: a time from 1970 to 9999"),
    ],
)
def test_events_that_label_nothing(labelling: Labelling, fields: dict[str, Any], part: str) -> None:
    with pytest.raises(EventError, match=part):
        labelling.take(event(**fields), keyed=True)
    assert not list(labelling.shard.journal.read(1))


async def test_a_label_for_the_future(labelling: Labelling) -> None:
    with pytest.raises(LabelError, match="ahead of our clock"):
        await labelling.add(Statement(about="e", abusive=True, source="desk", occurred_at=NOW + timedelta(days=2)), keyed=True)
    with pytest.raises(LabelError, match="time zone"):
        await labelling.add(Statement(about="e", abusive=True, source="desk", occurred_at=NOW.replace(tzinfo=None)), keyed=True)
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    for at in early:
        with pytest.raises(LabelError, match="occurred_at: a time from 1970 to 9999 is needed"):
            await labelling.add(Statement(about="e", abusive=True, source="desk", occurred_at=at), keyed=True)
    assert labelling.history("e") == []
    await labelling.add(
        Statement(about="e", abusive=True, source="desk", expires_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)), keyed=True
    )
    assert labelling.history("e")[0].expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


async def test_withdrawn_once(labelling: Labelling, clock: FixedClock) -> None:
    label = await labelling.add(Statement(about="account:alice", abusive=True, source="desk"), keyed=True)
    known_seq = labelling.shard.journal.last_seq
    clock.advance_us(1_000_000)
    withdrawal = await labelling.withdraw(label.id, reason="it was him")
    assert withdrawal.withdraws == label.id and labelling.standing("account:alice").abusive is None
    assert labelling.standing("account:alice", as_of_seq=known_seq).abusive is True
    assert [shown.withdrawn for shown in labelling.history("account:alice")] == [True]
    for label_id, part in ((label.id, "already"), (withdrawal.id, "withdrawal"), ("nope", "no label has this id")):
        with pytest.raises(LabelError, match=part):
            await labelling.withdraw(label_id)
    again = await labelling.add(Statement(about="account:alice", abusive=True, source="desk"), keyed=True)
    assert labelling.standing("account:alice").abusive is True and again.id != label.id
    assert [shown.withdrawn for shown in labelling.history("account:alice")] == [False, True]


async def test_withdrawn_after_memory_forgot_it(labelling: Labelling) -> None:
    label = await labelling.add(Statement(about="account:alice", abusive=True, source="desk"), keyed=True)
    labelling.labels.things.clear()
    await labelling.withdraw(label.id)
    with pytest.raises(LabelError, match="already"):
        await labelling.withdraw(label.id)


async def test_a_domains_own_label_is_taken_back_there(labelling: Labelling) -> None:
    await labelling.shard.write("label", "m1", point="mail.in", body=b"")
    with pytest.raises(LabelError, match="wardline unlearn"):
        await labelling.withdraw("m1")
    with pytest.raises(EventError, match="an id of its own"):
        labelling.take(event("m1"), keyed=True)


async def test_a_source_that_floods_is_told_to_wait(tmp_path: Path, clock: FixedClock) -> None:
    made = open_labelling(tmp_path / "flood", clock, per_hour=5)
    for number in range(5):
        await made.take(event(str(number)), keyed=True)
    with pytest.raises(EventError, match="next"):
        made.take(event("5"), keyed=True)
    with pytest.raises(LabelFlood):
        await made.add(Statement(about="e", abusive=True, source="desk"), keyed=True)
    await made.take(event("6", source="partner"), keyed=True)  # another source is not stopped by it
    clock.advance_us(3_600_000_000)
    await made.take(event("7"), keyed=True)
    made.shard.journal.close()


async def test_the_journal_alone_makes_the_state_again(labelling: Labelling, tmp_path: Path, clock: FixedClock) -> None:
    for number in range(50):
        await labelling.take(event(str(number), about=f"account:{number % 7}", abusive=number % 3 > 0), keyed=number % 2 > 0)
    await labelling.withdraw("3")
    before = labelling.labels.digest()
    rebuilt = Labels(labelling.labels.trust)
    for record in labelling.shard.journal.read(1):
        rebuilt.apply(record)
    assert rebuilt.digest() == before
