"""Campaigns over HTTP and by the command line, on a real program."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.commands.application import run
from wardline.serving import Doors

FARM = {"kind": "key", "value": "device:the farm's"}


async def play(program: Program, count: int = 12) -> None:
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        lines = []
        for number in range(count):
            entities = {"account": f"farm{number}", "ip": f"192.0.2.{number}", "device": "the farm's"}
            lines.append(json.dumps({"id": f"e{number}", "type": "signup", "occurred_at": "2026-11-26T09:00:00Z", "entities": entities}))
        answer = await client.post("/v1/decide/batch", content="\n".join(lines))
        assert answer.text.count("verdict") == count


async def test_every_act_over_http(tmp_path: Path) -> None:
    program = Program.open(tmp_path / "data", Config(), starter=False)
    await play(program)
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        found = (await client.post("/v1/campaigns", json={"seed": FARM, "by": "ada", "name": "a farm"})).json()
        assert (found["status"], found["members"], found["by"], found["name"]) == ("found", 12, "ada", "a farm")
        path = f"/v1/campaigns/{found['id']}"
        plan = (await client.post(f"{path}/plan", json={"kind": "lock", "by": "ada"})).json()["plan"]
        assert (plan["members"], len(plan["sample"]), plan["needs_second"]) == (12, 12, [])
        assert (await client.post(f"{path}/approve", json={"by": "bob", "version": 1})).json()["status"] == "approved"
        done = (await client.post(f"{path}/execute", json={"by": "ada"})).json()
        assert (done["status"], done["acted"], done["actions"]) == ("executed", 12, {"requested": 12})
        members = (await client.get(path, params={"members": 1})).json()["listed"]
        assert len(members) == 12 and members[0]["evidence"][0][0] == "shared.device"
        assert (await client.post(f"{path}/halt", json={"by": "ada"})).json()["status"] == "halted"
        undone = (await client.post(f"{path}/undo", json={"by": "ada", "reason": "a school"})).json()
        assert (undone["status"], undone["ended"]) == ("undone", 12)
        assert len((await client.get("/v1/campaigns")).json()["campaigns"]) == 1
        ops = [act["op"] for act in (await client.get("/v1/audit")).json()["acts"]]
        assert "campaign.undoing" in ops and "campaign.member" not in ops
        for wrong, status in (("/v1/campaigns/moon", 404), (f"{path}/moon", 404), (f"{path}/plan", 422), ("/v1/campaigns/moon/undo", 422)):
            answer = await client.get(wrong) if wrong.endswith("s/moon") else await client.post(wrong, json={})
            assert answer.status_code == status and answer.json()["detail"]
        assert (await client.post("/v1/campaigns", json={"seed": {"kind": "moon", "value": "x"}})).status_code == 422
    network: Any = Doors(program).http_app(control=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(network, client=("127.0.0.1", 1)), base_url="http://127.0.0.1") as client:
        assert (await client.get("/v1/campaigns")).status_code == 401
    await program.close()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    async def fill() -> None:
        program = Program.open(tmp_path / "data", Config(), starter=False)
        await play(program)
        await program.close()

    asyncio.run(fill())
    wardline = ["--data", str(tmp_path / "data"), "campaign"]

    def say(*words: str, status: int = 0) -> str:
        assert run([*wardline, *words]) == status
        captured = capsys.readouterr()
        return captured.out + captured.err

    campaign_id = json.loads(say("find", "--with", "device:the farm's", "--hours", "24", "--as", "ada", "--json"))["id"]
    text = say("plan", campaign_id, "--do", "lock", "--days", "3", "--as", "ada")
    assert "lock 12 accounts for 3 days" in text and "shares a device with 11 accounts" in text
    assert "approved" in say("approve", campaign_id, "--as", "bob")
    assert "12 acted on" in say("execute", campaign_id)
    assert "executed" in say("status") and "shares a device" in say("status", campaign_id, "--members")
    assert "version 1" in say("extend", campaign_id, "--hours", "24")
    assert "halted" in say("halt", campaign_id, "--reason", "wait")
    assert "undone" in say("undo", campaign_id, "--as", "bob")
    assert "say once what to look for" in say("find", status=2)
    assert "give the id" in say("plan", status=2) and "the first word is" in say("moon", status=2)
    assert "no campaign has this id" in say("undo", "moon", status=1)
