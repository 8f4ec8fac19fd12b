"""Declarations: what a rule file may say, what it means, and what it is told when it is wrong."""

from typing import Any

import pytest
import yaml

from wardline.engine.counting.counter import Counter, CounterError, check_counter, parse_counter, render_counter
from wardline.engine.counting.counters import Counters

NAMES = {"ip": "text", "ip.prefix24": "text", "account": "text", "result": "text", "amount": "number"}

PAGE = """
failures: {count: login.outcome, by: ip.prefix24, where: 'result == "wrong_password"', window: 10m}
accounts: {distinct: account, on: login, by: ip, window: 1h}
spent: {sum: amount, on: [wallet.transfer, wallet], by: account, window: 90s}
share: {ratio: 'result == "wrong_password"', on: login.outcome, by: ip, window: 30d}
known: {first_seen: login, by: account}
idle: {last_seen: login, by: account, window: 7d}
pace: {rate: login, by: [ip, account], half_life: 10m}
everything: {count: login, window: 1m}
"""


def test_what_a_rule_file_says_comes_back_as_it_was() -> None:
    for name, fields in yaml.safe_load(PAGE).items():
        counter = parse_counter(name, fields)
        assert parse_counter(name, render_counter(counter)) == counter
    assert parse_counter("failures", yaml.safe_load(PAGE)["failures"]) == Counter(
        name="failures",
        kind="count",
        on=("login.outcome",),
        by=("ip.prefix24",),
        where='result == "wrong_password"',
        window_seconds=600,
    )


@pytest.mark.parametrize(
    ("window", "tile"), [(1, 1), (59, 1), (60, 1), (61, 2), (600, 10), (3600, 60), (86_400, 1440), (30 * 86_400, 43_200)]
)
def test_tiles_are_a_sixtieth_in_whole_seconds(window: int, tile: int) -> None:
    assert Counter(name="c", kind="count", on=("login",), window_seconds=window).tile_seconds == tile


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cuont": "login", "window": "1h"}, "did you mean count"),
        ({"count": "login", "windw": "1h"}, "did you mean window"),
        ({"count": "login"}, "window: 10m"),
        ({"count": "login", "window": 10}, "write a number and s, m, h or d"),
        ({"count": "login", "window": "10 parsecs"}, "no duration"),
        ({"count": "login", "window": "401d"}, "from 1s to 400d"),
        ({"count": "login", "window": "0s"}, "from 1s to 400d"),
        ({"count": "login", "sum": "amount", "window": "1h"}, "exactly one of"),
        ({"by": "ip", "window": "1h"}, "exactly one of"),
        ({"count": "Log in", "window": "1h"}, "no event type"),
        ({"count": [], "window": "1h"}, "no event type"),
        ({"count": {"a": 1}, "window": "1h"}, "list of names"),
        ({"count": "login", "on": "login", "window": "1h"}, "leave 'on' out"),
        ({"distinct": "account", "window": "1h"}, "no event type"),
        ({"distinct": ["account"], "on": "login", "window": "1h"}, "takes one text"),
        ({"sum": "", "on": "login", "window": "1h"}, "fact"),
        ({"count": "login", "by": ["ip"] * 2, "window": "1h"}, "different facts"),
        ({"count": "login", "by": list("abcde"), "window": "1h"}, "at most 4"),
        ({"count": "login", "by": "IP", "window": "1h"}, "no name of a fact"),
        ({"count": "login", "by": 7, "window": "1h"}, "by takes a name"),
        ({"count": "login", "where": True, "window": "1h"}, "condition as text"),
        ({"rate": "login", "window": "1h"}, "half_life instead"),
        ({"rate": "login", "half_life": "1s"}, "half_life: 10m"),
        ({"rate": "login"}, "half_life: 10m"),
        ({"count": "login", "window": "1h", "half_life": "1h"}, "only a rate"),
        ("count", "write it as"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(fields: Any, told: str) -> None:
    with pytest.raises(CounterError, match="counter 'value'") as caught:
        parse_counter("value", fields)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a" * 65, "a..b", "naïve", "a b"])
def test_names(name: str) -> None:
    with pytest.raises(CounterError, match="name"):
        check_counter(Counter(name=name, kind="count", on=("login",), window_seconds=60))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"count": "login", "by": "ip.prefix42", "window": "1h"}, "did you mean ip.prefix24"),
        ({"distinct": "acount", "on": "login", "by": "ip", "window": "1h"}, "did you mean account"),
        ({"count": "login", "where": "resutl == 1", "window": "1h"}, "did you mean result"),
        ({"count": "login", "where": "((", "window": "1h"}, "condition"),
        ({"ratio": "resutl == 1", "on": "login", "window": "1h"}, "did you mean result"),
    ],
)
def test_names_are_checked_when_a_counter_is_added(fields: Any, told: str) -> None:
    counters = Counters([], NAMES)
    with pytest.raises(CounterError, match="counter 'value'") as caught:
        counters.add(parse_counter("value", fields))
    assert told in str(caught.value)
    assert counters.declarations() == {}


def test_names_do_not_collide() -> None:
    counters = Counters([parse_counter("failures", {"count": "login", "by": "ip", "window": "1h"})], NAMES)
    counters.add(parse_counter("failures", {"count": "login", "by": "ip", "window": "60m"}))
    with pytest.raises(CounterError, match="counts something else"):
        counters.add(parse_counter("failures", {"count": "login", "by": "ip", "window": "2h"}))
    with pytest.raises(CounterError, match="fact has this name"):
        counters.add(parse_counter("amount", {"count": "login", "by": "ip", "window": "2h"}))
