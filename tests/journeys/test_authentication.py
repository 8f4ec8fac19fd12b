"""Mail authentication from outside: a real server, a real resolver on 127.0.0.1 that also lies and keeps silent, and decisions that replay without it."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from journeys.server import SECRET, Server

from tests.dnsserver import DnsServer
from tests.mailkeys import MESSAGE, Signer, key_record, rsa_key

SIGNER = Signer(rsa_key(2048))
KEY = key_record(rsa_key(2048)).decode()
RECORDS = {
    "TXT example.com": ['"v=spf1 ip4:192.0.2.0/24 -all"'],
    "TXT _dmarc.example.com": ['"v=DMARC1; p=reject"'],
    "TXT sel._domainkey.example.com": [f'"{KEY[:200]}" "{KEY[200:]}"'],
}
BEHAVIOUR = {"slow.example": "silent", "_dmarc.slow.example": "silent", "lies.example": "wrong_id", "_dmarc.lies.example": "garbage"}


class Resolver:
    """The DNS server of the tests in a thread of its own, for a program that is another process."""

    def __enter__(self) -> "Resolver":
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        async with DnsServer(RECORDS, BEHAVIOUR) as server:
            self.address = server.address
            self._ready.set()
            await self._end.wait()


class AskingServer(Server):
    """A `wardline serve` with a resolver."""

    resolver = "off"

    def _environment(self) -> dict[str, str]:  # type: ignore[override]
        return {**os.environ, "WARDLINE_LEARN_SECRET": SECRET, "WARDLINE_RESOLVER": self.resolver, "COLUMNS": "200"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskingServer]:
    with Resolver() as resolver:
        made = AskingServer(
            tmp_path_factory.mktemp("authentication"), config='[mail]\ndns_timeout_ms = 800\nhost_name = "mx.example.net"\n'
        )
        made.resolver = resolver.address
        with made as running:
            yield running


def decide(server: Server, raw: bytes, ip: str, mail_from: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and the values that were judged."""
    query = {"client_ip": ip, "mail_from": mail_from, "helo": "mx.example.org", "rcpt": "b@example.net"}
    answer = server.http.post("/v1/mail/check", content=raw, params=query)
    assert answer.status_code == 200, answer.text
    explained = server.http.get(f"/v1/decisions/{answer.json()['id']}", headers={"authorization": f"Bearer {SECRET}"})
    assert explained.status_code == 200, explained.text
    return answer.json(), values_of(explained.json())


def values_of(explanation: Any) -> dict[str, Any]:
    """The "auth.*" values, wherever the explanation holds them."""
    found: dict[str, Any] = {}
    if isinstance(explanation, dict):
        if str(explanation.get("name", "")).startswith("auth.") and "value" in explanation:
            found[explanation["name"]] = explanation["value"]
        for name, value in explanation.items():
            if str(name).startswith("auth."):
                found[name] = value
            else:
                found.update(values_of(value))
    elif isinstance(explanation, list):
        for member in explanation:
            found.update(values_of(member))
    return found


def reasons(answer: dict[str, Any]) -> str:
    return " ".join(reason["text"] for reason in answer["reasons"])


def test_a_sender_that_proves_itself(server: AskingServer) -> None:
    answer, values = decide(server, SIGNER.sign(MESSAGE), "192.0.2.7", "bounce@example.com")
    assert (values["auth.spf"], values["auth.dkim"], values["auth.dmarc"], values["auth.aligned"]) == ("pass", "pass", "pass", True)
    assert "DMARC pass" in reasons(answer)


def test_a_forgery(server: AskingServer) -> None:
    answer, values = decide(server, MESSAGE, "203.0.113.9", "x@example.org")
    assert (values["auth.dmarc"], values["auth.dmarc_policy"]) == ("fail", "reject")
    assert "fails DMARC" in reasons(answer)


@pytest.mark.parametrize("domain", ["slow.example", "lies.example"])
def test_a_dns_that_does_not_answer_gives_no_opinion(server: AskingServer, domain: str) -> None:
    raw = MESSAGE.replace(b"alice@example.com", b"alice@" + domain.encode())
    answer, values = decide(server, raw, "203.0.113.9", f"x@{domain}")
    assert (values["auth.spf"], values["auth.dmarc"], values["auth.unknown"]) == (None, None, ["spf", "dmarc"])
    assert all(reason["detector"] != "authentication" for reason in answer["reasons"])


def test_the_decisions_replay_without_the_dns(server: AskingServer) -> None:
    decide(server, SIGNER.sign(MESSAGE), "192.0.2.8", "bounce@example.com")
    done = server.run("replay", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["replayed"] >= 1
    assert report["different"] == 0
