"""What every store of counters keeps, back end by back end: docs/contracts/counters.md, edge by edge."""

import random
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.engine.counting import BACK_ENDS
from wardline.engine.counter import Counter, parse_counter
from wardline.engine.counter_store import CounterStore, read_all
from wardline.engine.counters import Counters, backfill
from wardline.engine.kept import KeptDecision, KeptEvent, pack
from wardline.engine.record import Record

NAMES = {"ip": "text", "account": "text", "result": "text", "amount": "number"}
SECOND = 1_000_000
T = 1_790_000_000 * SECOND
LOGINS = Counter(name="logins", kind="count", on=("login",), by=("ip",), window_seconds=600)

Make = Callable[..., CounterStore]


@pytest.fixture(params=BACK_ENDS, ids=lambda made: made.__module__.rpartition(".")[2])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a store: make(declarations, capacity_bytes=…, shard=…, shards=…)."""

    def build(declarations: list[Counter], **settings: Any) -> CounterStore:
        return Counters(declarations, NAMES, make_tables=request.param, **settings)

    return build


def declared(**fields: Any) -> Counter:
    return parse_counter("value", fields)


def value_of(store: CounterStore, t: int, facts: dict[str, Any], admitted_us: int | None = None) -> Any:
    return store.read("login", t, facts, admitted_us)["value"]


def test_an_event_reads_before_it_counts_and_a_read_changes_nothing(make: Make) -> None:
    store = make([LOGINS])
    before = store.digest()
    assert store.read("login", T, {"ip": "a"}) == {"logins": 0}
    assert store.digest() == before
    store.absorb(1, "login", T, {"ip": "a"})
    assert store.read("login", T, {"ip": "a"}) == {"logins": 1}
    assert store.read("login", T, {"ip": "b"}) == {"logins": 0}


@pytest.mark.parametrize("facts", [{}, {"ip": None}, {"ip": ["a"]}, {"ip": float("nan")}, {"ip": 1 << 64}])
def test_without_a_key_nothing_is_counted_and_nothing_known(make: Make, facts: dict[str, Any]) -> None:
    store = make([LOGINS])
    empty = store.digest()
    store.absorb(1, "login", T, facts)
    assert store.read("login", T, facts) == {"logins": None}
    store.applied_seq = 0
    again = make([LOGINS])
    again.absorb(1, "other", T, {})
    again.applied_seq = 0
    assert store.digest() == again.digest() != empty


def test_half_a_pair_is_no_key(make: Make) -> None:
    store = make([declared(count="login", by=["ip", "account"], window="1h")])
    store.absorb(1, "login", T, {"ip": "a"})
    store.absorb(2, "login", T, {"ip": "a", "account": "x"})
    assert value_of(store, T, {"ip": "a"}) is None
    assert value_of(store, T, {"ip": "a", "account": "x"}) == 1
    # Where one part ends and the next begins is part of the key.
    assert value_of(store, T, {"ip": "ax", "account": ""}) == 0


@pytest.mark.parametrize(
    ("left", "right", "one"),
    [
        (1, 1.0, True),
        (1, "1", False),
        (1, True, False),
        (0.5, 0.5, True),
        ("é", "e\u0301", False),
        ("\ud800", "\ud800", True),
        ("", "", True),
    ],
)
def test_which_values_are_one_key(make: Make, left: Any, right: Any, one: bool) -> None:
    store = make([LOGINS])
    store.absorb(1, "login", T, {"ip": left})
    assert store.read("login", T, {"ip": right}) == {"logins": int(one)}


def test_the_window_at_the_precision_of_its_tiles(make: Make) -> None:
    """10 m in tiles of 10 s: an event counts for 600 to 610 seconds, by where in its tile it lies."""
    store = make([declared(count="login", by="ip", window="10m")])
    store.absorb(1, "login", T + 3 * SECOND, {"ip": "a"})
    assert T % (10 * SECOND) == 0
    assert [value_of(store, T + s * SECOND, {"ip": "a"}) for s in (0, 3, 9, 10, 603, 609)] == [1] * 6
    assert value_of(store, T + 610 * SECOND - 1, {"ip": "a"}) == 1
    assert value_of(store, T + 610 * SECOND, {"ip": "a"}) == 0
    assert value_of(store, T - 1, {"ip": "a"}) == 0, "an event of a later tile does not count"


def test_a_late_event_counts_in_its_own_tile(make: Make) -> None:
    store = make([declared(count="login", by="ip", window="10m")])
    store.absorb(1, "login", T, {"ip": "a"})
    store.absorb(2, "login", T - 300 * SECOND, {"ip": "a"})
    assert value_of(store, T, {"ip": "a"}) == 2
    assert value_of(store, T + 400 * SECOND, {"ip": "a"}) == 1


def test_a_late_reader_reads_unknown_where_what_it_needs_has_gone(make: Make) -> None:
    store = make([declared(count="login", by="ip", window="10m")])
    for seq, seconds in enumerate((0, 400, 800, 1200, 1600), 1):
        store.absorb(seq, "login", T + seconds * SECOND, {"ip": "a"})
    assert value_of(store, T + 1600 * SECOND, {"ip": "a"}) == 2
    assert value_of(store, T + 500 * SECOND, {"ip": "a"}) is None


def test_a_clock_that_runs_ahead_of_admission_changes_nothing(make: Make) -> None:
    store = make([declared(count="login", by="ip", window="10m")])
    far = T + 10**9 * SECOND
    store.absorb(1, "login", T, {"ip": "a"}, T)
    store.absorb(2, "login", far, {"ip": "a"}, T + SECOND)
    assert value_of(store, T + 2 * SECOND, {"ip": "a"}, T + 2 * SECOND) == 2
    assert value_of(store, far, {"ip": "a"}, T + 700 * SECOND) == 0


@pytest.mark.parametrize("kind", [{"count": "login"}, {"sum": "amount", "on": "login"}, {"distinct": "account", "on": "login"}])
def test_one_jump_of_a_clock_wipes_nothing(make: Make, kind: dict[str, str]) -> None:
    store = make([declared(**kind, by="ip", window="10m")])
    for seq in range(1, 6):
        store.absorb(seq, "login", T + seq * SECOND, {"ip": "a", "amount": 1, "account": seq})
    store.absorb(6, "login", T + 10**8 * SECOND, {"ip": "a", "amount": 1, "account": 5})
    store.absorb(7, "login", T + 20 * SECOND, {"ip": "a", "amount": 1, "account": 7})
    assert value_of(store, T + 30 * SECOND, {"ip": "a"}) == 6


@pytest.mark.parametrize("t", [-1, 0, 1 << 62, -(1 << 62)])
def test_times_out_of_range_are_counted_at_the_edge(make: Make, t: int) -> None:
    store = make([LOGINS])
    store.absorb(1, "login", t, {"ip": "a"})
    assert store.read("login", t, {"ip": "a"}) == {"logins": 1}


def test_only_what_is_known_to_meet_the_condition_counts(make: Make) -> None:
    store = make([declared(count="login", by="ip", where='result == "bad"', window="10m")])
    for seq, result in enumerate(("bad", "good", None, "bad"), 1):
        store.absorb(seq, "login", T, {"ip": "a", "result": result})
    assert value_of(store, T, {"ip": "a"}) == 2


def test_ratio(make: Make) -> None:
    store = make([declared(ratio='result == "bad"', on="login", by="ip", where="amount > 0", window="10m")])
    assert value_of(store, T, {"ip": "a"}) is None
    for seq, (result, amount) in enumerate([("bad", 1), ("good", 1), (None, 1), ("good", 1), ("bad", 0), ("bad", None)], 1):
        store.absorb(seq, "login", T, {"ip": "a", "result": result, "amount": amount})
    assert value_of(store, T, {"ip": "a"}) == 1 / 3


def test_sum(make: Make) -> None:
    store = make([declared(sum="amount", on="login", by="ip", window="10m")])
    for seq, amount in enumerate([1, 0.25, -3, True, "7", None, float("nan")], 1):
        store.absorb(seq, "login", T, {"ip": "a", "amount": amount})
    assert value_of(store, T, {"ip": "a"}) == -1.75
    store.absorb(10, "login", T, {"ip": "a", "amount": 0.75})
    assert repr(value_of(store, T, {"ip": "a"})) == "-1"
    for seq in range(11, 40):
        store.absorb(seq, "login", T, {"ip": "a", "amount": 1e300 if seq % 2 else 10**400})
    assert value_of(store, T, {"ip": "a"}) == ((1 << 63) - 1) / 1_000_000


def test_distinct_is_exact_up_to_64_then_near(make: Make) -> None:
    store = make([declared(distinct="account", on="login", by="ip", window="1h")])
    for number in range(64):
        store.absorb(2 * number + 1, "login", T, {"ip": "a", "account": f"account{number}"})
        store.absorb(2 * number + 2, "login", T, {"ip": "a", "account": f"account{number}"})
        assert value_of(store, T, {"ip": "a"}) == number + 1
    for number in range(64, 20_000):
        store.absorb(number + 1000, "login", T + number * SECOND // 10, {"ip": "a", "account": f"account{number}"})
    assert abs(value_of(store, T + 2000 * SECOND, {"ip": "a"}) / 20_000 - 1) < 0.15
    # The window slides over the sketch: a quarter of the members was seen in its last 500 seconds.
    quarter = value_of(store, T + 2000 * SECOND + 3100 * SECOND, {"ip": "a"})
    assert abs(quarter / 5_000 - 1) < 0.2
    assert value_of(store, T + 9000 * SECOND, {"ip": "a"}) == 0
    # Once all of it is past, small numbers are exact again.
    store.absorb(10**6, "login", T + 90_000 * SECOND, {"ip": "a", "account": "one"})
    store.absorb(10**6 + 1, "login", T + 200_000 * SECOND, {"ip": "a", "account": "two"})
    assert value_of(store, T + 200_000 * SECOND, {"ip": "a"}) == 1


def test_first_and_last_seen(make: Make) -> None:
    store = make(
        [
            parse_counter("first", {"first_seen": "login", "by": "ip"}),
            parse_counter("last", {"last_seen": "login", "by": "ip", "window": "1d"}),
        ]
    )
    assert store.read("login", T, {"ip": "a"}) == {"first": 0, "last": None}
    store.absorb(1, "login", T, {"ip": "a"})
    store.absorb(2, "login", T + 60 * SECOND, {"ip": "a"})
    assert store.read("login", T + 100 * SECOND, {"ip": "a"}) == {"first": 100, "last": 40}
    assert store.read("login", T + 2 * 86_400 * SECOND, {"ip": "a"}) == {"first": 2 * 86_400, "last": None}
    assert store.read("login", T - SECOND, {"ip": "a"}) == {"first": 0, "last": 0}
    year = 366 * 86_400 * SECOND
    store.absorb(3, "login", T + year + 60 * SECOND, {"ip": "a"})
    assert store.read("login", T + year + 61 * SECOND, {"ip": "a"})["first"] == 1


def test_rate_halves_with_every_half_life(make: Make) -> None:
    store = make([declared(rate="login", by="ip", half_life="10m")])
    for seq in range(1, 9):
        store.absorb(seq, "login", T, {"ip": "a"})
    assert [value_of(store, T + s * SECOND, {"ip": "a"}) for s in (0, 600, 1200, 6000)] == [8, 4, 2, 0.008]
    store.absorb(9, "login", T - 600 * SECOND, {"ip": "a"})
    assert value_of(store, T, {"ip": "a"}) == 8.5


def test_equal_declarations_are_one_counter(make: Make) -> None:
    store = make([parse_counter("one", {"count": ["login", "signup"], "by": ["ip", "account"], "window": "1h"})])
    alone = store.digest()
    store.add(parse_counter("two", {"count": ["signup", "login"], "by": ["account", "ip"], "window": "60m"}))
    assert store.digest() == alone
    store.absorb(1, "login", T, {"ip": "a", "account": "x"})
    assert store.read("login", T, {"ip": "a", "account": "x"}) == {"one": 1, "two": 1}
    store.remove("one")
    assert store.read("login", T, {"ip": "a", "account": "x"}) == {"two": 1}
    store.remove("two")
    assert store.read("login", T, {"ip": "a", "account": "x"}) == {}


def test_a_counter_that_was_added_late_is_unknown_until_its_window_has_been_seen(make: Make) -> None:
    store = make([LOGINS])
    store.absorb(1, "login", T, {"ip": "a"})
    store.add(declared(count="login", by="ip", window="1m"))
    store.absorb(2, "login", T + SECOND, {"ip": "a"})
    assert store.read("login", T + 30 * SECOND, {"ip": "a"}) == {"logins": 2, "value": None}
    assert value_of(store, T + 61 * SECOND, {"ip": "a"}) == 1
    assert value_of(store, T + 61 * SECOND, {"ip": "b"}) == 0


def test_removing_one_counter_leaves_the_others_of_its_key(make: Make) -> None:
    others = [
        declared(count="login", by="ip", window="5m"),
        parse_counter("members", {"distinct": "account", "on": "login", "by": "ip", "window": "1h"}),
    ]
    store = make([LOGINS, *others])
    for seq in range(1, 100):
        store.absorb(seq, "login", T + seq * SECOND, {"ip": seq % 7, "account": seq})
    store.remove("value")
    assert store.read("login", T + 99 * SECOND, {"ip": 1}) == {"logins": 15, "members": 15}


def test_a_key_that_was_given_up_reads_unknown_not_zero(make: Make) -> None:
    store = make([declared(count="login", by="ip", window="10m")], capacity_bytes=1 << 16)
    for seq in range(1, 3001):
        store.absorb(seq, "login", T + seq * SECOND // 100, {"ip": f"{seq}"})
    assert value_of(store, T + 30 * SECOND, {"ip": "1"}) is None
    assert value_of(store, T + 30 * SECOND, {"ip": "never seen"}) is None
    assert value_of(store, T + 30 * SECOND, {"ip": "3000"}) is None, "it may have been seen and given up before"
    # Exactly zero again, once the whole window lies after everything that was given up.
    assert value_of(store, T + 700 * SECOND, {"ip": "never seen"}) == 0


def test_a_flood_of_unique_keys_does_not_push_out_keys_that_are_seen_again(make: Make) -> None:
    store = make([declared(count="login", by="ip", window="1d")], capacity_bytes=1 << 17)
    seq = 0
    for _ in range(3):
        for honest in range(200):
            seq += 1
            store.absorb(seq, "login", T + seq * SECOND, {"ip": f"honest{honest}"})
    for number in range(20_000):
        seq += 1
        store.absorb(seq, "login", T + seq * SECOND, {"ip": f"flood{number}"})
    assert all(value_of(store, T + seq * SECOND, {"ip": f"honest{honest}"}) == 3 for honest in range(200))


def test_a_flood_of_one_sort_of_key_does_not_push_out_another(make: Make) -> None:
    accounts = parse_counter("accounts", {"count": "login", "by": "account", "window": "1d"})
    store = make([declared(count="login", by="ip", window="1d"), accounts], capacity_bytes=1 << 17)
    for seq in range(1, 101):
        store.absorb(seq, "login", T, {"account": seq})
    for seq in range(101, 10_000):
        store.absorb(seq, "login", T, {"ip": seq})
    assert all(store.read("login", T, {"account": number})["accounts"] == 1 for number in range(1, 101))


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


def many(count: int, seed: int = 7) -> list[tuple[int, dict[str, Any]]]:
    found = random.Random(seed)
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


MIXED = [
    LOGINS,
    parse_counter("accounts", {"distinct": "account", "on": "login", "by": "ip", "window": "10m"}),
    parse_counter("spent", {"sum": "amount", "on": "login", "by": "account", "window": "1h"}),
    parse_counter("share", {"ratio": 'result == "bad"', "on": "login", "by": ["account", "ip"], "window": "30d"}),
    parse_counter("pace", {"rate": "login", "by": "account", "half_life": "5m"}),
    parse_counter("known", {"first_seen": "login", "by": "ip"}),
]


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
    tape = [
        Record(seq, 0, "event", str(seq), t, "login", body=pack(KeptEvent(id=str(seq), type="login", occurred_us=t, facts=facts)))
        for seq, (t, facts) in enumerate(many(500), 1)
    ]
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
    tape = [
        Record(seq, 0, "event", str(seq), t, "login", body=pack(KeptEvent(id=str(seq), type="login", occurred_us=t, facts=facts)))
        for seq, (t, facts) in enumerate(many(500), 1)
    ]
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
    store.add(declared(count="login", by="ip", window="1h"))
    with pytest.raises(RuntimeError, match="again"):
        list(parts)
    other = make([LOGINS, declared(count="login", by="ip", window="1h")])
    other.restore(store.snapshot())
    assert other.digest() == store.digest()
