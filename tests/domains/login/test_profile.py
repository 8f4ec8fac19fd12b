"""Habits as a state: what is learned, from whom, and within which bounds."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.domains.login.town import DAY_US, MINUTE_US, Town, client, network
from tests.engine.deciding import desk
from wardline.domains.login.attempts import Attempt, Attempts
from wardline.domains.login.profile import LoginProfile
from wardline.domains.login.recipe import login
from wardline.engine.event import Event
from wardline.engine.kept import KeptEvent

HOME, DESK = network(10, 1, 1), client("b1", "d1")


def test_the_owner_is_known_and_a_stranger_is_not() -> None:
    town = Town()
    town.lives(20, 20)
    owner = town.decide("p1", {**HOME, **DESK}).read
    stranger = town.decide("p1", {**network(203, 0, 113), **client("other", "x")}).read
    assert owner["login.known_logins"] == stranger["login.known_logins"] == 20
    assert (owner["login.network_level"], stranger["login.network_level"]) == ("ip", "new")
    assert (owner["login.strange"], stranger["login.strange"]) == (False, True)
    assert float(owner["login.risk"]) < 0 < 5 < float(stranger["login.risk"])  # type: ignore[arg-type]


def test_nearer_is_less_risky_all_the_way_down() -> None:
    town = Town()
    town.lives(20, 20)
    places = [network(203, 0, 113), network(10, 1, 99), {**HOME, "ip": "ip:10.1.1.99"}, HOME]
    nats = [float(town.decide("p1", {**place, **DESK}).read["login.network_nats"]) for place in places]  # type: ignore[arg-type]
    assert nats == sorted(nats, reverse=True) and len(set(nats)) == 4


def test_the_longer_the_history_the_stranger_a_stranger() -> None:
    risks = []
    for days in (1, 4, 16, 64):
        town = Town()
        town.lives(8, days)
        risks.append(float(town.decide("p1", {**network(203, 0, 113), **client("other", "x")}).read["login.risk"]))  # type: ignore[arg-type]
    assert risks == sorted(risks) and risks[0] < 3


def test_failures_teach_nothing() -> None:
    town = Town()
    town.lives(5, 5)
    before = town.states[0].accounts["account:p1"]  # type: ignore[attr-defined]
    for _ in range(200):
        town.login("p1", {**network(203, 0, 113), **client("other", "x")}, "wrong_password")
        town.login("p1", {**network(203, 0, 113), **client("other", "x")}, "challenge_failed")
    assert town.states[0].accounts["account:p1"] == before  # type: ignore[attr-defined]


def test_another_address_cannot_ride_on_the_owners_success() -> None:
    town = Town()
    town.lives(5, 5)
    away = {**network(203, 0, 113), **client("other", "x")}
    town.decide("p1", away)
    town.note("p1", {"ip": HOME["ip"]}, result="success")
    assert town.decide("p1", away).read["login.network_level"] == "new"


def test_a_flow_joins_an_outcome_that_carries_nothing_else() -> None:
    town = Town()
    town.decide("p1", {**HOME, **DESK}, flow="session:f")
    town.note("p1", {"flow": "session:f"}, result="challenge_passed")
    read = town.decide("p1", {**HOME, **DESK}).read
    assert (read["login.known_logins"], read["login.device_logins"], read["login.agent_level"]) == (1, 1, "agent")


@pytest.mark.parametrize(("opened", "closed"), [("", "session:f"), ("session:f", ""), ("session:f", "session:f"), ("", "")])
def test_where_one_of_the_two_carries_no_flow_account_and_address_join_them(opened: str, closed: str) -> None:
    town = Town()
    town.decide("p1", {**HOME, **DESK}, flow=opened)
    town.note("p1", {"ip": HOME["ip"], **({"flow": closed} if closed else {})}, result="success")
    assert town.decide("p1", {**HOME, **DESK}).read["login.device_logins"] == 1


def test_an_outcome_that_names_its_account_alone_means_the_only_attempt_or_none() -> None:
    town = Town()
    for number, more in enumerate(({}, {"flow": "session:only the outcome's"})):
        town.decide("p1", {**HOME, **DESK})
        town.note("p1", more, result="success")
        assert town.decide("p1", {**HOME, **DESK}).read["login.device_logins"] == number + 1
        town.now_us += DAY_US
    town.decide("p1", {**HOME, **DESK})
    town.decide("p1", {**network(203, 0, 113), **client("other", "x")})  # a thief tries at the same time: whose success it was is not known
    town.note("p1", {}, result="success")
    town.now_us += DAY_US
    assert town.decide("p1", {**network(203, 0, 113), **client("other", "x")}).read["login.device_logins"] == 0


def test_an_outcome_of_another_flow_is_nobody_elses() -> None:
    town = Town()
    thief = client("other", "x")
    town.decide("p1", {**HOME, **thief}, flow="session:thief")
    town.decide("p1", {**HOME, **DESK}, flow="session:owner")
    for result in ("challenge_passed", "success"):
        town.note("p1", {"ip": HOME["ip"], "flow": "session:owner"}, result=result)
    assert town.decide("p1", {**HOME, **thief}).read["login.device_logins"] == 0


def test_which_attempt_is_the_last_of_a_place_is_the_same_after_a_restart() -> None:
    live = Attempts()
    for flow in ("a", "b"):
        live.opened({"account": "account:p1", "ip": "ip:1", "flow": flow}, Attempt("account:p1", 0))
    live.closed({"account": "account:p1", "flow": "b"}, 1)
    again = Attempts()
    again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(list(live.waiting.items())), type=list[tuple[str, Attempt]]))
    plain = {"account": "account:p1", "ip": "ip:1"}
    assert live.closed(plain, 1) == again.closed(plain, 1) and live.waiting == again.waiting


def test_an_outcome_whose_attempt_nobody_saw_counts_by_what_it_carries() -> None:
    town = Town()
    town.note("p1", HOME, result="success")
    read = town.decide("p1", {**HOME, **DESK}).read
    assert (read["login.known_logins"], read["login.network_level"]) == (1, "ip")


def test_a_hundred_logins_of_one_day_do_not_outweigh_a_month() -> None:
    town = Town()
    town.lives(5, 30)
    away = {**network(203, 0, 113), **client("other", "x")}
    for _ in range(100):
        town.login("p1", away)
        town.now_us += 1_000_000
    read = town.decide("p1", away).read
    assert read["login.known_logins"] == 36 and int(str(read["login.network_logins"])) <= 6
    assert town.decide("p1", {**HOME, **DESK}).read["login.network_logins"] == 30


def test_who_was_pushed_out_is_unknown_and_not_new() -> None:
    state = LoginProfile(capacity_bytes=10_000)
    town = Town(state)
    assert town.decide("p0", {**HOME, **DESK}).read["login.known_logins"] == 0
    town.lives(60, 1)
    assert state.evicted and state.bytes_used <= 10_000
    assert "login.known_logins" not in town.decide("p0", {**HOME, **DESK}).read
    assert town.decide("p59", {**network(10, 4, 59), **DESK}).read["login.known_logins"] == 1


def test_a_snapshot_is_the_state() -> None:
    town = Town()
    town.lives(10, 10)
    for state in town.states:
        again = type(state)()
        again.restore(state.snapshot())
        assert again.digest() == state.digest()


def test_a_year_later_the_counts_have_faded() -> None:
    town = Town()
    for _ in range(500):
        town.login("p1", {**HOME, **DESK})
        town.now_us += DAY_US
    assert int(str(town.decide("p1", {**HOME, **DESK}).read["login.known_logins"])) < 400


def test_who_is_forgotten_is_in_no_state() -> None:
    town = Town()
    town.lives(5, 5)
    town.decide("p1", {**network(203, 0, 113), **client("other", "x")})
    for state in town.states:
        state.erase("account:p1")
        assert b"account:p1" not in state.snapshot()


def test_who_was_challenged_and_did_not_pass_is_not_at_home_the_next_day() -> None:
    away = {**network(203, 0, 113), **client("other", "x")}

    def risk(result: str, days: int) -> float:
        town = Town()
        town.lives(20, 20)
        assert town.login("p1", away, result).verdict == "challenge"
        town.now_us += days * DAY_US
        return float(str(town.decide("p1", away).read["login.risk"]))

    assert risk("challenge_passed", 1) < 0 < 3 < risk("success", 1)
    assert risk("success", 3) < 0, "an owner who is still there after three days is known"


def test_an_account_of_very_many_logins_takes_no_more_room_than_one_of_hundreds() -> None:
    """A robot that logs in every minute from everywhere: six a day count, a level keeps its most used values."""
    profile, sizes = LoginProfile(), []
    for number in range(5_000):
        facts = {
            "account": "account:busy",
            **network(10, number % 200, number % 97),
            **client(f"b{number % 50}", f"d{number}"),
            "result": "success",
        }
        kept = KeptEvent(id=f"o{number}", type="login.outcome", occurred_us=1_790_000_000_000_000 + number * MINUTE_US, facts=facts)
        profile.absorb(number + 1, kept, kept.occurred_us)
        if number in (1_000, 4_999):
            sizes.append(len(profile.accounts["account:busy"]))
    assert sizes[1] <= sizes[0] * 1.5 and sizes[1] < 4_000


def test_outcomes_whose_attempts_nobody_saw_leave_the_client_unknown() -> None:
    town = Town()
    town.lives(20, 20)
    for _ in range(3):
        town.note("q", HOME, result="success")
    for facts in (HOME, {**HOME, **DESK}):
        kept = town.decide("q", facts)
        assert kept.verdict == "allow" and kept.read["login.agent_nats"] == 0, "the account never showed a client"


def test_a_device_that_is_absent_for_once_is_a_sign_and_where_none_is_sent_it_is_nothing() -> None:
    town = Town()
    without = client("b1")
    for _ in range(30):
        town.login("always", {**HOME, **DESK})
        town.login("never", {**HOME, **without})
        town.now_us += DAY_US
    for _ in range(10):
        town.login("sometimes", {**HOME, **DESK})
        town.login("sometimes", {**HOME, **without})
        town.now_us += DAY_US
    nats = {name: float(str(town.decide(name, {**HOME, **without}).read["login.agent_nats"])) for name in ("always", "never", "sometimes")}
    assert nats["always"] > 1 > 0.5 > nats["sometimes"] and nats["never"] <= 0


def test_a_site_that_lets_in_whoever_has_the_password_does_not_take_intruders_for_its_yardstick() -> None:
    def baseline(result: str) -> float:
        town = Town()
        town.lives(40, 30)
        for day in range(10):
            for person in range(40):
                town.login(f"p{person}", {**network(203, day, person), **client(f"other{day}", f"x{day}{person}")}, result)
                town.login(f"p{person}", {**network(10, person % 5, person), **client(f"b{person % 3}", f"d{person}")})
                town.now_us += 600_000_000
            town.now_us += DAY_US
        return float(str(town.decide("p1", {**HOME, **DESK}).read["login.baseline"]))

    assert baseline("success") < baseline("challenge_passed")


def test_a_strange_login_of_an_own_account_moves_the_yardstick_once_a_day() -> None:
    def baseline(logins: int) -> float:
        town = Town()
        town.lives(60, 30)
        for day in range(5):
            town.lives(60, 1)
            for number in range(logins):
                town.login(
                    "p0", {**network(100 + number, day, number), **client(f"own{number}-{day}", f"o{number}{day}")}, "challenge_passed"
                )
        return float(str(town.decide("p1", {**HOME, **DESK}).read["login.baseline"]))

    assert baseline(20) == baseline(0)


def test_a_snapshot_of_another_version_is_refused() -> None:
    town = Town()
    town.lives(3, 3)
    fields = msgspec.msgpack.decode(town.states[0].snapshot())
    for other in ([*fields[:-1], 1], fields[:-1]):
        with pytest.raises(ValueError, match="login_profile"):
            LoginProfile().restore(msgspec.msgpack.encode(other))


async def test_a_login_that_was_recorded_without_a_decision_counts_the_same_when_it_is_built_again(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        door = running.door("login")
        for number in range(3):
            running.clock.advance_us(DAY_US)
            at = datetime.fromtimestamp(running.clock.now_us() / 1e6, UTC)
            told = Event(id=f"l{number}", type="login", occurred_at=at, entities={"account": "alice", "ip": "192.0.2.7", "device": "own"})
            await door.note(told)
            await running.ask("login.outcome", f"o{number}", {"account": "alice", "ip": "192.0.2.7"}, result="success")
        records = list(running.journal.read(1))
        for make in login().states:
            again, live = make(), next(state for state in door.states if state.name == make().name)
            for record in records:
                again.apply(record)
            assert again.digest() == live.digest(), live.name
        assert (await running.ask("login", "now", {"account": "alice", "ip": "192.0.2.7", "device": "own"})).verdict == "allow"
