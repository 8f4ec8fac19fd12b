"""The event points of one program put together: what they forget, and what they say of themselves."""

from pathlib import Path

import pytest

from tests.engine.deciding import desk
from wardline.engine.counter import parse_counter
from wardline.engine.point import distinct


async def test_a_borrowed_state_is_told_once_whom_to_forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk(tmp_path) as running:
        told: list[str] = []
        for state in running.points.every_domain_state:
            monkeypatch.setattr(type(state), "erase", lambda self, subject: told.append(f"{self.name}:{subject}"))
        running.points.erase("account:5f")
        # Logins read the graph that sign-ups keep.
        assert "graph" in {state.name for state in running.points.domain_states["login"]}
        assert told == [f"{state.name}:account:5f" for state in distinct(running.points.domain_states)]
        assert len(told) == len(set(told))


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
