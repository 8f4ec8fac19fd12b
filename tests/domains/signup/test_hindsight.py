"""The second look: the first of a series are found by what came after them, strangers are not, nobody else's doing counts, and it is the same after a replay."""

import msgspec
import pytest

from tests.engine.graphing import signup as made
from tests.engine.graphing import stranger
from wardline.domains.login.recipe import login
from wardline.domains.signup.detectors.returns import Returns
from wardline.domains.signup.hindsight import LOGINS, SignupHindsight
from wardline.domains.signup.recipe import hindsight, signup
from wardline.domains.signup.traits import SignupTraits
from wardline.engine import feature
from wardline.engine.feature import Value
from wardline.engine.graph import Graph
from wardline.engine.groups.recurrence import Recurrence
from wardline.engine.kept import KeptDecision, KeptEvent, pack
from wardline.engine.label import Label
from wardline.engine.record import Record
from wardline.engine.walk.point import DomainState

BIAS = -4.0


def states() -> dict[str, DomainState]:
    """The states of sign-ups that are read again, and the second look over them."""
    found = {state.name: state for state in (make() for make in signup().states)}
    return {**found, SignupHindsight.name: hindsight(found)}


def play(town: dict[str, DomainState], events: list[KeptEvent]) -> list[KeptEvent]:
    """Let them happen; sign-ups as decisions of the bias alone."""
    happened = []
    for event in events:
        seq = next(iter(town.values())).applied_seq + 1
        kept = event
        if event.type == "signup":
            read: dict[str, Value] = {}
            for state in town.values():
                read.update(state.read(event.type, event.occurred_us, event.facts, event.occurred_us))
            kept = KeptDecision(
                id=event.id,
                type=event.type,
                occurred_us=event.occurred_us,
                facts=event.facts,
                read=read,
                verdict="allow",
                score=0.02,
                log_odds=BIAS,
            )
        for state in town.values():
            state.absorb(seq, kept, event.occurred_us)
        happened.append(kept)
    return happened


def crowd(count: int, first: int = 0) -> list[KeptEvent]:
    return [stranger(first + n, first + n, email__domain=f"mail{n % 11}.example") for n in range(count)]


def series(count: int, first: int = 5000, minute: float = 400.0) -> list[KeptEvent]:
    """Accounts that share a rare name, and nothing else."""
    return [stranger(first + n, minute + 30 * n, name__stem="account:rare") for n in range(count)]


def second(town: dict[str, DomainState], number: int, **facts: Value) -> dict[str, Value]:
    event = made(number, 9000.0, type="login", **facts)
    return town["signup_hindsight"].read("login", event.occurred_us, event.facts, 0)


def nats(found: dict[str, Value]) -> float:
    """What a second look says."""
    said = found["signup.hindsight"]
    assert isinstance(said, float)
    return said


def told(found: dict[str, Value]) -> list[bool | int | float | str | None]:
    """The detectors that say more than then."""
    names = found.get("signup.hindsight_of", [])
    assert isinstance(names, list)
    return names


def outcome(number: int, result: str, type: str = "login.outcome") -> KeptEvent:
    return made(number, 8000.0, type=type, result=result)


def test_the_first_of_a_series_is_found_by_those_after_it_and_a_stranger_is_not() -> None:
    town = states()
    play(town, crowd(300))
    happened = play(town, series(1))
    first = happened[0]
    assert isinstance(first, KeptDecision) and Returns().judge(first.read).score is None and second(town, 5000) == {}
    play(town, series(12)[1:])
    found = second(town, 5000)
    assert nats(found) >= BIAS + 1.5 and told(found)[0] == "signup.returns"
    assert all(second(town, number) == {} for number in range(0, 300, 7))
    assert second(town, 99_999) == {} and town["signup_hindsight"].read("recovery", 0, made(5000).facts, 0) == {}


def test_a_group_that_came_later_is_known_too_and_one_that_just_links_is_not() -> None:
    town = states()
    play(town, crowd(300))
    play(town, [stranger(7000 + n, 500 + n, device="device:one") for n in range(8)])
    found = second(town, 7000)
    assert "signup.cluster" in told(found) and nats(found) > -2.5
    near = {"ip__prefix24": "network:near", "name__stem": "account:near"}
    play(
        town,
        [
            stranger(
                7100 + n,
                900 + n,
                **near,
                name__length=30 + n,
                user_agent=f"template:x{n}",
                email__shape=f"{n}",
                email__domain=f"m{n}.example",
            )
            for n in range(8)
        ],
    )
    graph = town["graph"].read("login", 0, made(7100).facts, 0)
    assert 12.5 <= feature.number(graph, "graph.link_bits") < 14.0 and "signup.cluster" not in told(second(town, 7100))


def test_what_was_said_at_the_signup_is_not_said_again() -> None:
    town = states()
    play(town, crowd(300))
    play(town, series(12))
    first, last = second(town, 5000)["signup.hindsight"], second(town, 5011).get("signup.hindsight", BIAS)
    assert isinstance(first, float) and isinstance(last, float) and last < first


def test_who_logs_in_to_an_account_brings_nothing() -> None:
    town = states()
    play(town, crowd(300))
    play(town, series(12))
    before = second(town, 5000), second(town, 3)
    thief = {"device": "device:5003", "ip": "ip:5003", "ip__prefix24": "network:5003"}
    play(town, [made(3, 8000.0 + n, type="login", **thief) for n in range(20)])
    play(town, [made(3, 8100.0, type="login.outcome", result="wrong_password", **thief)])
    assert (second(town, 5000, **thief), second(town, 3, **thief)) == before


@pytest.mark.parametrize(
    ("events", "over"),
    [
        ([outcome(5000, "success")] * (LOGINS - 1), False),
        ([outcome(5000, "success")] * LOGINS, True),
        ([outcome(5000, "wrong_password")] * 50, False),
        ([outcome(5000, "challenge_passed")], True),
        ([outcome(5000, "challenge_passed", "signup.outcome")], False),
        ([outcome(5000, "abandoned", "signup.outcome")], True),
        ([outcome(5001, "success")] * LOGINS, False),
    ],
)
def test_it_looks_until_the_account_is_used_or_proved(events: list[KeptEvent], over: bool) -> None:
    town = states()
    play(town, crowd(300))
    play(town, series(12))
    play(town, events)
    assert (second(town, 5000) == {}) is over


def test_a_benign_label_ends_the_looks_and_another_does_not() -> None:
    town = states()
    play(town, crowd(300))
    play(town, series(12))
    look = town["signup_hindsight"]
    for number, abusive in ((5000, False), (5001, True)):
        label = Label(
            id=f"l{number}",
            about=str(made(number).facts["account"]),
            abusive=abusive,
            source="desk",
            counts_as="desk",
            confidence=1.0,
            said_us=0,
            told_us=0,
        )
        look.apply(Record(kind="label", point="label", body=msgspec.msgpack.encode(label), seq=1, time_us=0, id=label.id, shard=0))
    assert second(town, 5000) == {} and second(town, 5001) != {}
    look.erase(str(made(5001).facts["account"]))
    assert second(town, 5001) == {}


def test_it_is_bounded_the_same_after_a_replay_and_refuses_other_snapshots() -> None:
    town = states()
    found = {state.name: state for state in town.values()}
    graph, back, traits = found["graph"], found["signup.returns"], found["signup_traits"]
    assert isinstance(graph, Graph) and isinstance(back, Recurrence) and isinstance(traits, SignupTraits)
    look = town["signup_hindsight"] = SignupHindsight(graph, back, traits, limit=50)
    events = play(town, [*crowd(300), *series(12), outcome(5003, "success"), outcome(5004, "abandoned", "signup.outcome")])
    assert len(look.accounts) == 49 and second(town, 5000) != {} == second(town, 299 - 60)
    again, whole = SignupHindsight(graph, back, traits, limit=50), SignupHindsight(graph, back, traits, limit=50)
    for seq, kept in enumerate(events, 1):
        kind = "decision" if isinstance(kept, KeptDecision) else "event"
        again.apply(Record(kind=kind, point=kept.type, body=pack(kept), seq=seq, time_us=kept.occurred_us, id=kept.id, shard=0))
    whole.restore(look.snapshot())
    assert again.digest() == look.digest() == whole.digest() and again.applied_seq == look.applied_seq
    for damaged in (b"", b"\x93", msgspec.msgpack.encode([("account:x", (1, (2, 3), b"", 0.0, 0.0, 0.0, 0))])):
        with pytest.raises((ValueError, msgspec.DecodeError, msgspec.ValidationError)):
            whole.restore(damaged)


def test_it_needs_the_states_of_signups_and_logins_read_what_it_gives() -> None:
    with pytest.raises(TypeError, match="graph"):
        hindsight({})
    assert login().borrows[SignupHindsight.name] == SignupHindsight.gives
