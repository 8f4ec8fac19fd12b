"""Acts of a session asked about before they are done, through the door: the cooling-off time after an unusual login, and its end."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.engine.deciding import Desk, desk
from wardline.base.clock import FixedClock
from wardline.engine.event import Event

HOME = {"ip": "192.0.2.7", "device": "own"}
AWAY = {"ip": "203.0.113.9", "device": "other"}
HOUR_US = 3_600_000_000
SENSITIVE = ("recovery_change", "forward_rule", "export")


async def login(running: Desk, number: int, where: dict[str, str], result: str = "success", agent: str = "one") -> Any:
    running.clock.advance_us(12 * HOUR_US)
    entities = {"account": "alice", **where}
    answer = await running.ask("login", f"l{number}", entities, user_agent=agent)
    await running.ask("login.outcome", f"o{number}", entities, result=result)
    return answer


async def act(running: Desk, id: str, action: str, **more: Any) -> Any:
    running.clock.advance_us(60_000_000)
    return await running.ask("session", id, {"account": "alice", **AWAY}, action=action, **more)


async def settled(running: Desk) -> None:
    for number in range(16):
        await login(running, number, HOME)


async def test_after_an_ordinary_login_nobody_is_asked(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await settled(running)
        assert [(await act(running, action, action)).verdict for action in SENSITIVE] == ["allow"] * 3


async def test_changes_after_an_unusual_login_are_challenged_then_held_and_free_again_after_a_day(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await settled(running)
        assert (await login(running, 99, AWAY, "challenge_passed", "another")).verdict == "challenge"
        assert (await act(running, "reads", "read")).verdict == "allow"
        said = [await act(running, action, action) for action in SENSITIVE]
        assert [answer.verdict for answer in said] == ["challenge", "challenge", "hold"]
        assert said[0].obligations == [{"challenge": "by_a_way_older_than_the_login", "ttl_seconds": 600}]
        assert said[2].obligations == [{"hold": "until_it_has_cooled_off", "ttl_seconds": 86_400}]
        assert said[0].policy == "session@2" and said[0].reasons[0].detector == "session.change_after_unusual_login"
        assert "a sensitive change was asked for" in said[0].reasons[1].text
        running.clock.advance_us(24 * HOUR_US)
        assert (await act(running, "later", "forward_rule")).verdict == "allow"


async def test_whoever_proves_it_by_an_older_way_is_asked_no_more(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await settled(running)
        await login(running, 99, AWAY, "challenge_passed", "another")
        assert (await act(running, "first", "recovery_change")).verdict == "challenge"
        await running.ask("login.outcome", "passed", {"account": "alice", **AWAY}, result="challenge_passed")
        assert (await act(running, "second", "forward_rule")).verdict == "allow"


async def test_an_act_that_was_asked_about_and_then_told_counts_once_and_all_of_it_replays(tmp_path: Path) -> None:
    with desk(tmp_path, FixedClock(1_795_000_000_000_000)) as running:
        await settled(running)
        await login(running, 99, AWAY, "challenge_passed", "another")
        await act(running, "once", "forward_rule")
        door = running.door("session")
        told = Event(id="once", type="session", occurred_at=now(running), entities={"account": "alice"}, fields={"action": "forward_rule"})
        await door.note(told)
        assert (await act(running, "twice", "export")).verdict == "challenge"
        found = running.points.replay(lambda digest: running.points.running_of(running.documents[digest]), True, None)
        assert found.replayed > 18 and not found.differences


def now(running: Desk) -> datetime:
    return datetime.fromtimestamp(running.clock.now_us() / 1e6, UTC)


async def test_a_sleeper_is_asked_when_it_acts_if_its_siblings_came_after_its_login(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(220):
            running.clock.advance_us(60_000_000)
            where = {"account": f"p{number}", "ip": f"198.51.{number}.7", "email": f"p{number}@mail{number % 9}.example"}
            await running.ask("signup", f"p{number}", where, username=f"person{number * 7919}x")
        for number in range(9):
            running.clock.advance_us(HOUR_US)
            where = {"account": f"f{number}", "ip": f"203.0.{number}.7", "email": f"f{number}@series.example", "phone": "+431"}
            await running.ask("signup", f"f{number}", where, username=f"sleeper{number}")
            if number == 0:
                await running.ask("login", "in", {"account": "f0", "ip": "203.0.113.7"}, user_agent="one")
                await running.ask("login.outcome", "in.o", {"account": "f0", "ip": "203.0.113.7"}, result="success")
                assert (await running.ask("session", "early", {"account": "f0"}, action="export")).verdict == "allow"
        read = await running.ask("session", "reads", {"account": "f0"}, action="read")
        asked = await running.ask("session", "acts", {"account": "f0", "ip": "203.0.113.7"}, action="export")
        assert (read.verdict, asked.verdict) == ("allow", "challenge")
        assert asked.reasons[0].detector == "session.one_of_a_series_in_hindsight"
        assert (await running.ask("session", "person", {"account": "p7"}, action="export")).verdict == "allow"
