"""Moving a message in a real Dovecot teaches the filter, with the settings and the scripts that docs/integrate/dovecot.md tells people to use."""

import asyncio
import imaplib
import itertools
import re
import socket
import subprocess
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from wardline.gateways.rspamd import LearnSecret, RspamdController, RspamdSettings

ROOT = Path(__file__).parents[2]
SECRET = "a long and random secret"
MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nMessage-ID: <1@example.com>\r\nSubject: hi\r\n\r\nHello.\r\n"


def documented_settings() -> str:
    """The blocks of dovecot.conf in the page, as a reader would copy them."""
    page = (ROOT / "docs" / "integrate" / "dovecot.md").read_text("utf-8")
    blocks = re.findall(r"(?:^    .*\n|^\n)+", page, re.MULTILINE)
    wanted = [textwrap.dedent(block) for block in blocks if "plugin {" in block or "protocol imap {" in block]
    assert len(wanted) == 2
    return "\n".join(wanted)


@pytest.fixture
async def learning_port(door: Any) -> AsyncIterator[int]:
    settings = RspamdSettings(trusted_peers=("127.0.0.0/8",), secrets=(LearnSecret.of("dovecot", SECRET),))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(RspamdController(door, settings, key=b"k" * 32), log_level="warning", http="httptools"))
    task = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - the server offers no event
            await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await task


def move(port: int, user: str, raw: bytes, *mailboxes: str) -> None:
    """Put a message into the first mailbox and move it from each to the next."""
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(user, "secret")
        assert client.append(mailboxes[0], "", "", raw)[0] == "OK"
        for source, target in itertools.pairwise(mailboxes):
            assert client.select(source)[0] == "OK"
            assert client._simple_command("MOVE", "1", target)[0] == "OK"
            assert client.expunge()[0] == "OK"


def holds(port: int, user: str, mailbox: str) -> int:
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(user, "secret")
        return int(client.select(mailbox)[1][0] or b"0")


async def test_moves_teach(dovecot: Callable[..., Any], door: Any, learning_port: int) -> None:
    server = dovecot(documented_settings(), ROOT / "deploy" / "dovecot")
    server.learns_at(learning_port, SECRET)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(move, server.port, "fred", MESSAGE, "INBOX", "Junk")
    assert [(raw, abusive, subject, source) for raw, abusive, subject, source, _ in door.learned] == [
        (MESSAGE, True, "fred", "rspamd:dovecot")
    ], server.log()
    await asyncio.to_thread(move, server.port, "bea", MESSAGE, "INBOX", "Junk", "INBOX")
    assert [(abusive, subject) for _, abusive, subject, *_ in door.learned[1:]] == [(True, "bea"), (False, "bea")], server.log()
    # Thrown away from Junk: says nothing.
    before = len(door.learned)
    await asyncio.to_thread(move, server.port, "carl", MESSAGE, "INBOX", "Junk", "Trash")
    assert [(abusive, subject) for _, abusive, subject, *_ in door.learned[before:]] == [(True, "carl")], server.log()
    # The filter refuses or is down: the move succeeds all the same.
    door.error = RuntimeError("broken")
    await asyncio.to_thread(move, server.port, "dora", MESSAGE, "INBOX", "Junk")
    assert await asyncio.to_thread(holds, server.port, "dora", "Junk") == 1


async def test_junk_is_filed_on_delivery(dovecot: Callable[..., Any], door: Any, learning_port: int) -> None:
    server = dovecot(documented_settings(), ROOT / "deploy" / "dovecot")
    server.learns_at(learning_port, SECRET)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.deliver, "fred", b"X-Spam: Yes\r\n" + MESSAGE)
    await asyncio.to_thread(server.deliver, "fred", MESSAGE)
    assert [await asyncio.to_thread(holds, server.port, "fred", mailbox) for mailbox in ("Junk", "INBOX")] == [1, 1], server.log()
    assert door.learned == []  # the filter's own filing is no opinion of a reader


@pytest.mark.parametrize(
    ("arguments", "header", "status", "learned"),
    [
        (["spam", "fred"], f"Password: {SECRET}\n", 0, [(True, "fred")]),
        (["ham"], f"Password: {SECRET}\n", 0, [(False, "")]),
        (["spam", "x\r\nPassword: y"], f"Password: {SECRET}\n", 0, [(True, "xPassword: y")]),
        (["spam", "fred"], "Password: wrong\n", 75, []),
        (["spam", "fred"], None, 75, []),
        (["else"], f"Password: {SECRET}\n", 64, []),
    ],
)
async def test_the_script(
    require: Callable[..., Path],
    door: Any,
    learning_port: int,
    tmp_path: Path,
    arguments: list[str],
    header: str | None,
    status: int,
    learned: list[Any],
) -> None:
    require("curl", "curl")
    if header is not None:
        (tmp_path / "header").write_text(header)
    environment = {
        "WARDLINE_LEARN_URL": f"http://127.0.0.1:{learning_port}",
        "WARDLINE_LEARN_HEADER": str(tmp_path / "header"),
        "PATH": "/usr/bin:/bin",
    }
    command = [str(ROOT / "deploy" / "dovecot" / "wardline-learn"), *arguments]
    done = await asyncio.to_thread(subprocess.run, command, input=MESSAGE, env=environment, capture_output=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert [(abusive, subject) for _, abusive, subject, *_ in door.learned] == learned
    assert all(raw == MESSAGE for raw, *_ in door.learned)
