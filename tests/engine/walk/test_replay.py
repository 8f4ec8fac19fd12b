"""Replay of event domains: equal to the last bit, and it notices what was changed."""

from pathlib import Path

import msgspec
import pytest

from tests.engine.deciding import desk
from wardline.engine.counting.counters import Counters
from wardline.engine.kept import kept_decision, pack
from wardline.engine.walk.replay import Replay

HERE = {"account": "alice", "ip": "192.0.2.7"}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path


async def test_both_replays_are_equal_and_each_damage_is_found(history: Path) -> None:
    with desk(history) as running:
        for number in range(12):
            await running.ask("login.outcome", f"o{number}", HERE, result="wrong_password")
            await running.ask("login", f"l{number}", HERE, client="web")
            running.clock.advance_us(1_000_000)
        points = running.points

        def running_of(digest: str) -> object:
            return points.running_of(running.documents[digest]) if digest in running.documents else None

        found = points.replay(running_of, True, None)  # type: ignore[arg-type]
        assert (found.replayed, found.features_replayed, found.different) == (12, 12, 0)
        for corrupt in (0, 5, 11):
            assert points.replay(running_of, True, corrupt).different >= 1  # type: ignore[arg-type]
        assert points.replay(running_of, False, None).features_replayed == 0  # type: ignore[arg-type]
        assert points.replay(lambda digest: None, True, None).unknown_policy == 12

        records = list(running.journal.read(1))
        for name, change in {
            "verdict": {"verdict": "reject"},
            "line": {"line": "other"},
            "reasons": {"reasons": ()},
            "hits": {"hits": ("x@1",)},
            "failures_account_10m": {"read": {**kept_decision(records[-1]).read, "failures_account_10m": 99}},  # type: ignore[union-attr]
        }.items():
            stored = kept_decision(records[-1])
            assert stored is not None
            damaged = msgspec.structs.replace(records[-1], body=pack(msgspec.structs.replace(stored, **change)))  # type: ignore[arg-type]
            fresh = Counters((counter for domain in points.domains for counter in domain.counters), points.names, capacity_bytes=1 << 22)
            replay = Replay(running_of, {each.point: each.detectors for each in points.domains}, fresh, {})  # type: ignore[arg-type]
            for record in [*records[:-1], damaged]:
                replay.take(record)
            assert replay.found.different >= 1 and replay.found.differences[0].id == "l11", name
