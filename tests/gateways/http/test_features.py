"""Features over HTTP and through the command line, on a real program: shown, and a counter that began late computed over history."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.commands.application import run
from wardline.engine.counting.counter import parse_counter
from wardline.serving import Doors


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    made = Program.open(tmp_path / "data", Config(), starter=False)
    yield made
    await made.close()


def client(program: Program, peer: str = "") -> httpx.AsyncClient:
    app: Any = Doors(program).http_app(control=not peer)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 1)), base_url="http://127.0.0.1")


async def test_a_counter_that_began_late_is_computed_over_history(program: Program) -> None:
    ask = client(program)
    now = datetime.now(UTC).isoformat()
    for number in range(3):
        event = {"id": f"e{number}", "type": "login", "occurred_at": now, "entities": {"account": "a", "ip": "192.0.2.7"}, "fields": {}}
        assert (await ask.post("/v1/decide", json=event)).status_code == 200
    program.points.counters.add(parse_counter("late", {"count": "login", "by": "site", "window": "7d"}))
    shown = (await ask.get("/v1/features/late")).json()
    assert shown["known_from"] > now
    assert shown["declaration"] == {"count": "login", "by": "site", "window": "7d"}
    found = (await ask.post("/v1/features/backfill", json={})).json()
    assert found["computed"] == ["late"] and found["records"] >= 3
    assert (await ask.get("/v1/features/late")).json()["known_from"] is None
    read = program.points.counters.read("login", int(datetime.now(UTC).timestamp() * 1e6), {"site": "default"})
    assert read["late"] == 3
    assert (await ask.post("/v1/features/backfill")).json() == {"computed": [], "records": 0}
    assert (await ask.post("/v1/features/backfill", json={"names": ["late"]})).json()["computed"] == ["late"]


async def test_what_is_shown_and_refused(program: Program) -> None:
    ask = client(program)
    found = (await ask.get("/v1/features")).json()
    by_name = {line["name"]: line for line in found["features"]}
    assert by_name["ip"]["source"] == "field" and by_name["ip"]["type"] == "text"
    assert all(by_name[name]["known_from"] is None for name in program.points.counters.declarations())
    assert found["tables"]
    assert (await ask.get("/v1/features/none")).status_code == 404
    for wrong, status in ((b"{", 400), (b'{"names": 5}', 422), (b'{"names": ["none"]}', 404), (b"[" * 5000, 422)):
        assert (await ask.post("/v1/features/backfill", content=wrong)).status_code == status
    peer = client(program, "127.0.0.1")
    assert (await peer.get("/v1/features")).status_code == 200
    assert (await peer.post("/v1/features/backfill")).status_code == 401


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--data", str(tmp_path / "data"), "features"]
    assert run([*base, "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    counter = next(line["name"] for line in found["features"] if line["source"] == "counter")
    assert run([*base, "list", "--counters"]) == 0
    assert counter[:8] in capsys.readouterr().out
    assert run([*base, "show", counter]) == 0
    assert "declaration" in capsys.readouterr().out
    assert run([*base, "backfill"]) == 0
    assert "nothing to compute" in capsys.readouterr().out
    assert run([*base, "show", "none"]) == 1
    assert "features list" in capsys.readouterr().err
