"""What the journal keeps of an event: both kinds of record give the event back, and nothing else is taken for one."""

import pytest

from wardline.engine.decision import Reason
from wardline.engine.kept import BODY_LIMIT_BYTES, KeptDecision, KeptEvent, kept_decision, kept_event, kept_record, pack
from wardline.engine.record import Record

EVENT = KeptEvent(id="e1", type="login.outcome", occurred_us=1_000_000, facts={"account": "account:00", "result": "success", "n": None})
DECISION = KeptDecision(
    id="d1",
    type="login",
    occurred_us=2_000_000,
    facts={"account": "account:00"},
    read={"failures_10m": 3, "devices_7d": None},
    verdict="challenge",
    score=0.75,
    reasons=(Reason("failures", 0.9, "Three wrong passwords."),),
    hits=("failures",),
)


def record(kind: str, point: str, body: bytes) -> Record:
    return Record(1, 0, kind, "x", 5, point, "", (), 1, body)


def test_both_kinds_give_the_event() -> None:
    assert kept_event(record("event", "login.outcome", pack(EVENT))) == EVENT
    found = kept_event(record("decision", "login", pack(DECISION)))
    assert found is not None and (found.id, found.occurred_us, found.facts) == ("d1", 2_000_000, {"account": "account:00"})


def test_a_decision_comes_back_whole_and_only_from_a_decision() -> None:
    assert kept_decision(record("decision", "login", pack(DECISION))) == DECISION
    assert kept_decision(record("event", "login.outcome", pack(EVENT))) is None
    assert kept_record(record("decision", "login", pack(DECISION))) == DECISION
    assert kept_record(record("event", "login.outcome", pack(EVENT))) == EVENT


@pytest.mark.parametrize(
    ("kind", "point", "body"),
    [
        ("event", "mail.in", pack(EVENT)),
        ("audit", "login", pack(EVENT)),
        ("event", "login", b"\xc1"),
        ("event", "", pack(EVENT)),
        ("event", "login", b""),
    ],
)
def test_what_is_no_event_of_a_domain_is_none(kind: str, point: str, body: bytes) -> None:
    assert kept_event(record(kind, point, body)) is None


def test_a_body_that_is_too_large_is_refused_with_the_limit() -> None:
    huge = KeptEvent(id="e", type="login", occurred_us=0, facts={str(n): "x" * 100 for n in range(1000)})
    with pytest.raises(ValueError, match=str(BODY_LIMIT_BYTES)):
        pack(huge)
