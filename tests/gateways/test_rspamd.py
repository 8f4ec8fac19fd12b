"""The rspamd doors behind a real HTTP server: what every verdict becomes, who may learn, whom they believe, and what bad clients get."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import uvicorn

from wardline.domains.mail.identity import verify_id
from wardline.gateways.rspamd import LearnSecret, RspamdController, RspamdScan, RspamdSettings

KEY = b"k" * 32
MESSAGE = b"X-Spam: No\r\nFrom: a@example.com\r\nX-Wardline-Verdict: allow\r\nMessage-ID: <1@example.com>\r\nSubject: hi\r\n\r\nHello.\r\n"
HEADERS = {
    "User": "fred",
    "IP": "192.0.2.5",
    "From": "a@example.com",
    "Rcpt": "b@example.net",
    "Helo": "h.example",
    "Hostname": "n.example",
    "Queue-Id": "4Xyz",
}
SECRET = {"Password": "a long and random secret"}


class Stand:
    """Both doors, served as in the program."""

    def __init__(self, door: Any) -> None:
        self.door = door
        self.counted: list[str] = []
        self.scan_port = self.learn_port = 0
        self._running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def start(self, **settings: Any) -> None:
        given = {
            "trusted_peers": ("127.0.0.0/8",),
            "secrets": (LearnSecret.of("other", "x"), LearnSecret.of("tests", SECRET["Password"])),
            **settings,
        }
        made = RspamdSettings(**given)
        self.scan = RspamdScan(self.door, made, key=KEY, count=self.counted.append)
        self.scan_port = await self._serve(self.scan)
        self.learn_port = await self._serve(RspamdController(self.door, made, key=KEY, count=self.counted.append))

    async def _serve(self, app: Any) -> int:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", http="httptools", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        self._running.append((server, task))
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110 - the server offers no event
                await asyncio.sleep(0.01)
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        for server, task in self._running:
            server.should_exit = True
            await task

    async def post(self, path: str, body: bytes = MESSAGE, *, learn: bool = False, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=60) as client:
            port = self.learn_port if learn else self.scan_port
            return await client.post(f"http://127.0.0.1:{port}{path}", content=body, headers=headers)

    async def raw(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.scan_port)
        writer.write(data)
        return reader, writer

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - the server has no reason to announce this
                await asyncio.sleep(0.01)


@pytest.fixture
async def stand(door: Any) -> AsyncIterator[Stand]:
    made = Stand(door)
    yield made
    await made.stop()
    assert made.scan.budget.free_bytes == made.scan.settings.memory_bytes


async def test_a_scan(stand: Stand) -> None:
    stand.door.set(recipients={"b@example.net": "junk"})
    await stand.start()
    response = await stand.post("/checkv2", **HEADERS)
    answer = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert answer["score"] == 6.0 + (3.58 - 2.2) and answer["required_score"] == 6.0 and answer["action"] == "add header"
    assert answer["is_skipped"] is False and answer["message-id"] == "1@example.com" and answer["messages"] == {}
    assert answer["symbols"]["WARDLINE_TEXT"]["description"] == "The words are those of known spam."
    assert answer["symbols"]["WARDLINE_JUNK"]["options"] == ["01TESTID"]
    assert answer["milter"]["remove_headers"] == {"X-Wardline-Verdict": 1, "X-Spam": 1}
    added = answer["milter"]["add_headers"]
    assert added["X-Spam"]["value"] == "Yes" and verify_id(added["X-Wardline-Id"]["value"], KEY) == "01TESTID"
    ((raw, envelope, source),) = stand.door.asked
    assert raw == MESSAGE and source == "rspamd"
    assert (envelope.client_ip, envelope.mail_from, envelope.recipients, envelope.helo) == (
        "192.0.2.5",
        "a@example.com",
        ("b@example.net",),
        "h.example",
    )
    assert (envelope.authenticated_user, envelope.client_name, envelope.queue_id) == ("fred", "n.example", "4Xyz")


async def test_strangers_are_not_believed(stand: Stand) -> None:
    await stand.start(trusted_peers=("192.0.2.0/24",))
    assert (await stand.post("/checkv2", **HEADERS)).status_code == 200
    envelope = stand.door.asked[0][1]
    assert envelope == type(envelope)()
    assert (await stand.post("/learnspam", learn=True, **HEADERS, **SECRET)).status_code == 200
    assert stand.door.learned == [(MESSAGE, True, "", "rspamd:tests", None)]


@pytest.mark.parametrize(
    ("action", "expected", "text"),
    [
        ("accept", "no action", None),
        ("tag", "no action", None),
        ("junk", "add header", None),
        ("quarantine", "add header", None),
        ("tempfail", "soft reject", "Message not accepted for now, please try again later. Reference 01TESTID"),
        ("reject", "reject", "Message refused as unwanted. Reference 01TESTID"),
    ],
)
async def test_actions(stand: Stand, action: str, expected: str, text: str | None) -> None:
    stand.door.set(action=action, mode="enforce")
    await stand.start()
    answer = (await stand.post("/checkv2")).json()
    assert answer["action"] == expected and answer["messages"].get("smtp_message") == text
    stand.door.set(mode="observe")
    observed = (await stand.post("/checkv2")).json()
    assert (
        observed["action"] == "no action"
        and observed["messages"] == {}
        and "milter" not in observed
        and observed["score"] == answer["score"]
    )


async def test_the_older_paths_and_ping(stand: Stand) -> None:
    await stand.start()
    for path in ("/check", "/symbols"):
        assert (await stand.post(path)).json()["default"]["action"] == "add header"
    assert (await stand.post("/ping")).content == b"pong\r\n" and (await stand.post("/ping", learn=True)).content == b"pong\r\n"


@pytest.mark.parametrize("path", ["/learnspam", "/learnham", "/stat", "/", "/CHECKV2", "/checkv2/x", "/%00"])
async def test_the_scan_port_never_learns_and_knows_its_paths(stand: Stand, path: str) -> None:
    await stand.start()
    response = await stand.post(path, **SECRET)
    assert response.status_code == 404 and "/checkv2" in response.json()["error"]
    assert not stand.door.learned and not stand.door.asked


@pytest.mark.parametrize("path", ["/learnspam", "/learnham", "/stat", "/checkv2", "/nothing"])
@pytest.mark.parametrize(
    "headers", [{}, {"Password": ""}, {"Password": "wrong"}, {"Password": "a long and random secret "[:-2]}, {"User": "root"}]
)
async def test_without_the_secret_nothing_is_learned(stand: Stand, path: str, headers: dict[str, str]) -> None:
    await stand.start()
    response = await stand.post(path, learn=True, **headers)
    assert response.status_code == 403 and response.json()["error"] == "Unauthorized"
    assert not stand.door.learned and not stand.door.asked


async def test_without_any_secret_configured_the_door_is_shut(stand: Stand) -> None:
    await stand.start(secrets=())
    assert (await stand.post("/learnspam", learn=True, Password="")).status_code == 403


async def test_learning(stand: Stand) -> None:
    await stand.start()
    for path, abusive in (("/learnspam", True), ("/learnham", False)):
        response = await stand.post(path, learn=True, **HEADERS, **SECRET)
        assert response.status_code == 200 and response.json()["success"] is True and response.json()["learned"] is True
        raw, label, subject, source, envelope = stand.door.learned[-1]
        assert (raw, label, subject, source) == (MESSAGE, abusive, "fred", "rspamd:tests")
        assert envelope.client_ip == "192.0.2.5" and envelope.authenticated_user == "" and envelope.direction == "in"
    again = await stand.post("/learnham", learn=True, **SECRET)
    assert again.status_code == 200 and again.json()["already"] is True
    await stand.post("/checkv2")
    stat = (await stand.post("/stat", learn=True, **SECRET)).json()
    assert stat["total_learns"] == 3 and stat["scanned"] == 1 and stat["actions"]["add header"] == 1 and stat["auth"] == "ok"
    assert (await stand.post("/checkv2", learn=True, **SECRET)).json()["action"] == "add header"
    assert (await stand.post("/nothing", learn=True, **SECRET)).status_code == 404


async def test_nothing_to_learn_from(stand: Stand) -> None:
    await stand.start()
    response = await stand.post("/learnspam", b"\r\n ", learn=True, **SECRET)
    assert response.status_code == 400 and "no message" in response.json()["error"]


@pytest.mark.parametrize("raw", [b"", b"\0" * 1000, b"\r" * 1000, b"no message at all", b"Subject: x\r\n" * 5000])
async def test_odd_messages_are_judged(stand: Stand, raw: bytes) -> None:
    await stand.start()
    assert (await stand.post("/checkv2", raw)).json()["action"] == "add header"
    assert stand.door.asked[0][0] == raw


@pytest.mark.parametrize(("policy", "action"), [("accept", "no action"), ("tempfail", "soft reject")])
async def test_our_own_failure(stand: Stand, policy: str, action: str) -> None:
    stand.door.error = RuntimeError("broken /secret/path")
    await stand.start(on_failure=policy)
    response = await stand.post("/checkv2")
    assert response.status_code == 200 and response.json()["is_skipped"] is True and response.json()["action"] == action
    learned = await stand.post("/learnspam", learn=True, **SECRET)
    assert learned.status_code == 503 and "secret" not in learned.text
    assert stand.counted.count("failure") == 2


async def test_a_decision_that_takes_too_long(stand: Stand) -> None:
    stand.door.seconds = 30.0
    await stand.start(decide_seconds=0.05)
    assert (await stand.post("/checkv2")).json()["is_skipped"] is True


async def test_too_many_at_once(stand: Stand) -> None:
    stand.door.seconds = 0.3
    await stand.start(concurrency=1)
    first = asyncio.create_task(stand.post("/checkv2"))
    await stand.door.running.wait()
    second = await stand.post("/checkv2")
    assert second.status_code == 429 and second.headers["retry-after"] == "1"
    assert (await first).status_code == 200 and (await stand.post("/checkv2")).status_code == 200


async def test_a_hundred_megabytes(stand: Stand) -> None:
    await stand.start(body_limit_bytes=1 << 20)
    raw = MESSAGE + b"x" * (100 << 20) + b"the end"
    assert (await stand.post("/checkv2", raw)).status_code == 200
    kept = stand.door.asked[0][0]
    assert stand.door.sizes == [len(raw)] and len(kept) == (1 << 20) + 2 and kept.startswith(MESSAGE) and kept.endswith(b"the end")


async def test_more_than_a_request_may_hold(stand: Stand) -> None:
    await stand.start(request_limit_bytes=100_000)
    assert (await stand.post("/checkv2", b"x" * 100_000)).status_code == 200

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    for content in (b"x" * 100_001, chunks()):
        status = 0
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                status = (await client.post(f"http://127.0.0.1:{stand.scan_port}/checkv2", content=content)).status_code
        assert status in (413, 0)
    assert stand.counted.count("refused") == 2 and len(stand.door.asked) == 1


async def test_lying_lengths(stand: Stand) -> None:
    await stand.start(piece_seconds=0.1)
    # More promised than sent, then silence: told so in time. Then the client vanishes: nobody to be told.
    reader, writer = await stand.raw(b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nshort")
    assert b" 408 " in await reader.readline()
    writer.close()
    _, vanished = await stand.raw(b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nshort")
    vanished.close()
    for length in (b"-1", b"1e3", b"99999999999999999999999999"):
        reader, writer = await stand.raw(b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nshort")
        assert reader.at_eof() or (await reader.readline()).split(b" ")[1] in (b"400", b"413")
        writer.close()
    assert not stand.door.asked
    # Less promised than sent: the rest is no part of the message.
    reader, writer = await stand.raw(b"POST /checkv2 HTTP/1.0\r\nHost: x\r\nContent-Length: 5\r\n\r\nshortand more")
    assert b" 200 " in await reader.readline()
    writer.close()
    assert stand.door.asked[0][0] == b"short"


async def test_a_slow_client(stand: Stand) -> None:
    await stand.start(body_seconds=0.2)
    reader, writer = await stand.raw(b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(60):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_clients_that_vanish(stand: Stand) -> None:
    await stand.start()
    request = b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 999
    for cut in (5, 40, 70, 500, len(request)):
        _, writer = await stand.raw(request[:cut])
        await writer.drain()
        writer.close()
    await stand.until(lambda: stand.scan._active == 0)
    assert (await stand.post("/checkv2")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"), [({"Compression": "zstd"}, 415), ({"Content-Encoding": "gzip"}, 415), ({"Key": "abc"}, 400)]
)
async def test_what_cannot_be_read_is_said(stand: Stand, headers: dict[str, str], status: int) -> None:
    await stand.start()
    response = await stand.post("/checkv2", **headers)
    assert response.status_code == status and "plain" in response.json()["error"]


async def test_answers_are_json_whatever_the_decision_holds(stand: Stand) -> None:
    stand.door.set(verdict='a"b\r\n\u2028', log_odds=float("nan"), reply='"\0\r\n', action="reject", mode="enforce")
    await stand.start()
    answer = json.loads((await stand.post("/checkv2")).content)
    assert answer["score"] == 6.0 and answer["action"] == "reject"


async def test_both_doors_ignore_what_is_no_request(stand: Stand) -> None:
    await stand.start()
    reader, writer = await stand.raw(b"\0\0\0\x0dO\0\0\0\x06")
    async with asyncio.timeout(10):
        assert b"400" in await reader.readline() or reader.at_eof()
    writer.close()
    assert (await stand.post("/ping")).status_code == 200
