"""Rules over HTTP on a real program: what a list shows, a text that no build reads any more, evidence that is none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.engine.rules.rulebook import RuleAct
from wardline.serving import Doors

RULE = """rule: many_outcomes
point: login
owner: ada
expires: 2099-12-31
when: failures_ip_1h >= 3
verdict: challenge
reason: "{failures_ip_1h} failures."
cases:
  - {given: {failures_ip_1h: 3}, expect: hit}
"""


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    made = Program.open(tmp_path / "data", Config(), starter=False)
    yield made
    await made.close()


@pytest.fixture
async def http(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


async def test_the_list_shows_every_version_with_owner_end_and_verdict(http: httpx.AsyncClient) -> None:
    for text in (RULE, RULE.replace("owner: ada", "owner: bob").replace("verdict: challenge", "verdict: limit")):
        put = await http.post("/v1/rules", json={"text": text, "source": "r.yaml", "actor": "ada"})
        assert put.status_code == 200
    for _ in range(2):  # read from the texts, then remembered
        rules = (await http.get("/v1/rules")).json()["rules"]
        assert [(rule["id"], rule["owner"], rule["expires"], rule["verdict"], rule["stage"]) for rule in rules] == [
            ("many_outcomes@1", "ada", "2099-12-31", "challenge", "tested"),
            ("many_outcomes@2", "bob", "2099-12-31", "limit", "tested"),
        ]
    assert rules[1] == put.json() | {"fault": ""}
    assert "text" not in rules[0] and "evidence" not in rules[0]
    one = (await http.get("/v1/rules/many_outcomes")).json()["versions"]
    assert one[0]["text"] == RULE and one[0]["evidence"]["tested"]["figures"] == {"cases": 1}
    assert (await http.get("/v1/rules/nobody")).status_code == 404


async def test_a_text_that_cannot_be_read_any_more_hides_no_other(http: httpx.AsyncClient, program: Program) -> None:
    await http.post("/v1/rules", json={"text": RULE, "actor": "ada"})
    desk = program.points.desk
    await desk.do(RuleAct(op="rule.put", actor="ada", point="login", value="of_old", version=1, text="rule: of_old\nkey_of_old: 1\n"))
    await desk.do(RuleAct(op="rule.stage", actor="ada", value="of_old", version=1, stage="live"))
    program.points.roster.at("login", program.clock.now_us())
    rules = {rule["name"]: rule for rule in (await http.get("/v1/rules")).json()["rules"]}
    assert rules["many_outcomes"]["owner"] == "ada" and rules["of_old"]["owner"] == ""
    assert "key_of_old" in rules["of_old"]["fault"]
    assert (await http.get("/v1/rules/of_old")).json()["versions"][0]["text"].endswith("key_of_old: 1\n")
    ended = await http.post("/v1/rules/of_old/expire", json={"actor": "ada"})
    assert (ended.status_code, ended.json()["stage"]) == (200, "expired")


@pytest.mark.parametrize("stage", ["no_stage", "live"])
async def test_evidence_that_is_none_is_refused(http: httpx.AsyncClient, stage: str) -> None:
    await http.post("/v1/rules", json={"text": RULE, "actor": "ada"})
    refused = await http.post("/v1/rules/many_outcomes/evidence", json={"stage": stage, "figures": {}, "actor": "ada"})
    assert refused.status_code == 422 and "tested or backtested" in refused.json()["detail"]
