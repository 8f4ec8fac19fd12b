"""Actions over HTTP and by the command line, on a real program; and a server that tells a real receiver, is paused, and goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config, ConfigError, Outbound, Outbox, load_config
from wardline.commands.application import run
from wardline.engine.actions.webhook import verify
from wardline.serving import Doors

Ask = Callable[..., httpx.AsyncClient]
SECRET = "a secret of the tests"
ALLOWED = '\n[outbound]\nallowed_hosts = ["hooks.example.com"]\n'
LOCK = {"kind": "lock", "entity": "account:alice", "ttl_seconds": 3600, "reason": "bulk"}


def settings(port: int = 9) -> Config:
    return Config(
        outbox=Outbox(url=f"http://127.0.0.1:{port}/hook", secret=SECRET, per_hour=3),
        outbound=Outbound(allowed_hosts=(f"127.0.0.1:{port}",), allowed_networks=("127.0.0.0/8",), plain_http=True),
    )


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    made = Program.open(tmp_path / "data", settings(), starter=False)
    yield made
    await made.close()


@pytest.fixture
def ask(program: Program) -> Ask:
    """`ask()`: a client of the control socket; `ask("127.0.0.1")`: one of the network door."""

    def client(peer: str = "") -> httpx.AsyncClient:
        app: Any = Doors(program).http_app(control=not peer)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 1)), base_url="http://127.0.0.1")

    return client


async def test_begin_show_undo(ask: Ask, program: Program) -> None:
    begun = (await ask().post("/v1/actions", json=LOCK | {"by": "ada", "key": "case 7"})).json()
    assert (begun["status"], begun["cause"], begun["actor"]) == ("requested", {"kind": "person", "id": "ada"}, "ada")
    assert begun["entity"] == program.pseudonyms.of("account", "alice")
    assert (await ask().post("/v1/actions", json=LOCK | {"by": "ada", "key": "case 7"})).json()["id"] == begun["id"]
    listed = (await ask().get("/v1/actions", params={"entity": "account:alice"})).json()
    assert ([one["id"] for one in listed["actions"]], listed["waiting"], listed["receiver"]) == ([begun["id"]], 1, True)
    assert (await ask().get("/v1/actions", params={"entity": "account:bob"})).json()["actions"] == []
    undone = (await ask().post(f"/v1/actions/{begun['id']}/undo", json={"reason": "the wrong one", "by": "bob"})).json()
    assert (undone["status"], undone["because"]) == ("ending", "undone")
    shown = (await ask().get(f"/v1/actions/{begun['id']}")).json()
    assert [(step["op"], step.get("actor", "")) for step in shown["steps"]] == [("requested", "ada"), ("undone", "bob")]
    acts = (await ask().get("/v1/audit")).json()["acts"]
    assert [(act["op"], act["actor"]) for act in acts][:2] == [("action.undone", "bob"), ("action.requested", "ada")]
    assert "alice" not in json.dumps([begun, listed, shown])


async def test_beyond_the_cap(ask: Ask) -> None:
    for number in range(4):
        begun = (await ask().post("/v1/actions", json=LOCK | {"entity": f"account:{number}", "by": "ada"})).json()
    assert begun["status"] == "held"
    assert (await ask().get("/v1/actions", params={"status": "held"})).json()["held"] == 1
    own = await ask().post(f"/v1/actions/{begun['id']}/approve", json={"by": "ada"})
    assert (own.status_code, "second person" in own.json()["detail"]) == (422, True)
    assert (await ask().post(f"/v1/actions/{begun['id']}/approve", json={"by": "bob"})).json()["status"] == "requested"


@pytest.mark.parametrize(
    ("path", "document", "status", "part"),
    [
        ("/v1/actions", {}, 422, "missing required field"),
        ("/v1/actions", LOCK | {"colour": 1}, 422, "colour"),
        ("/v1/actions", LOCK | {"ttl_seconds": 0}, 422, "every action ends"),
        ("/v1/actions", LOCK | {"entity": "01K"}, 422, "an event is over"),
        ("/v1/actions", LOCK | {"cause": {"kind": "mood", "id": "1"}}, 422, "cause"),
        ("/v1/actions", b"{", 400, "request body"),
        ("/v1/actions/nope/undo", {}, 422, "no action has this id"),
        ("/v1/actions/nope/retry", {}, 422, "no action has this id"),
        ("/v1/actions/nope/burn", {}, 404, "undone, retried"),
    ],
)
async def test_acts_that_cannot_be(ask: Ask, path: str, document: Any, status: int, part: str) -> None:
    answer = await ask().post(path, content=document if isinstance(document, bytes) else json.dumps(document).encode())
    assert (answer.status_code, part in answer.json()["detail"]) == (status, True), answer.text


async def test_the_network_door_needs_the_scope(ask: Ask) -> None:
    assert (await ask("127.0.0.1").get("/v1/actions")).status_code == 401
    assert (await ask("127.0.0.1").post("/v1/actions", json=LOCK)).status_code == 401
    assert (await ask().get("/v1/actions/nope")).status_code == 404
    assert (await ask().get("/v1/actions", params={"entity": "ip:x"})).status_code == 422
    assert (await ask().post("/v1/actions/retry", json={})).json() == {"retried": 0}


async def test_told_paused_and_told_again(tmp_path: Path) -> None:
    """The whole way: an action by the API, the signed message at a real receiver, a pause, its end, metrics."""
    heard: list[tuple[dict[str, str], bytes]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
            heard.append((headers, await reader.readexactly(int(headers["content-length"]))))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def until(count: int) -> None:
        async with asyncio.timeout(30):
            while len(heard) < count or program.ledger.queues:  # noqa: ASYNC110 - a state that tells nobody
                await asyncio.sleep(0.002)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    program = Program.open(tmp_path / "data", settings(server.sockets[0].getsockname()[1]), starter=False)
    outbox = asyncio.create_task(program.outbox.run())
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        begun = (await client.post("/v1/actions", json=LOCK)).json()
        await until(1)
        headers, body = heard[0]
        verify(headers, body, {"1": SECRET.encode()}, now_s=program.clock.now_us() // 1_000_000)
        assert json.loads(body)["action"]["name"] == "alice"
        await client.put("/v1/pause", json={"paused": True})
        await client.post(f"/v1/actions/{begun['id']}/undo", json={})
        assert (await client.get("/v1/actions")).json()["paused"] is True
        await asyncio.sleep(0.05)
        assert len(heard) == 1
        await client.put("/v1/pause", json={"paused": False})
        await until(2)
        assert (await client.get("/v1/actions", params={"status": "undone"})).json()["actions"][0]["id"] == begun["id"]
        metrics = (await client.get("/metrics")).text
        assert 'wardline_outbox_tries_total{result="delivered"} 2.0' in metrics and "wardline_outbox_waiting 0.0" in metrics
    outbox.cancel()
    await asyncio.gather(outbox, return_exceptions=True)
    await program.close()
    server.close()
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.unlink()
    again = Program.open(tmp_path / "data", settings(), starter=False)
    assert again.ledger.digest() == program.ledger.digest()
    await again.close()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"secret": ""}, "missing"),
        ({"secret": "short"}, "too short"),
        ({"secret": "", "secret_file": "/nowhere/secret"}, "cannot be read"),
        ({"url": "http://hooks.example.com/"}, "not https"),
        ({"url": "https://elsewhere.example.com/"}, "outbound.allowed_hosts"),
        ({"url": "https://hooks.example.com:8443/"}, "outbound.allowed_hosts"),
        ({"url": "ftp://hooks.example.com/"}, "write https"),
        ({"url": "https://user:word@hooks.example.com/"}, "without a user"),
        ({"url": "https://hooks.example.com:99999/"}, "cannot be read"),
        ({"url": "hooks"}, "write https"),
    ],
)
def test_configurations_that_tell_nobody(tmp_path: Path, change: dict[str, Any], part: str) -> None:
    given = {"url": "https://hooks.example.com/x", "secret": SECRET} | change
    path = tmp_path / "wardline.toml"
    path.write_text("[outbox]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in given.items()) + ALLOWED)
    with pytest.raises(ConfigError, match=part):
        load_config(path, {})


def test_the_secret_from_a_file_or_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    path = tmp_path / "wardline.toml"
    path.write_text(f'[outbox]\nurl = "https://hooks.example.com/x"\nsecret_file = "{secret}"\n{ALLOWED}')
    assert load_config(path, {}).outbox.secret == ""
    assert load_config(path, {"WARDLINE_OUTBOX_SECRET": SECRET}).outbox.secret == SECRET


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("COLUMNS", "200")

    def said(*arguments: str) -> tuple[int, str, str]:
        status = run(["--data", str(tmp_path / "data"), "action", *arguments])
        heard = capsys.readouterr()
        return status, heard.out, heard.err

    status, text, _ = said("begin", "lock", "account:alice", "--hours", "2", "--reason", "bulk", "--by", "ada", "--json")
    assert status == 0
    begun = json.loads(text)
    status, text, _ = said("list")
    assert status == 0 and begun["id"] in text and "1 messages wait" in text and "no receiver is configured" in text
    assert said("undo", begun["id"], "--by", "ada")[1] == "it ends: ending\n"
    assert "undone" in said("show", begun["id"])[1]
    assert said("list", "--json")[0] == 0 and said("show", begun["id"], "--json")[0] == 0
    assert said("retry")[1] == "0 on their way again\n"
    for arguments, status, part in (
        (("begin", "lock"), 2, "on whom"),
        (("begin", "lock", "account:a", "--hours", "0"), 2, "--hours: above 0"),
        (("undo",), 2, "give the id"),
        (("undo", "nope"), 1, "no action has this id"),
        (("approve", begun["id"]), 1, "only what is held"),
        (("burn",), 2, "the first word"),
    ):
        found = said(*arguments)
        assert (found[0], part in found[2]) == (status, True), found
