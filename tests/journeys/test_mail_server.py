"""The whole walk as a newcomer sets it up: `wardline serve` behind a real Postfix, corrected with Debian's rspamc, run with the command line."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest
from journeys.postfix import Postfix
from journeys.server import SECRET, Server

# One Postfix and one program for all of them: in one process when tests run in several.
pytestmark = pytest.mark.xdist_group("mail_server")

GTUBE = (
    b"From: Ada <a@example.com>\r\nTo: b@example.net\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <gtube@example.com>\r\nSubject: test\r\n"
    b"X-Wardline-Verdict: allow\r\nAuthentication-Results: mx.example.net; spf=pass\r\n\r\n"
    b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
)
LETTER = (
    b"From: Ada <a@example.com>\r\nTo: b@example.net\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <letter@example.com>\r\n"
    b"Subject: Minutes of Thursday's meeting\r\n\r\nHello Bea,\r\n\r\nhere are the minutes of our meeting. Could you look at item four?\r\n\r\nAda\r\n"
)


class Program(Server):
    """The running program, with what these journeys ask of it."""

    def run_well(self, *arguments: str) -> str:
        """The output of a command, which must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.decode()

    def api(self, method: str, path: str, document: object = None) -> Any:
        """What the command line does, without the time that a new process takes: one request to the control socket."""
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.data / "control.sock")), base_url="http://control", timeout=60
        ) as client:
            answer = client.request(method, path, json=document) if document is not None else client.request(method, path)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def mode(self, mode: str) -> None:
        """observe, tag or enforce."""
        self.api("PUT", "/v1/mode", {"mode": mode})


@pytest.fixture(scope="module")
def wardline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("wardline"), config='[mail]\nhost_name = "mx.example.net"\n') as running:
        yield running


@pytest.fixture(scope="module")
def postfix(require: Callable[..., Path], wardline: Program) -> Iterator[Postfix]:
    server = Postfix(require("postfix", "postfix", root=True), wardline.milter_port, "accept")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def rspamc(require: Callable[..., Path], wardline: Program, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`rspamc("learn_spam", raw)`: scans go to the scan port, the rest with the secret to the learning port."""
    program, folder = require("rspamc", "rspamd"), tmp_path_factory.mktemp("rspamc")

    def call(verb: str, raw: bytes = b"", *options: str) -> str:
        scans = verb == "symbols"
        where = ["-h", f"127.0.0.1:{wardline.scan_port if scans else wardline.learn_port}", *([] if scans else ["-P", SECRET])]
        (folder / "message.eml").write_bytes(raw)
        files = [str(folder / "message.eml")] if raw else []
        done = subprocess.run([program, *where, *options, verb, *files], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def send(postfix: Postfix, raw: bytes, **envelope: Any) -> Message:
    """Send, and take what arrives from the mailbox."""
    assert postfix.send(raw, **envelope)[0] == 250
    (arrived,) = postfix.take()
    return message_from_bytes(arrived)


def test_observing_delivers_everything_as_it_came(postfix: Postfix, wardline: Program) -> None:
    wardline.mode("observe")
    message = send(postfix, GTUBE)
    assert message.get_all("X-Wardline-Verdict") == ["allow"] and "X-Spam" not in message and "X-Wardline-Id" not in message
    assert message.get_all("Authentication-Results") == ["mx.example.net; spf=pass"]
    found = json.loads(wardline.run_well("explain", "gtube@example.com", "--json").splitlines()[-1])
    assert found["verdict"] in ("junk", "quarantine", "reject")


def test_tagging_marks_and_the_id_explains(postfix: Postfix, wardline: Program) -> None:
    assert "tag" in wardline.run_well("mode", "tag")
    message = send(postfix, GTUBE, client_ip="192.0.2.7")
    assert message.get_all("X-Spam") == ["Yes"] and message.get_all("X-Wardline-Verdict") != ["allow"]
    assert "gtube" in message["X-Wardline-Reasons"]
    assert all("spf=pass" not in value for value in message.get_all("Authentication-Results", []))
    decision_id = message["X-Wardline-Id"].partition(";")[0]
    explained = json.loads(wardline.run_well("explain", decision_id, "--json").splitlines()[-1])
    assert explained["id"] == decision_id and explained["verdict"] == message["X-Wardline-Verdict"]


def test_a_message_that_was_tagged_is_learned_and_counts_once(postfix: Postfix, wardline: Program, rspamc: Any) -> None:
    wardline.mode("tag")
    assert postfix.send(LETTER)[0] == 250
    (arrived,) = postfix.take()
    before = score(rspamc("symbols", LETTER))
    assert "success = true" in rspamc("learn_spam", arrived)
    assert "already = true" in rspamc("learn_spam", arrived)
    spoiled = score(rspamc("symbols", LETTER))
    assert spoiled > before
    assert "success = true" in rspamc("learn_ham", arrived)  # the other label replaces it
    assert score(rspamc("symbols", LETTER)) < spoiled
    stat = rspamc("stat")
    assert "Messages scanned: 0" not in stat and "WARDLINE_SPAM" in stat


def score(output: str) -> float:
    """The score that rspamc printed."""
    (line,) = (line for line in output.splitlines() if line.startswith("Score: "))
    return float(line.removeprefix("Score: ").partition(" ")[0])


def test_a_blocked_client_is_refused_and_the_text_tells_nothing(postfix: Postfix, wardline: Program) -> None:
    wardline.mode("enforce")
    wardline.run_well("list", "block", "add", "192.0.2.66", "--reason", "a test", "--owner", "tests")
    code, text = postfix.send(LETTER, client_ip="192.0.2.66")
    assert code == 550 and text.startswith("5.7.1 ") and "block" not in text.lower() and "192.0.2.66" not in text
    assert postfix.queued() == []
    decision_id = text.rpartition(" ")[2].strip("()")
    assert wardline.api("GET", f"/v1/decisions/{decision_id}")["verdict"] == "reject"
    wardline.run_well("pause")
    assert "X-Spam" not in send(postfix, LETTER, client_ip="192.0.2.66")
    wardline.run_well("pause", "--off")
    assert postfix.send(LETTER, client_ip="192.0.2.66")[0] == 550


def test_a_power_cut_loses_no_decision_and_stops_no_mail(postfix: Postfix, wardline: Program) -> None:
    wardline.mode("tag")
    decision_id = send(postfix, GTUBE)["X-Wardline-Id"].partition(";")[0]
    wardline.stop(signal.SIGKILL)
    assert "X-Wardline-Id" not in send(postfix, LETTER)  # milter_default_action = accept
    wardline.start()
    assert wardline.api("GET", f"/v1/decisions/{decision_id}")["id"] == decision_id
    assert "X-Wardline-Id" in send(postfix, LETTER)


def test_a_held_message_is_shown_and_released_by_its_id(postfix: Postfix, wardline: Program) -> None:
    """A policy that holds what the shipped one files or refuses, and a release command for this Postfix."""
    policy = wardline.data.parent / "policy.yaml"
    shipped = resources.files("wardline.domains.mail").joinpath("policy.yaml").read_text("utf-8")
    policy.write_text(shipped.replace("verdict: junk", "verdict: quarantine").replace("verdict: reject", "verdict: quarantine"))
    release = json.dumps([*postfix.release_command(), "{queue_id}"])
    wardline.stop()
    with wardline.config.open("a") as config:
        config.write(f'policy = "{policy}"\nrelease_command = {release}\n')
    wardline.start()
    wardline.mode("enforce")
    code, text = postfix.send(GTUBE)
    ((queue, queue_id),) = postfix.queued()
    assert code == 250 and queue == "hold" and queue_id in text
    (held,) = json.loads(wardline.run_well("held", "list", "--json").splitlines()[-1])["held"]
    assert held["queue_id"] == queue_id
    wardline.run_well("held", "release", held["id"])
    postfix.flush()
    (arrived,) = postfix.take()
    message = message_from_bytes(arrived)
    assert message["X-Wardline-Id"].startswith(held["id"]) and message["X-Wardline-Verdict"] == "quarantine" and "X-Spam" not in message
    assert json.loads(wardline.run_well("held", "list", "--json").splitlines()[-1])["held"] == []


def test_it_ends_cleanly_and_wrote_nobody_down(wardline: Program) -> None:
    assert wardline.stop() == 0
    log = wardline.log.read_text("utf-8", "replace")
    assert not any(text in log for text in ("example.com", "example.net", "192.0.2", "Ada", "Minutes", "Traceback"))
