"""Debian's own `rspamc` against both rspamd doors, as its users call it."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from wardline.gateways.rspamd import LearnSecret, RspamdController, RspamdScan, RspamdSettings

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nMessage-ID: <1@example.com>\r\nSubject: hi\r\n\r\nHello.\r\n"
PASSWORD = "a long and random secret"


@pytest.fixture
async def ports(door: Any) -> AsyncIterator[tuple[int, int]]:
    """The scan port and the learning port, served as in the program."""
    settings = RspamdSettings(trusted_peers=("127.0.0.0/8",), secrets=(LearnSecret.of("tests", PASSWORD),))
    running: list[tuple[uvicorn.Server, asyncio.Task[None], int]] = []
    for app in (RspamdScan(door, settings, key=b"k" * 32), RspamdController(door, settings, key=b"k" * 32)):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", http="httptools"))
        running.append((server, asyncio.create_task(server.serve([listener])), listener.getsockname()[1]))
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110 - the server offers no event
                await asyncio.sleep(0.01)
    yield running[0][2], running[1][2]
    for server, task, _ in running:
        server.should_exit = True
        await task


@pytest.fixture
def rspamc(require: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """`await rspamc(port, "symbols", …)` calls the program on a file with the message; its output, or an AssertionError."""
    program = require("rspamc", "rspamd")
    file = tmp_path / "message.eml"
    file.write_bytes(MESSAGE)

    async def call(port: int, *arguments: str, on_file: bool = True, fails: bool = False) -> str:
        command = [str(program), "-h", f"127.0.0.1:{port}", *arguments, *([str(file)] if on_file else [])]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


async def test_symbols(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    out = await rspamc(ports[0], "symbols")
    assert "Action: add header" in out and "Spam: true" in out and "Score: 7.38 / 6.00" in out
    assert "Symbol: WARDLINE_TEXT (3.89)[0.980]" in out and "Message-ID: 1@example.com" in out
    assert door.asked[0][0] == MESSAGE


async def test_the_envelope_it_tells(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    told = (
        "-i",
        "192.0.2.5",
        "-u",
        "fred",
        "-F",
        "a@example.com",
        "-r",
        "b@example.net",
        "-r",
        "c@example.net",
        "--helo",
        "h.example",
        "--hostname",
        "n.example",
    )
    await rspamc(ports[0], *told, "symbols")
    envelope = door.asked[0][1]
    assert (envelope.client_ip, envelope.authenticated_user, envelope.mail_from) == ("192.0.2.5", "fred", "a@example.com")
    assert (envelope.recipients, envelope.helo, envelope.client_name) == (("b@example.net", "c@example.net"), "h.example", "n.example")


async def test_as_json_and_as_a_message(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    assert '"required_score":6' in (await rspamc(ports[0], "--json", "--compact", "symbols")).replace(" ", "")
    out = await rspamc(ports[0], "--mime", "symbols")
    assert "X-Spam-Action: add header" in out and "Subject: hi" in out and "Hello." in out


async def test_a_refusal_with_its_text(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    door.set(action="reject", mode="enforce")
    out = await rspamc(ports[0], "symbols")
    assert "Action: reject" in out and "Message refused as unwanted. Reference 01TESTID" in out


async def test_learning(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    assert "success = true" in await rspamc(ports[1], "-P", PASSWORD, "learn_spam")
    assert "success = true" in await rspamc(ports[1], "-P", PASSWORD, "-u", "fred", "learn_ham")
    assert [(raw, abusive, subject, source) for raw, abusive, subject, source, _ in door.learned] == [
        (MESSAGE, True, "", "rspamd:tests"),
        (MESSAGE, False, "fred", "rspamd:tests"),
    ]
    again = await rspamc(ports[1], "-P", PASSWORD, "learn_spam")
    assert "success = true" in again and "already learned" in again


@pytest.mark.parametrize("given", [(), ("-P", "wrong")])
async def test_without_the_secret(rspamc: Any, door: Any, ports: tuple[int, int], given: tuple[str, ...]) -> None:
    assert "403" in await rspamc(ports[1], *given, "learn_spam", fails=True)
    assert "403" in await rspamc(ports[1], *given, "stat", on_file=False, fails=True)
    assert not door.learned


async def test_the_scan_port_does_not_learn(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    assert "404" in await rspamc(ports[0], "-P", PASSWORD, "learn_spam", fails=True)
    assert not door.learned


async def test_stat_and_uptime(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    await rspamc(ports[0], "symbols")
    await rspamc(ports[1], "-P", PASSWORD, "learn_spam")
    out = await rspamc(ports[1], "-P", PASSWORD, "stat", on_file=False)
    assert "Messages scanned: 1" in out and "Messages learned: 1" in out and "WARDLINE_SPAM" in out and "Total learns: 1" in out
    assert "Uptime" in await rspamc(ports[1], "-P", PASSWORD, "uptime", on_file=False)


async def test_our_own_failure(rspamc: Any, door: Any, ports: tuple[int, int]) -> None:
    door.error = RuntimeError("broken")
    assert "Action: no action" in await rspamc(ports[0], "symbols")
    assert "503" in await rspamc(ports[1], "-P", PASSWORD, "learn_spam", fails=True)
