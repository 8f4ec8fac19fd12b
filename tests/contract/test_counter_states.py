"""What the state of every store of counters keeps, back end by back end: records, shards, snapshots, history (docs/contracts/counters.md)."""

import random
import struct
from typing import Any

import msgspec
import pytest

from tests.engine.counting.backends import LOGINS, SECOND, Make, T
from wardline.engine.counting.counter import parse_counter
from wardline.engine.counting.counter_store import read_all
from wardline.engine.counting.counters import Counters, backfill
from wardline.engine.kept import KeptDecision, KeptEvent, pack
from wardline.engine.record import Record

MIXED = [
    LOGINS,
    parse_counter("accounts", {"distinct": "account", "on": "login", "by": "ip", "window": "10m"}),
    parse_counter("spent", {"sum": "amount", "on": "login", "by": "account", "window": "1h"}),
    parse_counter("share", {"ratio": 'result == "bad"', "on": "login", "by": ["account", "ip"], "window": "30d"}),
    parse_counter("pace", {"rate": "login", "by": "account", "half_life": "5m"}),
    parse_counter("known", {"first_seen": "login", "by": "ip"}),
]


def many(count: int) -> list[tuple[int, dict[str, Any]]]:
    found = random.Random(7)
    return [
        (
            T + number * SECOND // 3,
            {
                "ip": int(found.paretovariate(0.5)) % 500,
                "account": found.randrange(90),
                "amount": found.random(),
                "result": found.choice(["bad", "good"]),
            },
        )
        for number in range(count)
    ]


def records(count: int) -> list[Record]:
    return [
        Record(seq, 0, "event", str(seq), t, "login", body=pack(KeptEvent(id=str(seq), type="login", occurred_us=t, facts=facts)))
        for seq, (t, facts) in enumerate(many(count), 1)
    ]


def test_each_record_is_applied_once_and_both_kinds_of_record_count(make: Make) -> None:
    store = make([LOGINS])
    event = pack(KeptEvent(id="1", type="login", occurred_us=T, facts={"ip": "a"}))
    decision = pack(KeptDecision(id="2", type="login", occurred_us=T, facts={"ip": "a"}, read={}, verdict="allow", score=0.0))
    tape = [
        Record(1, 0, "event", "1", T, "login", body=event),
        Record(2, 0, "decision", "2", T, "login", body=decision),
        Record(3, 0, "label", "3", T, "login", body=b"{}"),
        Record(4, 0, "event", "4", T, "login", body=b"\xc1 damaged"),
        Record(5, 0, "decision", "5", T, "mail.in", body=b"{}"),
    ]
    for record in [*tape, *tape]:
        store.apply(record)
    assert (store.applied_seq, store.read("login", T, {"ip": "a"})) == (5, {"logins": 2})


def test_shards_together_answer_like_one(make: Make) -> None:
    whole, parts = make(MIXED), [make(MIXED, shard=shard, shards=3) for shard in range(3)]
    for seq, (t, facts) in enumerate(many(600), 1):
        assert read_all(parts, "login", t, facts) == whole.read("login", t, facts)
        for store in (whole, *parts):
            store.absorb(seq, "login", t, facts)
    assert len({store.digest() for store in parts}) == 3
    assert {store.applied_seq for store in parts} == {600}


def test_snapshot_and_tail_are_the_whole(make: Make) -> None:
    whole, again = make(MIXED, capacity_bytes=1 << 16), make(MIXED, capacity_bytes=1 << 16)
    tape = many(2000)
    for seq, (t, facts) in enumerate(tape, 1):
        whole.absorb(seq, "login", t, facts)
        if seq == 1200:
            again.restore(whole.snapshot())
            again.applied_seq = seq
            assert again.digest() == whole.digest()
    for seq, (t, facts) in enumerate(tape, 1):
        again.absorb(seq, "login", t, facts)
    assert again.digest() == whole.digest()


def test_a_snapshot_for_other_declarations_keeps_what_is_still_declared(make: Make) -> None:
    store = make(MIXED)
    for seq, (t, facts) in enumerate(many(300), 1):
        store.absorb(seq, "login", t, facts)
    t, facts = many(301)[-1]
    other = make([MIXED[5], MIXED[0], parse_counter("fresh", {"count": "login", "by": "ip", "window": "5m"})])
    other.restore(store.snapshot())
    expected = store.read("login", t, facts)
    assert other.read("login", t, facts) == {"known": expected["known"], "logins": expected["logins"], "fresh": None}


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\x96\x01"])
def test_bytes_that_are_no_snapshot_change_nothing(make: Make, damage: bytes) -> None:
    store = make(MIXED)
    store.absorb(1, "login", T, {"ip": "a"})
    before = store.digest()
    with pytest.raises(ValueError):
        store.restore(damage)
    assert store.digest() == before


def test_a_damaged_snapshot_never_breaks_the_store(make: Make) -> None:
    store = make(MIXED)
    for seq, (t, facts) in enumerate(many(50), 1):
        store.absorb(seq, "login", t, facts)
    data, before, found = store.snapshot(), store.digest(), random.Random(1)
    for _ in range(300):
        damaged = bytearray(data[: found.randrange(len(data))] if found.random() < 0.3 else data)
        for _ in range(found.randrange(1, 4)):
            if damaged:
                damaged[found.randrange(len(damaged))] = found.randrange(256)
        other = make(MIXED)
        try:
            other.restore(bytes(damaged))
        except ValueError:
            assert other.digest() == make(MIXED).digest()
        else:
            other.absorb(10**6, "login", T, {"ip": 1, "account": 2})
            other.read("login", T, {"ip": 1, "account": 2})
    assert store.digest() == before


def test_a_head_that_contradicts_itself_is_refused(make: Make) -> None:
    """A counter twice, or in a table of another key: its tallies could not be told apart."""
    store = make(MIXED)
    for seq, (t, facts) in enumerate(many(50), 1):
        store.absorb(seq, "login", t, facts)
    before, data = store.digest(), store.snapshot()
    (size,) = struct.unpack_from("<I", data)
    head = msgspec.msgpack.decode(data[4 : 4 + size])
    tables = head[-1]
    swapped = [[[tables[1][0], tables[0][1], *tables[0][2:]], *tables[1:]]]
    for changed in (
        [*head[:-1], [tables[0], *tables]],
        [*head[:-1], [[tables[0][0], [tables[0][1][0], *tables[0][1]], *tables[0][2:]], *tables[1:]]],
        [*head[:-1], *swapped],
    ):
        packed = msgspec.msgpack.encode(changed)
        with pytest.raises(ValueError, match=r"twice|another key"):
            store.restore(struct.pack("<I", len(packed)) + packed + data[4 + size :])
    assert store.digest() == before


def test_a_snapshot_of_another_shard_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="shard"):
        make(MIXED).restore(make(MIXED, shard=1, shards=2).snapshot())


def test_computed_over_history(request: pytest.FixtureRequest, make: Make) -> None:
    live, whole = make(MIXED[:2]), make(MIXED)
    assert isinstance(live, Counters)
    tape = records(500)
    for record in tape:
        live.apply(record)
        whole.apply(record)
    fresh = backfill(live, MIXED, tape[:400])
    with pytest.raises(ValueError, match="catch up"):
        live.adopt(fresh)
    for record in tape:
        fresh.apply(record)
    live.adopt(fresh)
    assert live.unfinished() == {}
    assert live.digest() == whole.digest()
    for t, facts in many(520)[500:]:
        assert live.read("login", t, facts) == whole.read("login", t, facts)


def test_over_a_journal_that_lost_its_beginning(make: Make) -> None:
    """Never too low: what reaches back before what is left is unknown; what does not is as if everything were there."""
    live, whole = make([]), make([LOGINS])
    assert isinstance(live, Counters)
    tape = records(500)
    left = [record for record in tape if record.time_us >= tape[200].time_us]
    for record in tape:
        live.apply(record)
        whole.apply(record)
    fresh = backfill(live, [LOGINS], left)
    fresh.begin(tape[200].time_us)
    live.adopt(fresh)
    assert live.since() == {"logins": tape[200].time_us} and whole.since() == {"logins": -1}
    known = tape[200].time_us + 610 * SECOND  # its window and a tile
    assert live.unfinished() == {"logins": known}
    for facts in [facts for _, facts in many(500) if facts.get("ip") is not None][:20]:
        assert live.read("login", tape[200].time_us + SECOND, facts) == {"logins": None}
        assert live.read("login", known, facts) == whole.read("login", known, facts) != {"logins": None}
    again = make([LOGINS])
    again.restore(live.snapshot())
    again.begin(tape[100].time_us)
    assert again.digest() == live.digest()


def test_a_snapshot_in_parts_is_as_of_its_beginning_while_the_state_goes_on(make: Make) -> None:
    store = make(MIXED, capacity_bytes=1 << 17)
    assert isinstance(store, Counters)
    tape = many(4000)
    for seq, (t, facts) in enumerate(tape[:2000], 1):
        store.absorb(seq, "login", t, facts)
    before, parts, seq = store.digest(), [], 2000
    for part in store.snapshot_parts(keys=7):
        parts.append(part)
        for t, facts in tape[seq : seq + 11]:
            seq += 1
            store.absorb(seq, "login", t, facts)
    assert store.digest() != before
    again = make(MIXED, capacity_bytes=1 << 17)
    again.restore(b"".join(parts))
    assert again.digest() == before


def test_a_snapshot_in_parts_says_so_when_counters_came_meanwhile(make: Make) -> None:
    store = make([LOGINS])
    assert isinstance(store, Counters)
    for number in range(50):
        store.absorb(number + 1, "login", T, {"ip": number})
    parts = store.snapshot_parts(keys=5)
    next(parts)
    late = parse_counter("value", {"count": "login", "by": "ip", "window": "1h"})
    store.add(late)
    with pytest.raises(RuntimeError, match="again"):
        list(parts)
    other = make([LOGINS, late])
    other.restore(store.snapshot())
    assert other.digest() == store.digest()
