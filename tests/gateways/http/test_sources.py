"""Sources over HTTP and through the command line, on a real program."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.commands.application import run
from wardline.serving import Doors


def declare(data: Path) -> Path:
    folder = data / "sources"
    folder.mkdir(parents=True)
    (folder / "tor.toml").write_text('kind = "tor"\npath = "tor.txt"\nowner = "Example"\nlicence = "CC0"\n')
    (folder / "tor.txt").write_text("".join(f"198.51.100.{host}\n" for host in range(40)))
    return folder


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    declare(tmp_path / "data")
    made = Program.open(tmp_path / "data", Config(), starter=False)
    yield made
    await made.close()


def client(program: Program, peer: str = "") -> httpx.AsyncClient:
    app: Any = Doors(program).http_app(control=not peer)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 1)), base_url="http://127.0.0.1")


async def test_shown_and_reloaded(program: Program, tmp_path: Path) -> None:
    ask = client(program)
    found = (await ask.get("/v1/sources")).json()
    assert [(source["name"], source["state"], source["entries"]) for source in found["sources"]] == [("tor", "ok", 40)]
    assert (await ask.get("/v1/sources/tor")).json()["licence"] == "CC0"
    assert (await ask.get("/v1/sources/none")).status_code == 404
    (tmp_path / "data" / "sources" / "tor.txt").write_text("198.51.100.1\n")
    answer = (await ask.post("/v1/sources/reload", content=b"{}")).json()
    assert (answer["loaded"], answer["sources"][0]["state"]) == ([], "failing")
    answer = (await ask.post("/v1/sources/reload", json={"accept": ["tor"]})).json()
    assert (answer["loaded"], answer["sources"][0]["entries"]) == (["tor"], 1)
    for wrong, status in ((b"{", 400), (b'{"accept": 5}', 422), (b"[" * 5000, 422)):
        assert (await ask.post("/v1/sources/reload", content=wrong)).status_code == status


async def test_a_peer_may_look_and_not_reload(program: Program) -> None:
    ask = client(program, "127.0.0.1")
    assert (await ask.get("/v1/sources")).status_code == 200
    assert (await ask.post("/v1/sources/reload")).status_code == 401


async def test_metrics(program: Program) -> None:
    ask = client(program)
    assert 'wardline_source_hits_total{source="tor"}' not in (await ask.get("/metrics")).text
    program.sources.ip_facts("198.51.100.7", 1_795_000_000_000_000)
    text = (await ask.get("/metrics")).text
    assert 'wardline_source_hits_total{source="tor"} 1.0' in text
    assert 'wardline_source_failing{source="tor"} 0.0' in text


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("COLUMNS", "200")
    folder = declare(tmp_path / "data")

    def said(*arguments: str) -> tuple[int, str, str]:
        status = run(["--data", str(tmp_path / "data"), "sources", *arguments])
        heard = capsys.readouterr()
        return status, heard.out, heard.err

    assert json.loads(said("list", "--json")[1])["sources"][0]["name"] == "tor"
    assert "CC0" in said("list")[1]
    assert "198.51.100" not in said("show", "tor")[1]
    assert json.loads(said("reload", "--json")[1])["loaded"] == ["tor"]
    status, out, _ = said("check", str(folder / "tor.txt"), "--kind", "tor", "--ask", "198.51.100.7", "--ask", "192.0.2.1", "--json")
    found = json.loads(out)
    assert (status, found["entries"]) == (0, 40)
    assert found["answers"] == {"198.51.100.7": {"ip.tor": True}, "192.0.2.1": {"ip.tor": False}}
    assert said("check", str(folder / "tor.toml"), "--kind", "tor")[0] == 1
    assert "kind" in said("check", str(folder / "tor.txt"), "--kind", "nonsense")[2]
    assert "max_age_days" in said("kinds")[1]
    assert "tor" in json.loads(said("kinds", "--json")[1])
    (folder / "bad.toml").write_text("kind = ")
    assert "not valid TOML" in said("list")[1]
