"""The whole program from outside: a real server, its HTTP door, its command line, and what a restart keeps."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journeys.server import SECRET, Server

LEARN = {"authorization": f"Bearer {SECRET}"}


def message(number: int, *, spam: bool) -> bytes:
    words = "cheap pills order now unbelievable discount pharmacy" if spam else "minutes of the meeting agenda project schedule review"
    return (
        f"From: Sender {number} <s{number}@example.com>\r\nTo: b@example.net\r\nSubject: {words.split()[number % 5]} {number}\r\n"
        f"Date: Sat, 21 Nov 2026 10:00:{number % 60:02d} +0000\r\nMessage-ID: <{number}.{spam}@example.com>\r\n\r\n"
        f"{words} {number}\r\n{words[::-1]}\r\n"
    ).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("program"), config='[mail]\nlocal_domains = ["example.net"]\n') as running:
        yield running


def check(server: Server, raw: bytes, **query: Any) -> dict[str, Any]:
    answer = server.http.post("/v1/mail/check", content=raw, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_learning_turns_verdicts_and_unlearning_turns_them_back(server: Server) -> None:
    for number in range(24):
        for spam in (True, False):
            label = "spam" if spam else "ham"
            answer = server.http.post("/v1/mail/learn", params={"label": label}, content=message(number, spam=spam), headers=LEARN)
            assert answer.status_code == 200, answer.text
    assert check(server, message(100, spam=True))["verdict"] == "junk"
    assert check(server, message(101, spam=False))["verdict"] == "allow"
    again = server.http.post("/v1/mail/learn", params={"label": "spam"}, content=message(3, spam=True), headers=LEARN).json()
    assert again["already"] and not again["learned"]
    for number in range(24):
        for spam in (True, False):
            assert server.http.post("/v1/mail/unlearn", content=message(number, spam=spam), headers=LEARN).status_code == 200
    assert server.http.post("/v1/mail/unlearn", content=message(1, spam=True), headers=LEARN).json()["learned"] is False
    score = check(server, message(102, spam=True))["score"]
    assert score == check(server, message(102, spam=True).replace(b"102", b"103"))["score"]


def test_what_the_model_taught_itself_can_be_discarded(server: Server) -> None:
    done = server.run("discard", "co-training", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["layer"] == "co-training"
    assert server.run("discard", "everything").returncode == 1


def test_learning_needs_the_secret(server: Server) -> None:
    answer = server.http.post("/v1/mail/learn", params={"label": "spam"}, content=message(1, spam=True))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    wrong = server.http.post("/v1/mail/learn", params={"label": "spam"}, content=b"x", headers={"authorization": "Bearer wl_00000000_no"})
    assert wrong.status_code == 401


def test_explain_by_id_queue_message_id_and_recipient(server: Server) -> None:
    answer = check(
        server, message(200, spam=False), queue_id="4XyZ12", rcpt="where@example.net", client_ip="192.0.2.9", mail_from="s@example.com"
    )
    found = server.http.get(f"/v1/decisions/{answer['id']}").json()
    assert found["verdict"] == answer["verdict"]
    assert {item["name"] for item in found["detectors"]} >= {"text", "url", "gtube"}
    assert found["flips"] and found["lines"]
    for what in ("4XyZ12", "200.False@example.com"):
        shown = server.run("explain", what)
        assert shown.returncode == 0, shown.stderr
        assert answer["id"].encode() in shown.stdout
    shown = server.run("explain", "--to", "where@example.net", "--json")
    assert json.loads(shown.stdout)["id"] == answer["id"]
    assert server.run("explain", "nothing-has-this-id").returncode == 1


def test_a_repeated_key_gets_the_first_answer(server: Server) -> None:
    first = server.http.post("/v1/mail/check", content=message(300, spam=False), headers={"idempotency-key": "abc"}).json()
    second = server.http.post("/v1/mail/check", content=message(301, spam=True), headers={"idempotency-key": "abc"}).json()
    assert (first["id"], first["score"]) == (second["id"], second["score"])


def test_check_on_the_command_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(message(1, spam=False))
    shown = server.run("check", "--json", str(tmp_path / "one.eml"), "-", stdin=message(2, spam=True))
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [set(line) >= {"id", "verdict", "score", "reasons", "policy", "model", "ms"} for line in lines] == [True, True]


def test_mode_pause_and_lists(server: Server) -> None:
    gtube = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    raw = b"From: a@example.com\r\nSubject: test\r\n\r\n" + gtube + b"\r\n"
    assert check(server, raw)["action"] == "accept"
    assert server.run("mode", "enforce").stdout.strip() == b"enforce"
    assert check(server, raw)["action"] in ("reject", "junk")
    assert server.run("pause").returncode == 0
    assert check(server, raw)["action"] == "accept"
    assert server.run("pause", "--off").returncode == 0
    added = server.run("list", "block", "add", "203.0.113.0/24", "--owner", "ada", "--reason", "a wave", "--json")
    assert added.returncode == 0, added.stderr
    assert check(server, message(400, spam=False), client_ip="203.0.113.7")["verdict"] == "reject"
    assert check(server, message(400, spam=False), client_ip="198.51.100.7")["verdict"] != "reject"
    # A bare From proves nothing: an allow entry for its domain does not help it.
    assert server.run("list", "allow", "add", "example.com", "--owner", "ada", "--reason", "a partner").returncode == 0
    assert check(server, raw)["verdict"] != "allow"
    assert b"203.0.113.0/24" in server.run("list", "block", "show").stdout
    assert server.run("list", "block", "remove", "203.0.113.0/24").returncode == 0
    assert check(server, message(400, spam=False), client_ip="203.0.113.7")["verdict"] != "reject"
    assert server.run("mode", "observe").returncode == 0
    audit = server.run("audit").stdout
    assert audit.index(b"observe") < audit.index(b"enforce")


def test_keys_are_shown_once_and_can_be_withdrawn(server: Server) -> None:
    made = json.loads(server.run("key", "add", "admin console", "--scope", "admin", "--json").stdout)
    header = {"authorization": f"Bearer {made['token']}"}
    assert server.http.get("/v1/keys").status_code == 401
    assert server.http.get("/v1/keys", headers=header).json()["keys"][0]["id"] == made["id"]
    assert made["token"].encode() not in b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    assert server.run("key", "remove", made["id"]).returncode == 0
    assert server.http.get("/v1/keys", headers=header).status_code == 401


def test_the_decision_door(server: Server) -> None:
    event = {
        "id": "01TESTENVELOPE",
        "type": "mail.envelope",
        "occurred_at": "2026-01-01T00:00:00Z",
        "entities": {"ip": "192.0.2.77"},
        "fields": {"mail_from": "a@example.com", "rcpt": "b@example.net"},
    }
    first = server.http.post("/v1/decide", json=event).json()
    assert set(first) >= {"id", "verdict", "score", "obligations", "reasons", "policy", "model", "ms"}
    assert server.http.post("/v1/decide", json=event).json()["id"] == first["id"]
    other = {
        "id": "o1",
        "type": "login.outcome",
        "occurred_at": "2026-01-01T00:00:00Z",
        "entities": {"account": "ann"},
        "fields": {"result": "success"},
    }
    lines = "\n".join(json.dumps(line) for line in (event | {"id": "e2"}, other, {"id": "broken"}))
    answers = [json.loads(line) for line in server.http.post("/v1/decide/batch", content=lines).text.splitlines()]
    assert answers[0]["verdict"] == "allow"
    assert answers[1] == {"id": "o1", "accepted": True}
    assert answers[2]["status"] == 422 and answers[2]["line"] == 3
    assert server.http.post("/v1/events", content=json.dumps(other)).json() == {"accepted": 1}


def test_health_metrics_pages_and_description(server: Server) -> None:
    assert server.http.get("/healthz").json() == {"status": "ok"}
    check(server, message(650, spam=True), rcpt="b@example.net")
    metrics = server.http.get("/metrics").text
    assert 'wardline_decisions_total{point="mail.in"' in metrics
    assert "example.net" not in metrics
    front = server.http.get("/")
    assert "default-src 'none'" in front.headers["content-security-policy"]
    assert "<script" not in front.text
    assert "not delivered" in server.http.get("/stopped", params={"id": "01ABC"}).text
    assert "<b>" not in server.http.get("/stopped", params={"id": "<b>"}).text
    described = server.http.get("/openapi.json").json()
    assert "/v1/decide" in described["paths"]
    assert described["paths"]["/v1/mail/check"]["post"]["security"]


def test_backup_restore_and_replay(server: Server, tmp_path: Path) -> None:
    kept = check(server, message(500, spam=True))
    assert server.run("backup", str(tmp_path / "backup")).returncode == 0
    restored = Server(tmp_path, config='[mail]\nlocal_domains = ["example.net"]\n')
    done = restored.run("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    with restored:
        assert restored.http.get(f"/v1/decisions/{kept['id']}").json()["score"] == kept["score"]
        report = json.loads(restored.run("replay", "--json").stdout)
        assert report["replayed"] > 0
        assert report["different"] == 0, report
    broken = restored.run("replay", "--corrupt", "0", "--json")
    assert broken.returncode == 3
    assert json.loads(broken.stdout)["different"] >= 1
    again = restored.run("restore", str(tmp_path / "backup"))
    assert again.returncode == 1


def test_a_crash_loses_no_answer_and_no_state(tmp_path: Path) -> None:
    first = Server(tmp_path)
    first.start()
    ids = []
    for number in range(12):
        server_answer = check(first, message(number, spam=bool(number % 2)))
        ids.append(server_answer["id"])
        first.http.post(
            "/v1/mail/learn",
            params={"label": "spam" if number % 2 else "ham"},
            content=message(number, spam=bool(number % 2)),
            headers=LEARN,
        )
    probe = check(first, message(50, spam=True))
    first.stop(signal.SIGKILL)
    with first:
        for decision_id in ids:
            assert first.http.get(f"/v1/decisions/{decision_id}").status_code == 200
        assert check(first, message(50, spam=True).replace(b"Message-ID: <50", b"Message-ID: <51"))["score"] != 0.5
        again = first.http.get(f"/v1/decisions/{probe['id']}").json()
        assert again["score"] == probe["score"]
        assert first.http.post("/v1/mail/learn", params={"label": "spam"}, content=message(1, spam=True), headers=LEARN).json()["already"]


def test_forget_leaves_no_trace(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        address = "somebody.unique@example.net"
        answer = check(server, message(1, spam=True), rcpt=address)
        server.http.post("/v1/mail/learn", params={"label": "spam", "user": address}, content=message(1, spam=True), headers=LEARN)
        done = json.loads(server.run("forget", address, "--json").stdout)
        assert done["labels_taken_back"] == 1
        assert done["erased_records"] >= 2
        assert server.http.get(f"/v1/decisions/{answer['id']}").status_code == 404
        assert server.run("explain", "--to", address).returncode == 1
    content = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    for trace in (b"somebody.unique", b"cheap pills", b"unbelievable", answer["id"].encode()):
        assert trace not in content


def test_logs_hold_no_identifiers(server: Server) -> None:
    check(server, message(700, spam=True), rcpt="private@example.net", client_ip="192.0.2.201")
    server.http.post("/v1/decide", content=b"not json private@example.net")
    text = server.log.read_text("utf-8", "replace")
    for trace in ("private@example.net", "192.0.2.201", "s700@example.com", "pills"):
        assert trace not in text
