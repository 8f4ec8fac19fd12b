"""The graph of accounts: what links, what does not, what is forgotten, and that it replays."""

import msgspec
import pytest

from tests.engine.graphing import START_US, signup, stranger
from wardline.domains.signup.links import LINKS, graph
from wardline.engine.feature import Value
from wardline.engine.graph import Graph, Link
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.label import Label
from wardline.engine.record import Record

CREATES = frozenset({"signup"})


def play(state: Graph, events: list[KeptEvent]) -> list[dict[str, Value]]:
    """Read and absorb one event after the other."""
    read = []
    for event in events:
        read.append(state.read(event.type, event.occurred_us, event.facts, 0))
        state.absorb(state.applied_seq + 1, event, 0)
    return read


def crowd(count: int = 300, first: int = 1) -> list[KeptEvent]:
    return [stranger(number, number) for number in range(first, first + count)]


def test_strangers_share_nothing() -> None:
    state = graph()
    assert all(values["graph.cluster_size"] == 0 for values in play(state, crowd())[50:])


def test_one_device_links_however_many_there_are() -> None:
    state = graph()
    play(state, crowd())
    farm = play(state, [stranger(1000 + number, 300 + number, device="device:one") for number in range(200)])
    assert [values["graph.cluster_size"] for values in farm[:4]] == [0, 1, 2, 3]
    assert farm[-1]["graph.cluster_size"] == 199 and farm[-1]["graph.very_rare_shared"] == 1
    assert "device" in farm[-1]["graph.shared"]  # type: ignore[operator]
    assert farm[20]["graph.gap_variation"] == pytest.approx(0.0, abs=1e-6)


def test_a_dormitory_behind_one_address_is_no_cluster() -> None:
    state = graph()
    play(state, crowd())
    same = {"ip": "ip:dormitory", "ip__prefix24": "network:dormitory"}
    people = play(state, [stranger(2000 + number, 300 + number / 10, **same) for number in range(150)])
    assert max(values["graph.cluster_size"] for values in people) <= 2  # type: ignore[type-var]


def test_two_rare_things_link_and_one_does_not() -> None:
    state = graph()
    play(state, crowd(2000))
    both = {"name__stem": "account:x", "user_agent": "template:rare", "screen": "1x1"}
    first, second, third = play(state, [stranger(5001, **both), stranger(5004, **both), stranger(5007, name__stem="account:x")])
    assert second["graph.cluster_size"] == 1 and second["graph.rare_shared"] == 2
    assert first["graph.cluster_size"] == third["graph.cluster_size"] == 0


CLASS = {"ip": "ip:school", "ip__prefix24": "network:school", "user_agent": "template:school", "screen": "9x9", "invite": "session:class"}


def test_a_class_at_one_place_with_one_browser_and_one_invitation_is_no_cluster() -> None:
    state = graph()
    play(state, crowd(600))
    pupils = play(state, [stranger(5000 + number, 600 + number, **CLASS) for number in range(30)])
    assert {values["graph.cluster_size"] for values in pupils} == {0}
    state.absorb(state.applied_seq + 1, signup(5000, 700, type="signup.outcome", result="completed"), 0)
    assert len(state.neighbours(f"account:{5000:024x}")) > 5


def test_whoever_is_at_the_place_of_a_farms_member_is_not_drawn_in() -> None:
    state = graph()
    play(state, crowd(600))
    browser = {"user_agent": "template:rare", "screen": "9x9"}
    farm = play(state, [stranger(5000 + 3 * number, 600 + number, name__stem="account:farm", **browser) for number in range(10)])
    assert farm[-1]["graph.cluster_size"] == 9 and farm[-1]["graph.cluster_elsewhere"] > 0.5  # type: ignore[operator]
    assert play(state, [stranger(6000, 700, ip="ip:5003", **browser)])[0]["graph.cluster_size"] == 0


def test_what_a_group_at_one_place_shares_counts_less_however_it_came_together() -> None:
    state = graph()
    play(state, crowd(600))
    values = play(state, [stranger(5000 + number, 600 + number, **CLASS, device="device:shared") for number in range(12)])[-1]
    assert values["graph.cluster_size"] == 11 and values["graph.cluster_elsewhere"] == 0.0
    assert values["graph.very_rare_shared"] == 1 and values["graph.link_bits"] < 14.0 + 6.0 + 7.0  # type: ignore[operator]


def test_a_sign_up_that_was_given_up_leaves_no_account() -> None:
    state = graph()
    play(state, crowd())
    again = {"device": "device:one", "email": "email:one"}
    play(state, [stranger(5000, 300, **again), stranger(5000, 301, type="signup.outcome", result="abandoned")])
    assert play(state, [stranger(5001, 302, **again)])[0]["graph.cluster_size"] == 0


def test_unknown_facts_link_nobody() -> None:
    state = graph()
    assert all(values["graph.cluster_size"] == 0 for values in play(state, [signup(number) for number in range(1, 40)]))


def test_the_end_of_a_sign_up_brings_further_keys_and_no_account() -> None:
    state = graph()
    play(state, [*crowd(), stranger(400), stranger(401)])
    play(state, [stranger(number, 90, device="device:control", type="signup.outcome") for number in (400, 401)])
    assert state.clusters.root(state.serial_of[f"account:{400:024x}"]) > 0
    play(state, [signup(9999, type="signup.outcome", device="device:control")])
    assert f"account:{9999:024x}" not in state.serial_of


def test_labels_are_counted_and_a_benign_account_leaves() -> None:
    state = graph()
    farm = [stranger(number, number, device="device:one") for number in range(1, 11)]
    play(state, farm)
    state.apply(said(11, farm[0], abusive=True))
    state.apply(said(12, farm[1], abusive=False))
    value = state.read("signup", START_US, stranger(50, device="device:one").facts, 0)
    assert value["graph.cluster_bad"] == 1 and value["graph.cluster_size"] == 9
    assert state.clusters.root(state.serial_of[str(farm[1].facts["account"])]) == 0
    state.apply(said(13, farm[0], abusive=True, withdrawn=True))
    assert state.read("signup", START_US, stranger(51, device="device:one").facts, 0)["graph.cluster_bad"] == 0


def said(seq: int, event: KeptEvent, *, abusive: bool, withdrawn: bool = False) -> Record:
    label = Label(
        id=f"l{seq}",
        about=str(event.facts["account"]),
        abusive=abusive,
        kind="",
        source="desk",
        counts_as="desk",
        reporter="desk",
        confidence=1.0,
        said_us=START_US,
        told_us=START_US,
        withdrawn=withdrawn,
    )
    return Record(seq, 0, "label", label.id, START_US, "label", label.about, (label.about,), 1, msgspec.msgpack.encode(label))


def test_every_key_unique_grows_nothing_and_ends_no_cluster() -> None:
    state = Graph(LINKS, CREATES, accounts_limit=500, keys_limit=2000)
    play(state, crowd(200))
    play(state, crowd(3000, first=10_000))
    assert len(state.accounts) == len(state.serial_of) == len(state.clusters.members) == 500
    assert len(state.keys.single) <= 2000 and len(state.keys.several) <= 2000 and state.lost_us > 0
    state.erase(next(iter(state.serial_of)))
    state.erase("account:nobody")
    assert len(state.accounts) == 499


def test_neighbours_show_what_is_shared() -> None:
    state = graph()
    play(state, [*crowd(), stranger(500, device="device:one"), stranger(501, device="device:one")])
    near = state.neighbours(f"account:{500:024x}")[0]
    assert near.account == f"account:{501:024x}" and near.same_cluster
    assert [(shared.what, shared.accounts) for shared in near.shared if shared.what == "device"] == [("device", 2)]
    assert state.neighbours("account:nobody") == []


def test_records_and_live_events_make_the_same_state_and_snapshots_hold_it() -> None:
    live, replayed, blind = graph(), graph(), graph()
    events = [*crowd(100), *(stranger(200 + number, device="device:one") for number in range(80)), *crowd(30, first=400)]
    play(live, events)
    for seq, event in enumerate(events, 1):
        replayed.apply(Record(seq, 0, "event", event.id, event.occurred_us, event.type, "", (), 1, pack(event)))
        blind.absorb(seq, event, 0)
    assert live.digest() == replayed.digest() == blind.digest()
    again = graph()
    again.restore(live.snapshot())
    assert again.digest() == live.digest()
    for state in (live, again):
        play(state, crowd(50, first=900))
    assert again.digest() == live.digest()
    with pytest.raises(msgspec.DecodeError):
        again.restore(b"\xc1")


def test_too_many_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 32"):
        Graph([Link(f"k{number}", ("ip",), "g", 1.0, 1) for number in range(33)], CREATES)


def test_an_account_is_looked_at_again_at_its_login_with_what_came_after_it() -> None:
    state = graph()
    play(state, crowd())
    play(state, [stranger(1000 + number, 300 + number, device="device:one") for number in range(12)])
    first = signup(1000, 400, type="login", ip="ip:elsewhere")
    value = state.read("login", first.occurred_us, first.facts, 0)
    assert value["graph.cluster_size"] == 12 and value["graph.very_rare_shared"] == 1
    assert value["graph.gap_variation"] == pytest.approx(0.0, abs=1e-6)
    assert state.read("login", first.occurred_us, {"account": "account:unknown"}, 0) == {}
    assert state.read("login", first.occurred_us, {}, 0) == {}


def test_an_account_that_a_label_calls_benign_is_in_no_group_at_its_login() -> None:
    state = graph()
    play(state, [*crowd(), *(stranger(1000 + number, 300 + number, device="device:one") for number in range(12))])
    state.apply(said(999, stranger(1000), abusive=False))
    assert state.read("login", START_US, {"account": "account:" + f"{1000:024x}"}, 0)["graph.cluster_size"] == 0


def test_a_stranger_who_tries_to_log_in_brings_an_account_no_keys() -> None:
    state = graph()
    play(state, crowd())
    attempts = [signup(number, 400 + number, type="login", device="device:thief", ip="ip:thief") for number in range(1, 30)]
    play(state, attempts)
    assert len({state.clusters.root(state.serial_of[f"account:{number:024x}"]) for number in range(1, 30)} - {0}) == 0
    assert state.read("signup", START_US, stranger(5000, device="device:thief", ip="ip:thief").facts, 0)["graph.cluster_size"] == 0
