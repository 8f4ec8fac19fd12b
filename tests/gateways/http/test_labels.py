"""Labels over HTTP on a real program: the decision door, /v1/labels, who may say how much, and the command line."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config, Labels
from wardline.commands.application import run
from wardline.serving import Doors

Ask = Callable[..., httpx.AsyncClient]
LABEL = {
    "id": "l1",
    "type": "label",
    "occurred_at": "2026-11-01T09:30:00Z",
    "fields": {"about": "account:alice", "abusive": True, "source": "desk"},
}


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    made = Program.open(tmp_path / "data", Config(labels=Labels(per_hour=20)), starter=False)
    yield made
    await made.close()


@pytest.fixture
def ask(program: Program) -> Ask:
    """`ask("192.0.2.7")`: a client with this address; "" is the control socket."""

    def client(peer: str = "127.0.0.1", token: str = "") -> httpx.AsyncClient:
        app: Any = Doors(program).http_app(control=not peer)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 1)), base_url="http://127.0.0.1", headers=headers)

    return client


async def key(program: Program, *scopes: str) -> str:
    token, _key = await program.office.add_key("tests", list(scopes), actor="tests")
    return token


async def test_labels_within_a_history(ask: Ask, program: Program) -> None:
    lines = [
        LABEL,
        {**LABEL, "id": "l2", "fields": {"about": "e1"}},
        {**LABEL, "id": "o1", "type": "login.outcome", "fields": {"result": "success"}},
    ]
    body = "\n".join(json.dumps(line) for line in lines)
    answer = await ask().post("/v1/decide/batch", content=body)
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert (found[0], found[2]) == ({"id": "l1", "accepted": True}, {"id": "o1", "accepted": True})
    assert (found[1]["status"], "fields.abusive" in found[1]["detail"]) == (422, True)
    shown = (await ask().get("/v1/labels", params={"about": "account:alice"})).json()
    assert shown["standing"] | {"confidence": 0, "score": 0} == {
        "abusive": None,
        "confidence": 0,
        "score": 0,
        "sources": 1,
        "labels": 1,
        "kind": "",
        "whole": True,
    }
    assert [(label["counts_as"], label["confidence"]) for label in shown["labels"]] == [("keyless", 0.5)]
    assert "alice" not in json.dumps(shown)


async def test_who_may_label_by_events(ask: Ask, program: Program) -> None:
    trusted = await ask("203.0.113.9", await key(program, "decide", "learn")).post("/v1/events", json=LABEL)
    assert trusted.status_code == 200 and program.labelling.standing("account:alice").abusive is True
    half = await ask("203.0.113.9", await key(program, "decide")).post("/v1/events", json={**LABEL, "id": "l3"})
    assert half.status_code == 422 and "may not label" in half.json()["detail"]
    nobody = await ask("203.0.113.9").post("/v1/events", json={**LABEL, "id": "l4"})
    assert nobody.status_code == 401


async def test_give_show_take_back(ask: Ask, program: Program) -> None:
    client = ask("203.0.113.9", await key(program, "learn", "read"))
    given = (await client.post("/v1/labels", json={"about": {"account": "alice"}, "abusive": True, "source": "desk"})).json()
    assert given["about"] == program.pseudonyms.of("account", "alice") and given["counts_as"] == "desk"
    shown = (await client.get("/v1/labels", params={"about": given["about"], "as_of_seq": "0"})).json()
    assert (shown["standing"]["sources"], len(shown["labels"])) == (0, 1)
    assert (await client.delete(f"/v1/labels/{given['id']}", params={"reason": "wrong"})).json()["withdrawn"] == given["id"]
    again = await client.delete(f"/v1/labels/{given['id']}")
    assert (again.status_code, "already" in again.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("document", "status", "part"),
    [
        ({}, 422, "missing required field"),
        ({"about": "e", "abusive": True, "source": "desk", "colour": 1}, 422, "colour"),
        ({"about": "", "abusive": True, "source": "desk"}, 422, "about"),
        ({"about": "e", "abusive": True, "source": "desk", "confidence": 2}, 422, "confidence"),
        ({"about": "e", "abusive": True, "source": "desk", "expires_at": "2001-01-01T00:00:00Z"}, 422, "expires_at"),
        (b"{", 400, "request body"),
        (b'{"about": ' + b"[" * 20_000, 400, "request body"),
    ],
)
async def test_statements_that_say_nothing(ask: Ask, document: Any, status: int, part: str) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    answer = await ask("").post("/v1/labels", content=content)
    assert (answer.status_code, part in answer.json()["detail"]) == (status, True)


async def test_scopes_and_queries(ask: Ask) -> None:
    assert (await ask().post("/v1/labels", json={"about": "e", "abusive": True, "source": "desk"})).status_code == 401
    assert (await ask().delete("/v1/labels/x")).status_code == 401
    assert (await ask("203.0.113.9").get("/v1/labels", params={"about": "e"})).status_code == 401
    assert (await ask().get("/v1/labels", params={"about": ""})).status_code == 422
    assert (await ask().get("/v1/labels", params={"about": "e", "as_of_seq": "-1"})).status_code == 422


async def test_a_flood_gets_429(ask: Ask) -> None:
    client = ask("")
    answers = [await client.post("/v1/labels", json={"about": "e", "abusive": True, "source": "desk"}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[-1].headers["retry-after"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("COLUMNS", "200")

    def said(*arguments: str) -> tuple[int, str, str]:
        status = run(["--data", str(tmp_path / "data"), "label", *arguments])
        heard = capsys.readouterr()
        return status, heard.out, heard.err

    status, text, _ = said(
        "add", "account:alice", "--abusive", "--kind", "takeover", "--reason", "told by the owner", "--days", "30", "--json"
    )
    assert status == 0
    given = json.loads(text)
    status, text, _ = said("show", "account:alice")
    assert status == 0 and "abusive (score 0.990, 1 sources, 1 labels)" in text and "told by the owner" in text
    assert said("show", "account:alice", "--as-of", "1", "--json")[0] == 0
    assert said("withdraw", given["id"], "--reason", "no")[0] == 0
    assert "nothing conclusive" in said("show", "account:alice")[1]
    for arguments, status, part in (
        (("add", "account:alice"), 2, "--abusive or --benign"),
        (("add", "ip:x", "--benign"), 1, "192.0.2.7"),
        (("add", "e", "--benign", "--confidence", "2"), 2, "confidence"),
        (("withdraw", given["id"]), 1, "already"),
        (("burn", "e"), 2, "add, withdraw or show"),
    ):
        found = said(*arguments)
        assert (found[0], part in found[2]) == (status, True), found
