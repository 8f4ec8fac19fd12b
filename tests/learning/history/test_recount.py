"""Counters over history are what the engine's counters would have read, event by event."""

import random
from pathlib import Path

import pytest
from learning.history.builders import START_US, Kept

from wardline.engine.counting.counter import Counter
from wardline.engine.counting.counters import Counters
from wardline.engine.kept import KeptDecision, KeptEvent, kept_event, pack
from wardline.engine.record import Record
from wardline.engine.rule import RuleError
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.recount import recount
from wardline.learning.history.session import Session
from wardline.learning.history.store import History

SECOND = 1_000_000
NAMES = {"ip": "text", "account": "text", "amount": "number", "result": "text", "port": "number", "hosting": "bool", "flags": "list"}


def records(seed: int, count: int, *, late: bool) -> list[Record]:
    """Logins and outcomes with everything that is awkward: unknown facts, numbers as keys, odd kinds, clocks that are wrong."""
    chance = random.Random(seed)
    found, now = [], START_US
    for seq in range(1, count + 1):
        now += chance.choice([0, SECOND // 10, 5 * SECOND, 40 * SECOND])
        at = now - (chance.choice([0, 0, 3 * SECOND, 900 * SECOND]) if late else 0) + (chance.random() < 0.05) * 10**10
        facts = {
            "ip": chance.choice(["ip:a", "ip:b", "ip:c", "ip:c", None, 7 if chance.random() < 0.1 else "ip:c"]),
            "account": f"account:{chance.randrange(100)}",
            "amount": chance.choice([None, 1, 2.5, -3, 10**13, 0.1, "much" if chance.random() < 0.1 else 1]),
            "result": chance.choice(["success", "wrong_password", None]),
            "port": chance.choice([25, 25.0, 587, None]),
            "hosting": chance.choice([True, False, None]),
            "flags": ["a"],
        }
        if chance.random() < 0.5:
            kept: KeptEvent = KeptDecision(id=f"e{seq}", type="login", occurred_us=at, facts=facts, read={}, verdict="allow", score=0.1)
        else:
            kept = KeptEvent(id=f"e{seq}", type="login.outcome", occurred_us=at, facts=facts)
        kind = "decision" if isinstance(kept, KeptDecision) else "event"
        found.append(Record(seq, 0, kind, kept.id, now, kept.type, body=pack(kept)))
    return found


COUNTERS = {
    "count": Counter(name="new", kind="count", on=("login.outcome",), by=("ip",), where='result == "wrong_password"', window_seconds=600),
    "two types, two keys": Counter(name="new", kind="count", on=("login", "login.outcome"), by=("port", "hosting"), window_seconds=3600),
    "no key": Counter(name="new", kind="count", on=("login",), window_seconds=90),
    "sum": Counter(name="new", kind="sum", on=("login.outcome",), of="amount", by=("ip",), window_seconds=600),
    "ratio": Counter(name="new", kind="ratio", on=("login",), of="hosting", by=("ip",), where="not missing(port)", window_seconds=600),
    "distinct": Counter(name="new", kind="distinct", on=("login", "login.outcome"), of="account", by=("port",), window_seconds=600),
    "many distinct": Counter(name="new", kind="distinct", on=("login", "login.outcome"), of="account", window_seconds=86_400),
    "distinct numbers": Counter(name="new", kind="distinct", on=("login",), of="port", by=("ip",), window_seconds=600),
    "first seen": Counter(name="new", kind="first_seen", on=("login.outcome",), by=("account",), window_seconds=900),
    "last seen": Counter(name="new", kind="last_seen", on=("login.outcome",), by=("ip",), window_seconds=100),
    "rate": Counter(name="new", kind="rate", on=("login",), by=("ip",), half_life_seconds=600),
    "a key that is a list": Counter(name="new", kind="count", on=("login",), by=("flags",), window_seconds=600),
    "a key that nobody has": Counter(name="new", kind="count", on=("login",), by=("ip", "nothing"), window_seconds=600),
    "a sum of texts": Counter(name="new", kind="sum", on=("login",), of="account", by=("ip",), window_seconds=600),
    "distinct lists": Counter(name="new", kind="distinct", on=("login",), of="flags", by=("ip",), window_seconds=600),
}


def by_engine(counter: Counter, every: list[Record]) -> dict[int, object]:
    """seq of each login -> what the engine's counter reads."""
    state, found = Counters([counter], {**NAMES, "nothing": "text"}), {}
    for record in every:
        kept = kept_event(record)
        assert kept is not None
        # What a column holds is of one kind; so is what the counter is told here.
        if isinstance(kept.facts["ip"], int):
            kept.facts["ip"] = None
        if isinstance(kept.facts["amount"], str):
            kept.facts["amount"] = None
        if kept.type == "login":
            found[record.seq] = state.read("login", kept.occurred_us, kept.facts, record.time_us)["new"]
        state.absorb(record.seq, kept.type, kept.occurred_us, kept.facts, record.time_us)
    return found


def by_history(session: Session, counter: Counter, **options: object) -> dict[int, object]:
    table = recount(session, [counter], "login", names={**NAMES, "nothing": "text"}, **options)  # type: ignore[arg-type]
    return dict(zip(table["_seq"].to_pylist(), table["new"].to_pylist(), strict=True))


@pytest.fixture(scope="module", params=[False, True], ids=["in order", "late"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[History, list[Record]]:
    every = records(7, 1500, late=request.param)
    history = History(tmp_path_factory.mktemp("history"))
    compact(history, Kept(every[:1200]), run_records=500)
    return history, every


@pytest.mark.parametrize("name", COUNTERS)
def test_equal_to_the_engine(world: tuple[History, list[Record]], name: str) -> None:
    history, every = world
    expected = by_engine(COUNTERS[name], every)
    with Session(history, tail(history, Kept(every))) as session:
        for slice_rows in (10_000, 300):
            found = by_history(session, COUNTERS[name], slice_rows=slice_rows)
            assert_equal(found, expected)


def assert_equal(found: dict[int, object], expected: dict[int, object]) -> None:
    """A late event may find its key retired in the engine; history has given nothing up, and knows."""
    differing = {seq for seq in expected if found.get(seq) != expected[seq]}
    assert all(expected[seq] is None for seq in differing)
    assert len(differing) < len(expected) / 3


@pytest.mark.parametrize("name", ["count", "sum", "ratio", "distinct", "last seen"])
def test_a_window_reads_what_came_before_it(world: tuple[History, list[Record]], name: str) -> None:
    history, every = world
    expected = by_engine(COUNTERS[name], every)
    since_us, until_us = every[700].time_us, every[1100].time_us
    logins = {record.seq: kept.occurred_us for record in every if (kept := kept_event(record)) and kept.type == "login"}
    inside = {seq for seq, at in logins.items() if since_us <= at < until_us}
    with Session(history) as session:
        found = by_history(session, COUNTERS[name], since_us=since_us, until_us=until_us)
    assert_equal(found, {seq: expected[seq] for seq in inside})
    assert set(found) <= inside


def test_several_counters_at_once(world: tuple[History, list[Record]]) -> None:
    history, every = world
    some = [COUNTERS["count"], Counter(name="other", kind="distinct", on=("login",), of="account", by=("port",), window_seconds=600)]
    told: list[float] = []
    with Session(history, tail(history, Kept(every))) as session:
        table = recount(session, some, "login", names=NAMES, progress=told.append)
    rows = {row["_seq"]: row for row in table.to_pylist()}
    expected = by_engine(some[0], every)
    assert_equal({seq: row["new"] for seq, row in rows.items()}, expected)
    assert told == [0.5, 1.0]


def test_an_unknown_name_in_a_condition_is_told(world: tuple[History, list[Record]]) -> None:
    with Session(world[0]) as session, pytest.raises(RuleError, match="did you mean result"):
        recount(session, [Counter(name="x", kind="count", on=("login",), where='resul == "a"', window_seconds=60)], "login")


def test_an_empty_history_has_no_rows(tmp_path: Path) -> None:
    with Session(History(tmp_path)) as session:
        assert recount(session, [COUNTERS["count"]], "login", names=NAMES).num_rows == 0
