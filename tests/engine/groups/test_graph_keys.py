"""Keys and their rarity: what a key is worth, whom it finds, what goes first, and that leaving out strangers changes no link."""

import random

import pytest

from wardline.engine.groups.clusters import Clusters
from wardline.engine.groups.graph_keys import JOIN_BITS, MEMBERS, Keys, Link

LINKS = (
    Link("device", ("device",), "client", 14.0, 1 << 14),
    Link("agent", ("agent",), "client", 8.0, 16),
    Link("network", ("network",), "place", 7.0, 64),
    Link("stem", ("stem",), "name", 8.0, 256),
)


def test_rarity_is_in_bits_up_to_the_cap() -> None:
    keys = Keys(LINKS, 100)
    assert keys.bits(1, LINKS[0]) == 14.0
    assert keys.bits(1 << 10, LINKS[0]) == pytest.approx(4.0, abs=0.25)
    assert keys.bits(1 << 20, LINKS[0]) <= 0.0


def test_unknown_facts_make_no_number() -> None:
    keys = Keys(LINKS, 100)
    assert [number & 31 for number in keys.numbers({"device": "a", "stem": "b", "agent": None})] == [0, 3]


def test_a_key_keeps_its_last_members_and_what_was_seen_longest_ago_goes_first() -> None:
    keys, clusters = Keys(LINKS, limit=2), Clusters()
    for serial in range(1, 20):
        keys.count(keys.numbers({"device": "one"}), serial, 0, clusters)
    ((key,),) = ([*keys.several.values()],)
    assert key.members == tuple(range(20 - MEMBERS, 20)) and key.total == key.degree == 19
    for serial in range(20, 23):
        keys.count(keys.numbers({"stem": f"s{serial}"}), serial, 0, clusters)
    assert list(keys.single.values()) == [21, 22]


def test_leaving_out_strangers_changes_no_link() -> None:
    draw, keys, clusters = random.Random(5), Keys(LINKS, 1000), Clusters()
    accounts: dict[int, int] = {}
    linked = 0
    for serial in range(1, 1500):
        facts = {
            "device": f"d{draw.randrange(700)}",
            "agent": f"a{draw.randrange(40)}",
            "network": f"n{draw.randrange(90)}",
            "stem": f"s{draw.randrange(300)}",
        }
        numbers = keys.numbers(facts)
        found, whole = keys.find(numbers, accounts), keys.find(numbers, accounts, every=True)
        assert found.joins == whole.joins
        assert {other: whole.shared[other] for other in found.shared} == found.shared
        assert {other for _bits, other in found.joins} <= set(found.shared)
        assert all(bits >= JOIN_BITS for bits, _other in found.joins)
        linked += bool(found.joins)
        accounts[serial] = serial
        keys.count(numbers, serial, 0, clusters)
    assert 100 < linked < 1400
