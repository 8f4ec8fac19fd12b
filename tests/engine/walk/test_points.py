"""The event points of one program put together: what they forget, and what they say of themselves."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.deciding import desk
from wardline.engine.counting.counter import parse_counter
from wardline.engine.kept import kept_event
from wardline.engine.states.snapshot import Snapshots, bring_up
from wardline.engine.walk.point import distinct

HOUR_US = 3_600_000_000


async def test_a_borrowed_state_is_told_once_whom_to_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk(tmp_path) as running:
        told: list[str] = []
        for state in running.points.every_domain_state:
            monkeypatch.setattr(type(state), "erase", lambda self, subject: told.append(f"{self.name}:{subject}"))
        running.points.erase("account:5f")
        # Logins read the graph that sign-ups keep, and the state that looks back at it.
        assert {"graph", "signup_hindsight"} <= {state.name for state in running.points.domain_states["login"]}
        assert "signup_hindsight" not in {state.name for state in running.points.domain_states["signup"]}
        assert told == [f"{state.name}:account:5f" for state in distinct(running.points.domain_states)]
        assert len(told) == len(set(told))


async def test_over_a_journal_that_lost_its_oldest_records_a_counter_is_unknown_and_never_too_low(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        points, clock = running.points, running.clock
        here = {"account": "a", "ip": "192.0.2.7"}
        for number in range(6):
            await running.ask("login.outcome", f"o{number}", here, result="success")
            clock.advance_us(HOUR_US)
        ip = kept_event(running.journal.find_id("event", "o0")).facts["ip"]  # type: ignore[arg-type, union-attr]

        def read(name: str, hours: int = 0) -> object:
            return points.counters.read("login.outcome", clock.now_us() + hours * HOUR_US, {"ip": ip})[name]

        day = parse_counter("day", {"count": "login.outcome", "by": "ip", "window": "24h"})
        points.counters.add(day)
        await points.compute([day])
        assert read("day") == 6 and points.counters.unfinished() == {}
        assert running.journal.expire(clock.now_us() - 3 * HOUR_US, {"event": 0, "decision": 0}) == 3
        later, short = (
            msgspec.structs.replace(day, name="later", window_seconds=90_000),
            msgspec.structs.replace(day, name="short", window_seconds=7200),
        )
        await points.compute([later, short])
        assert (read("later"), read("short"), read("later", 23)) == (None, 2, 2)
        # Counted anew, what knows more than the journal would know less.
        assert points.computable([day, later, short]) == []
        assert set(points.counters.unfinished()) == {"later", "short"} and read("day") == 6
        assert points.recovered() == 0
    with desk(tmp_path, clock) as again:
        bring_up([again.points.counters], Snapshots(again.journal.folder), again.journal.read, again.journal.last_seq)
        again.points.counters.add(day)
        again.points.recovered(rebuilt=True)
        shipped = again.points.counters.since()
        assert set(shipped.values()) > {clock.now_us() - 3 * HOUR_US}
        assert all(shipped[name] == clock.now_us() - 3 * HOUR_US for name in again.points.shipped)


async def test_a_condition_that_raises_is_counted_and_reads_as_unknown(tmp_path: Path) -> None:
    def broken(facts: object) -> bool:
        raise ZeroDivisionError

    with desk(tmp_path) as running:
        counters = running.points.counters
        counters.add(parse_counter("odd", {"count": "login", "by": "ip", "where": "hour > 3", "window": "1h"}))
        counters._plans["login"] = tuple((test, broken) for test, _ in counters._plans["login"])
        assert "wardline_counter_conditions_failed 0.0" in running.metrics.render().decode()
        await running.ask("login", "a", {"account": "a", "ip": "192.0.2.7"})
        failed = len(counters._plans["login"])
        assert f"wardline_counter_conditions_failed {failed}.0" in running.metrics.render().decode()
        assert failed and counters.failed == failed
