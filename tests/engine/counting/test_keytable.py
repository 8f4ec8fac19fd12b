"""Keys by the book, and the compiled tables against the plain ones over histories long enough for every path: sketches, eviction, loading."""

import random
from hashlib import blake2b
from typing import Any

import pytest

from tests.engine.counting.backends import BACK_ENDS
from wardline.engine.counting.counter import parse_counter
from wardline.engine.counting.counters import Counters
from wardline.engine.counting.keytable import identify, member_of, units_of

NAMES = {"ip": "text", "account": "text", "result": "text", "amount": "number"}
SECOND = 1_000_000
T = 1_790_000_000 * SECOND


def test_a_key_by_the_book() -> None:
    data = b"s\x02\x00\x00\x00abi\x02\x00\x00\x00-7"
    assert identify(["ab", -7]) == blake2b(data, digest_size=16, person=b"wardline.counter").digest()
    assert identify([None]) is None and identify([[1]]) is None and member_of(float("inf")) is None


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (1, 10**6),
        (-2.5, -2_500_000),
        (True, None),
        ("1", None),
        (None, None),
        (float("nan"), None),
        (10**400, 10**18),
        (-1e300, -(10**18)),
        (2.5e-7, 0),
    ],
)
def test_units(value: Any, units: int | None) -> None:
    assert units_of(value) == units


VALUES = [
    None,
    "",
    "a",
    "ü",
    "\ud800",
    "x" * 127,
    "x" * 128,
    "y" * 1000,
    0,
    -1,
    7,
    1 << 62,
    -(1 << 63),
    1 << 63,
    True,
    False,
    0.5,
    1.0,
    1e300,
    -0.0,
    1e-7,
    [1],
]


def test_the_back_ends_make_the_same_keys() -> None:
    made = [
        Counters([parse_counter("c", {"count": "login", "by": ["ip", "account"], "window": "1h"})], NAMES, make_tables=make)
        for make in BACK_ENDS
    ]
    seq = 0
    for left in VALUES:
        for right in VALUES:
            seq += 1
            for counters in made:
                counters.absorb(seq, "login", T, {"ip": left, "account": right})
    assert len({counters.snapshot() for counters in made}) == 1


def test_the_back_ends_make_the_same_keys_whatever_they_were_asked_before() -> None:
    """Facts that come again at once, facts of the same length, and facts that fill a block of the hash or more."""
    made = [
        Counters([parse_counter("c", {"count": "login", "by": ["ip", "account"], "window": "1h"})], NAMES, make_tables=make)
        for make in BACK_ENDS
    ]
    found = random.Random(5)
    for seq in range(1, 600):
        facts = {"ip": found.choice(VALUES), "account": found.choice(VALUES[:4])}
        for change in ({}, {}, {"account": found.choice("abc")}, {"ip": None}):
            facts = {**facts, **change}
            assert len({str(counters.read("login", T, facts)) for counters in made}) == 1
        facts["ip"] = found.choice(VALUES)
        for counters in made:
            counters.absorb(seq, "login", T, facts)
    assert len({counters.snapshot() for counters in made}) == 1


@pytest.mark.parametrize("capacity", [1 << 16, 1 << 24])
def test_the_back_ends_agree_over_a_long_history(capacity: int) -> None:
    declared = [
        parse_counter(name, fields)
        for name, fields in {
            "short": {"count": "login", "by": "ip", "window": "30s"},
            "day": {"count": "login", "by": "ip", "where": 'result == "bad"', "window": "1d"},
            "members": {"distinct": "account", "on": "login", "by": "ip", "window": "5m"},
            "spent": {"sum": "amount", "on": "login", "by": "ip", "window": "10m"},
            "share": {"ratio": 'result == "bad"', "on": "login", "by": "account", "window": "10m"},
            "pace": {"rate": "login", "by": "account", "half_life": "1m"},
            "known": {"first_seen": "login", "by": ["ip", "account"], "window": "10m"},
            "idle": {"last_seen": "login", "by": ["ip", "account"], "window": "10m"},
        }.items()
    ]
    made = [Counters(declared, NAMES, capacity_bytes=capacity, make_tables=make) for make in BACK_ENDS]
    found, t = random.Random(3), T
    for seq in range(1, 4000):
        t += found.choice([0, SECOND // 2, SECOND, -2 * SECOND, 3 * SECOND])
        facts = {
            "ip": min(int(found.paretovariate(0.6)), 400),
            "account": found.randrange(600),
            "amount": found.choice([1, 0.1, -2.75, None]),
            "result": found.choice(["bad", "good", None]),
        }
        if seq % 7 == 0:
            assert len({repr(counters.read("login", t, facts)) for counters in made}) == 1
        for counters in made:
            counters.absorb(seq, "login", t + (10**6 * SECOND if seq % 1500 == 0 else 0), facts)
    assert len({counters.snapshot() for counters in made}) == 1
    # Each reads back what the other wrote.
    for counters, other in zip(made, reversed(made), strict=True):
        counters.restore(other.snapshot())
    assert len({counters.digest() for counters in made}) == 1
