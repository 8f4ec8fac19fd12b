"""Whatever is signed up, in whatever order: a snapshot and the rest of the records make the same graph and the same bursts, reading changes nothing,
and keys that nobody shares grow neither of them beyond its bounds."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.graphing import START_US, signup
from wardline.domains.signup.links import CREATES, LINKS
from wardline.engine.graph import Graph
from wardline.engine.groups.bursts import Block, Bursts
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record

few = st.integers(0, 3)
minutes = st.one_of(st.integers(0, 3000), st.integers(-200_000, 200_000))
types = st.sampled_from(["signup", "signup", "signup", "signup.outcome", "login"])


@st.composite
def happenings(draw: st.DrawFn) -> KeptEvent:
    facts: dict[str, Any] = {
        "device": f"device:{draw(few)}" if draw(st.booleans()) else None,
        "ip": f"ip:{draw(few)}",
        "user_agent": f"template:{draw(few)}",
        "invite": f"session:{draw(few)}" if draw(st.booleans()) else None,
        "name__shape": draw(st.sampled_from(["a", "a0", "a.a", "\ud800", "é0"])),
        "name__length": draw(st.integers(1, 3)),
        "result": draw(st.sampled_from([None, "completed", "abandoned", "challenge_failed"])),
    }
    return signup(draw(st.integers(0, 20)), float(draw(minutes)), type=draw(types), **facts)


streams = st.lists(happenings(), max_size=40)


def graph(accounts: int = 12, keys: int = 30) -> Graph:
    return Graph(LINKS, CREATES, accounts_limit=accounts, keys_limit=keys, extends=frozenset({"signup.outcome"}))


def bursts() -> Bursts:
    return Bursts("b", (Block("agent", ("user_agent",)), Block("form", ("name.shape", "name.length"))), frozenset({"signup"}), width=64)


def play(state: Graph | Bursts, events: list[KeptEvent], first: int = 1) -> None:
    for seq, event in enumerate(events, first):
        state.read(event.type, event.occurred_us, event.facts, START_US)
        state.absorb(seq, event, START_US)


def record(seq: int, event: KeptEvent) -> Record:
    return Record(seq, 0, "event", event.id, START_US, event.type, "", (), 1, pack(event))


@given(streams, st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_a_snapshot_and_the_tail_make_the_same_state(events: list[KeptEvent], cut: int) -> None:
    for make in (graph, bursts):
        whole, head, tail = make(), make(), make()
        play(whole, events)
        play(head, events[:cut])
        tail.restore(head.snapshot())
        play(tail, events[cut:], cut + 1)
        assert whole.digest() == tail.digest()


@given(st.lists(happenings().filter(lambda event: "\ud800" not in str(event.facts.get("name.shape"))), max_size=40))
@settings(max_examples=40, deadline=None)
def test_records_make_what_living_through_them_made(events: list[KeptEvent]) -> None:
    for make in (graph, bursts):
        live, replayed = make(), make()
        play(live, events)
        for seq, event in enumerate(events, 1):
            replayed.apply(record(seq, event))
        assert live.digest() == replayed.digest()


@given(streams, happenings())
@settings(max_examples=40, deadline=None)
def test_reading_changes_nothing_and_says_the_same_twice(events: list[KeptEvent], asked: KeptEvent) -> None:
    for make in (graph, bursts):
        state = make()
        play(state, events)
        before = state.digest()
        said = [state.read(asked.type, asked.occurred_us, asked.facts, START_US) for _ in range(2)]
        assert said[0] == said[1] and set(said[0]) <= set(state.gives) and state.digest() == before


@given(st.integers(100, 400), st.integers(1, 20), st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_keys_that_nobody_shares_grow_nothing(count: int, accounts: int, shared: int) -> None:
    state, sketch = graph(accounts), bursts()
    size = len(sketch.snapshot())
    for number in range(count):
        own = f"device:{number if number % 10 >= shared else 0}"
        event = signup(number, float(number), device=own, ip=f"ip:{number}", user_agent=f"template:{number}", email=f"email:{number}")
        play(state, [event], number + 1)
        play(sketch, [event], number + 1)
        assert len(state.accounts) == len(state.serial_of) <= accounts
        assert len(state.clusters.members) <= accounts and len(state.clusters.clusters) <= accounts
        assert len(state.keys.several) <= state.keys.limit and len(state.keys.single) <= state.keys.limit
        assert all(len(key.members) <= 8 for key in state.keys.several.values())
    assert abs(len(sketch.snapshot()) - size) < 64


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_who_is_linked_to_whom_by_a_device_does_not_depend_on_the_order(devices: list[int], shuffle: Any) -> None:
    events = [signup(number, device=f"device:{device}") for number, device in enumerate(devices)]
    groups = []
    for _ in range(2):
        state = graph(1000, 1000)
        play(state, events)
        roots = {name: state.clusters.root(serial) for name, serial in state.serial_of.items()}
        groups.append({frozenset(one for one, root in roots.items() if root == other) for other in roots.values() if other})
        shuffle.shuffle(events)
    assert groups[0] == groups[1]
    assert {len(group) for group in groups[0]} == {devices.count(device) for device in devices} - {1}


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), max_size=60), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_within_a_tick_a_burst_does_not_depend_on_the_order(moments: list[tuple[int, str]], shuffle: Any) -> None:
    past = [signup(0, hour * 60.0, user_agent="abc"[hour % 3]) for hour in range(120)]
    events = [signup(0, 120 * 60.0 + minute, user_agent=agent) for minute, agent in moments]
    digests = set()
    for _ in range(2):
        state = Bursts("b", (Block("agent", ("user_agent",)),), frozenset({"signup"}), width=1024)
        for seq, event in enumerate([*past, *events], 1):
            state.absorb(seq, event, event.occurred_us)
        asked = signup(0, 120 * 60.0 + 55, user_agent="a")
        digests.add((state.digest(), str(state.read("signup", asked.occurred_us, asked.facts, asked.occurred_us))))
        shuffle.shuffle(events)
    assert len(digests) == 1
