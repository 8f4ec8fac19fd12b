"""The entities' routes of the HTTP API."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.engine.entity import EntityError
from wardline.gateways.http.entities import EntityRoutes
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.serving import Doors


async def silent(*_message: Any) -> Any:
    raise AssertionError("nothing is read or sent")


class Asked(Exchange):
    """An exchange that keeps its answer."""

    def __init__(self, **query: str) -> None:
        scope = {"method": "GET", "path": "/v1/entities", "headers": [], "query_string": urlencode(query).encode()}
        super().__init__(scope, silent, silent, "127.0.0.1")
        self.answer: Any = None

    async def json(self, document: Any, status: int = 200) -> None:
        self.answer = document


def refuse(about: str, limit: int) -> Any:
    if not about:
        raise EntityError("about: what is meant?")
    return about, limit


async def test_limits_and_names_are_checked() -> None:
    routes = EntityRoutes(SimpleNamespace(show=refuse, neighbours=refuse))  # type: ignore[arg-type]
    for ask in (routes.show, routes.near):
        asked = Asked(about="account:alice", limit="7")
        await ask(asked)
        assert asked.answer == ("account:alice", 7)
        for query in ({}, {"about": "x", "limit": "many"}):
            with pytest.raises(Problem):
                await ask(Asked(**query))
    assert len(routes.routes()) == 3


async def test_an_account_is_shown_through_the_control_socket(tmp_path: Path) -> None:
    program = Program.open(tmp_path / "data", Config(), starter=False)
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        for number in range(3):
            entities = {"account": f"robot{number}", "device": "one"}
            event = {"id": f"s{number}", "type": "signup", "occurred_at": "2026-11-26T09:00:00Z", "entities": entities, "fields": {}}
            assert (await http.post("/v1/decide", json=event)).status_code == 200
        label = {"about": "account:robot0", "abusive": True, "source": "desk"}
        assert (await http.post("/v1/labels", json=label)).status_code == 200
        told = (await http.get("/v1/events", params={"id": "s1"})).json()
        assert told["type"] == "signup" and told["verdict"] == "allow" and told["facts"]["account"].startswith("account:")
        assert (await http.get("/v1/events", params={"id": "s9"})).status_code == 404
        outcome = {"id": "o1", "type": "signup.outcome", "occurred_at": "2026-11-26T09:00:01Z", "fields": {"result": "completed"}}
        assert (await http.post("/v1/events", json=outcome)).status_code == 200
        noted = (await http.get("/v1/events", params={"id": "o1"})).json()
        assert noted["verdict"] == "" and noted["facts"]["result"] == "completed"
        shown = (await http.get("/v1/entities", params={"about": "account:robot1"})).json()
        assert shown["cluster"]["size"] == 3 and shown["cluster"]["bad"] == 1
        near = (await http.get("/v1/entities/neighbours", params={"about": "account:robot1"})).json()
        assert len(near["neighbours"]) == 2 and near["neighbours"][0]["same_cluster"]
    report = program.replay_now()
    assert report.different == 0 and report.features_replayed == 3
    await program.close()
    again = Program.open(tmp_path / "data", Config(), starter=False)
    assert [state.digest() for state in again.points.every_domain_state] == [state.digest() for state in program.points.every_domain_state]
    await again.close()
