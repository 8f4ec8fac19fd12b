"""The whole program in front of a database server: set up as the page says, decisions over HTTP, a restart, an outage, a person forgotten.

The server listens on a port of 127.0.0.1, asks for the password, and knows the role that docs/operate/databases.md makes.
"""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import PASSWORD, DatabaseServer
from journeys.server import BUSY_ADDRESS_RULE, SECRET, Server

from wardline.app import Program
from wardline.base.config import load_config
from wardline.commands.application import run as run_command
from wardline.engine.store.journal import Journal


@pytest.fixture
def wardline(database_server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Configured as the page says; the password from a file for one server, from the environment for the other."""
    url = database_server.documented()
    lines = [f'[store]\ndatabase = "{url}"\noutage_bytes = {8 << 20}\n']
    if url.startswith("postgresql"):
        (tmp_path / "database.password").write_text(PASSWORD + "\n")
        lines.append(f'database_password_file = "{tmp_path / "database.password"}"\n')
    else:
        monkeypatch.setenv("WARDLINE_DATABASE_PASSWORD", PASSWORD)
    with Server(tmp_path, config="".join(lines)) as server:
        yield server


def login(id: str) -> dict[str, Any]:
    return {"id": id, "type": "login", "occurred_at": "2026-11-20T10:00:00Z", "entities": {"account": "ann", "ip": "192.0.2.7"}}


def large(id: str) -> dict[str, Any]:
    """An event that takes some 10 KB in the journal."""
    entities = {f"kind_number_{number:020}": f"{id} {number}" for number in range(64)}
    return {"id": id, "type": "invented", "occurred_at": "2026-11-20T10:00:00Z", "entities": entities, "fields": entities}


def decide(server: Server, id: str) -> dict[str, Any]:
    answer = server.http.post("/v1/decide", json=login(id))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    del found["ms"]
    return found


def decide_when_it_can(server: Server, id: str) -> dict[str, Any]:
    for _ in range(1000):
        answer = server.http.post("/v1/decide", json=login(id))
        if answer.status_code == 200:
            break
        assert answer.status_code == 503 and "retry-after" in answer.headers
        time.sleep(0.02)
    return decide(server, id)


Run = Callable[..., Any]


@pytest.fixture
def run(wardline: Server, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, on the server's folder or on another; gives its JSON."""
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("WARDLINE_RESOLVER", "off")

    def command(*arguments: str, data: Path = wardline.data) -> Any:
        capfd.readouterr()
        status = run_command(["--data", str(data), "--config", str(wardline.config), *arguments])
        said = capfd.readouterr()
        assert status == 0, said.err
        return json.loads(said.out) if "--json" in arguments else said.out

    return command


def digests(server: Server) -> list[str]:
    """Of all states, of a program opened on the folder of a server that does not run."""
    program = Program.open(server.data, load_config(server.config), starter=False)
    try:
        return [str(state.digest()) for state in program.shard.states.values()]
    finally:
        program.journal.close()


def test_a_service_on_a_database_server(wardline: Server, run: Run, database_server: DatabaseServer, tmp_path: Path) -> None:
    first = {f"before-{number}": decide(wardline, f"before-{number}") for number in range(20)}
    (tmp_path / "busy.yaml").write_text(BUSY_ADDRESS_RULE)
    run("policy", "put", str(tmp_path / "busy.yaml"), "--json")
    said = {"about": {"account": "ann"}, "abusive": True, "source": "desk"}
    labelled = wardline.http.post("/v1/labels", json=said, headers={"authorization": f"Bearer {SECRET}"})
    assert labelled.status_code == 200, labelled.text
    begun = run("action", "begin", "lock", "account:ann", "--hours", "24", "--reason", "asked for", "--key", "1", "--by", "ada", "--json")

    assert wardline.stop() == 0
    found = digests(wardline)
    shutil.rmtree(wardline.data / "snapshots")
    assert digests(wardline) == found, "rebuilt from the records alone"
    wardline.start()
    for id, answer in first.items():
        assert decide(wardline, id) == answer, "an id that was decided gets its answer again"
    assert [action["id"] for action in run("action", "list", "--json")["actions"]] == [begun["id"]]

    database_server.stop()
    try:
        assert decide(wardline, "during") == decide(wardline, "during")
        taken = 0
        while (answer := wardline.http.post("/v1/events", json=large(f"large-{taken}"))).status_code < 300:
            taken += 1
            assert taken < 4000
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
        assert "the database does not serve" in answer.json()["detail"] and PASSWORD not in answer.text
    finally:
        database_server.start()
    decide_when_it_can(wardline, "afterwards")

    database_server.hang()
    try:
        # A look-up of an id that was decided waits for the server once; new ones go on.
        asked = threading.Thread(target=lambda: wardline.http.post("/v1/decide", json=login("before-1")))
        asked.start()
        assert decide(wardline, "while it hangs")["verdict"]
        asked.join()
        assert wardline.http.post("/v1/decide", json=login("before-2")).status_code == 503
        assert decide(wardline, "still hanging")["verdict"]
    finally:
        database_server.go_on()
    assert decide_when_it_can(wardline, "before-2") == first["before-2"]

    assert run("replay", "--json")["different"] == 0
    kinds = database_server.execute("SELECT COUNT(*) FROM records", database="wardline")[0][0]
    assert run("forget", "account:ann", "--json")["erased_records"] >= 20
    assert database_server.execute("SELECT COUNT(*) FROM records", database="wardline")[0][0] < kinds
    assert wardline.stop() == 0
    ids = {row[0] for row in database_server.execute("SELECT id FROM records WHERE body IS NOT NULL", database="wardline")}
    assert {f"large-{number}".encode() for number in range(taken)} <= {bytes(id) for id in ids}, "everything that was answered is there"
    assert PASSWORD not in wardline.log.read_text("utf-8")

    # A backup and its dump are put back into an empty folder and an empty database, and the journal moves into the folder.
    told = run("backup", str(tmp_path / "copy"))
    assert "records are not" in told and not (tmp_path / "copy" / "journal.db").exists()
    database_server.shell(told.splitlines()[-1])
    database_server.documented()
    told = run("restore", str(tmp_path / "copy"), data=tmp_path / "again")
    database_server.shell(told.splitlines()[-1])
    assert run("migrate", "--json", data=tmp_path / "again") == {"before": 1, "after": 1}
    moved = run("migrate", "--to", "sqlite", "--json", data=tmp_path / "again")
    assert moved["rows"]["records"] == len(ids) + 1 and moved["damaged"] == 0, "the backup is an act of its own"
    with Journal.open(tmp_path / "again") as journal:
        assert {record.id.encode() for record in journal.read()} > {bytes(id) for id in ids}
