"""Events from outside: a real server, its decision door, the client, the guard, the importer, and a rule's whole life by command."""

import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from journeys.server import BUSY_ADDRESS_RULE, Server

from wardline.client import Accepted, Answer, AsyncClient, Client, event
from wardline.client.asgi import Guard, Route
from wardline.client.asking import FAIL_POLICY, AskError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = "[decisions]\nshadow_decisions = 2\ncanary_decisions = 2\n"
    with Server(tmp_path_factory.mktemp("door"), config=config) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(str(server.http.base_url)) as found:
        yield found


def attempt(number: int, account: str, ip: str, **fields: Any) -> Any:
    at = datetime.now(UTC) - timedelta(minutes=5) + timedelta(seconds=number)
    return event("login", id=f"{account}-{number}", entities={"account": account, "ip": ip}, occurred_at=at, fields=fields)


def outcome(number: int, account: str, ip: str, result: str) -> Any:
    at = datetime.now(UTC) - timedelta(minutes=5) + timedelta(seconds=number)
    return event(
        "login.outcome", id=f"{account}-{number}-o", entities={"account": account, "ip": ip}, occurred_at=at, fields={"result": result}
    )


def test_the_client_gets_decisions_in_order(client: Client) -> None:
    history = []
    for number in range(12):
        history += [attempt(number, "victim", "192.0.2.10"), outcome(number, "victim", "192.0.2.10", "wrong_password")]
    said = list(client.decide_many(history))
    assert all(isinstance(each, Answer) for each in said[::2]) and all(isinstance(each, Accepted) for each in said[1::2])
    assert [each.verdict for each in said[::2] if isinstance(each, Answer)] == ["allow"] * 10 + ["limit"] * 2
    # A repeated history is answered the same and counted once.
    again = list(client.decide_many(history))
    assert [each.verdict for each in again[::2] if isinstance(each, Answer)] == ["allow"] * 10 + ["limit"] * 2
    assert client.decide(attempt(13, "victim", "198.51.100.4")).obligations


def test_a_refused_line_is_told_and_the_others_go_on(client: Client) -> None:
    said = list(client.decide_many([attempt(1, "one", "192.0.2.20"), attempt(2, "one", "not an address"), attempt(3, "one", "192.0.2.20")]))
    assert isinstance(said[1], AskError) and "entities.ip" in said[1].detail
    assert isinstance(said[0], Answer) and isinstance(said[2], Answer)
    with pytest.raises(AskError, match=r"entities\.ip"):
        client.decide(attempt(4, "one", "256.1.1.1"))


def test_what_a_session_does_is_decided_where_it_is_asked_and_recorded_where_it_is_told(client: Client) -> None:
    def act(id: str) -> Any:
        return event("session", id=id, entities={"account": "anna"}, fields={"action": "export"})

    assert client.decide(act("asked")).policy == "session@2"
    told, asked = client.decide_many([act("told"), act("asked")])
    assert told == Accepted("told") and asked == Accepted("asked")
    with pytest.raises(AskError, match="recorded before"):
        client.decide(act("told"))


def test_nobody_answers_and_the_stated_verdict_counts() -> None:
    with Client("http://127.0.0.1:9", deadline_seconds=0.3, fail_verdict="challenge") as lost:
        answer = lost.decide(attempt(1, "one", "192.0.2.20"))
    assert (answer.verdict, answer.policy) == ("challenge", FAIL_POLICY)


def test_a_history_is_noted(client: Client) -> None:
    assert client.note(outcome(number, "noted", "192.0.2.30", "success") for number in range(5)) == 5


async def test_the_guard_asks_before_the_route_runs(server: Server) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope.get("wardline"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async with AsyncClient(str(server.http.base_url)) as wardline:
        who = {"account": "guarded"}
        routes = [
            Route("POST", "/login", "login", lambda scope: who),
            Route("POST", "/forward", "session", lambda scope: who, {"action": "forward_rule"}),
        ]
        guarded = Guard(app, wardline, routes, device_cookie="device")
        transport = httpx.ASGITransport(app=guarded, client=("192.0.2.40", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as browser:
            assert (await browser.post("/login", headers={"cookie": "device=d1"})).text == "in"
            assert (await browser.get("/")).text == "in"
            assert (await browser.post("/forward")).text == "in"
        assert seen[0].verdict == "allow" and seen[1] is None and seen[2].policy == "session@2"
        await wardline.note(outcome(number, f"g{number}", "192.0.2.40", "wrong_password") for number in range(12))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as browser:
            stopped = await browser.post("/login")
        assert stopped.status_code == 403 and "not possible right now" in stopped.text


async def test_the_guard_lets_people_in_when_nobody_answers() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async with AsyncClient("http://127.0.0.1:9", deadline_seconds=0.2) as lost:
        transport = httpx.ASGITransport(app=Guard(app, lost, [Route("POST", "/login", "login")]))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as browser:
            assert (await browser.post("/login")).text == "in"


def test_a_history_is_imported_and_importing_it_again_changes_nothing(server: Server, tmp_path: Path) -> None:
    lines = []
    for number in range(4):
        at = f"2026-11-20T10:00:{number:02d}Z"
        lines.append({"id": f"i{number}", "type": "login", "occurred_at": at, "entities": {"account": "imported", "ip": "192.0.2.50"}})
        lines.append(
            {
                "id": f"i{number}-o",
                "type": "login.outcome",
                "occurred_at": at,
                "entities": {"account": "imported"},
                "fields": {"result": "success"},
            }
        )
    file, out = tmp_path / "events.ndjson.gz", tmp_path / "answers.ndjson"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    for _ in range(2):
        done = server.run("import", str(file), "--decide", "--out", str(out), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"lines": 8, "decided": {"allow": 4}, "accepted": 4, "refused": 0, "errors": []}
    assert len(out.read_bytes().splitlines()) == 8


def test_a_table_is_imported_by_its_map_and_bad_rows_are_named(server: Server, tmp_path: Path) -> None:
    table, mapped = tmp_path / "logins.csv", tmp_path / "map.toml"
    table.write_text(
        "n,when,user,ip,ok\n1,2026-11-20 10:00:00,ann,192.0.2.60,True\n2,yesterday,ann,192.0.2.60,False\n3,2026-11-20 10:00:02,ann,999,True\n"
    )
    mapped.write_text(
        '[[event]]\ntype = "login"\nid = {column = "n", prefix = "t-"}\noccurred_at = {column = "when", format = "%Y-%m-%d %H:%M:%S"}\n'
        'entities = {account = "user", ip = "ip"}\n'
    )
    done = server.run("import", str(table), "--map", str(mapped), "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert (said["lines"], said["accepted"], said["refused"]) == (3, 1, 2)
    assert any("line 3" in error and "yesterday" in error for error in said["errors"]) and any(
        "entities.ip" in error for error in said["errors"]
    )


def test_a_rule_goes_out_by_command_and_comes_back(server: Server, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "busy_address.yaml"
    file.write_text(BUSY_ADDRESS_RULE)
    assert server.run("policy", "check", str(file)).returncode == 0
    assert b"2 cases" in server.run("policy", "test", str(tmp_path)).stdout
    early = server.run("policy", "shadow", str(file))
    assert early.returncode == 1 and b"backtest" in early.stderr
    client.decide(attempt(8, "busy-past", "192.0.2.92"))  # a past to look at, also where this test runs first or alone
    tested = json.loads(server.run("policy", "backtest", str(file), "--json").stdout)
    assert tested["rule"] == "busy_address@1" and tested["report"]["events"] > 0
    assert "login" in server.run("policy", "backtest", "busy_address").stdout.decode()
    assert server.run("policy", "diff", str(tmp_path)).returncode == 0
    shown = json.loads(server.run("policy", "list", "--json").stdout)["rules"]
    assert [(rule["id"], rule["stage"]) for rule in shown] == [("busy_address@1", "backtested")]
    assert server.run("policy", "shadow", "busy_address").returncode == 0
    client.note(outcome(number, f"busy{number}", "192.0.2.90", "success") for number in range(4))
    watched = [client.decide(attempt(number, "busy-a", "192.0.2.90")) for number in range(3)]
    assert {answer.verdict for answer in watched} == {"allow"}
    assert server.run("policy", "canary", "busy_address", "--share", "0.5").returncode == 0
    for number in range(3):
        client.decide(attempt(number, f"busy-b{number}", "192.0.2.91"))
    asked = server.run("policy", "promote", "busy_address", "--as", "ada", "--json")
    if json.loads(asked.stdout)["stage"] != "live":  # it matched two percent and more: a second person is asked for
        assert server.run("policy", "promote", "busy_address", "--as", "bob").returncode == 0
    acted = client.decide(attempt(9, "busy-c", "192.0.2.90"))
    assert acted.verdict == "challenge" and "attempts ended at this address within a day" in acted.reasons[0].text
    assert server.run("policy", "rollback", "busy_address", "--reason", "a school").returncode == 0
    assert client.decide(attempt(10, "busy-c", "192.0.2.90")).verdict == "allow"
    file.write_text(BUSY_ADDRESS_RULE.replace(">= 3", ">= 4").replace("outcomes_ip_24h: 3", "outcomes_ip_24h: 4"))
    changed = server.run("policy", "diff", str(tmp_path))
    assert changed.returncode == 1 and b"differs" in changed.stdout
    wrong = server.run("policy", "check", str(tmp_path / "nothing.yaml"))
    assert wrong.returncode == 2 and b"cannot be read" in wrong.stderr
    assert server.run("policy", "promote", "busy_address").returncode == 1
    assert server.run("policy", "rollback", "no_such_rule").returncode == 1
    assert b"busy_address@1" in server.run("policy", "explain", "busy_address").stdout


def test_many_clients_at_once_decide_each_event_once(server: Server) -> None:
    answers: list[Answer] = []

    def ask() -> None:
        with Client(str(server.http.base_url)) as one:
            for number in range(20):
                answers.append(one.decide(event("signup", id=f"race-{number}", entities={"ip": f"192.0.2.{100 + number}"})))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 80 and all(answer.verdict == "allow" for answer in answers)
