"""The event points of one program put together: what they forget, and what they say of themselves."""

from pathlib import Path

import pytest

from tests.engine.deciding import desk
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
