"""What every store of counters keeps, back end by back end: docs/contracts/counters.md, edge by edge. Its state: `test_counter_states`."""

from typing import Any

import pytest

from tests.engine.counting.backends import LOGINS, SECOND, Make, T
from wardline.engine.counting.counter import Counter, parse_counter
from wardline.engine.counting.counter_store import CounterStore


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
