"""A message's walk through a real Postfix over real SMTP: every verdict as the sender, the queue and the mailbox see it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes
from typing import Any

import pytest

from wardline.domains.mail.identity import recipient_tag, take_off, verify_id
from wardline.gateways.milter import MilterServer, MilterSettings

KEY = b"k" * 32
MESSAGE = (
    b"X-Wardline-Verdict: allow\r\n"
    b"Received: from x\r\n\tby y; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    b"X-Wardline-Id: 01FORGED; 00000000000000000000000000000000\r\n"
    b"From: a@example.com\r\n"
    b"x-wardline-verdict: allow\r\n"
    b"X-Spam: No\r\n"
    b"Subject:no blank\r\n"
    b"X-Tab:\ttab\r\n"
    b"Authentication-Results: mx.example.org; spf=pass\r\n"
    b"Authentication-Results: (a comment) MX.example.net;\r\n spf=pass\r\n"
    b"X-Wardline-Old-Syntax : yes\r\n"
    b"Message-ID: <1@example.com>\r\n"
    b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    b"To: b@example.net\r\n"
    b"\r\n"
    b"Hello.\r\n.a line that begins with a dot\r\n\r\n"
)


def content(raw: bytes) -> bytes:
    """A delivered message from its own first field on, with CRLF: without what Postfix itself put on top."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return lines[lines.index(b"X-Wardline-Verdict: allow") :]


@pytest.fixture
async def listen(door: Any, postfix: Any) -> AsyncIterator[Callable[..., Any]]:
    """`await listen()` starts the milter that this Postfix expects."""
    servers: list[MilterServer] = []

    async def start(**settings: Any) -> MilterServer:
        given = {"port": postfix.milter_port, "own_names": ("mx.example.net",), **settings}
        server = MilterServer(door, MilterSettings(**given), key=KEY)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


async def in_thread(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Postfix talks back to this very process, so nothing here may block the loop."""
    return await asyncio.to_thread(call, *given, **named)


async def test_accepted(postfix: Any, door: Any, listen: Any) -> None:
    door.set(action="accept", verdict="allow", authentication="mx.example.net;\n spf=pass smtp.mailfrom=a@example.com")
    await listen()
    assert (await in_thread(postfix.send, MESSAGE, client_ip="192.0.2.7"))[0] == 250
    (raw,) = await in_thread(postfix.take)
    message = message_from_bytes(raw)
    names = [name for name in message if name.lower().startswith("x-wardline") or name == "X-Spam"]
    assert names == ["X-Wardline-Id"] and verify_id(message["X-Wardline-Id"], KEY) == "01TESTID"
    assert message.get_all("Authentication-Results") == [
        "mx.example.net;\n spf=pass smtp.mailfrom=a@example.com",
        "mx.example.org; spf=pass",
    ]
    # Postfix removes the blank before an old colon itself; everything else came to the decision point byte for byte.
    ((asked, envelope, source),) = door.asked
    assert asked == MESSAGE.replace(b"Syntax :", b"Syntax:") and source == "milter"
    assert (envelope.client_ip, envelope.client_name, envelope.mail_from) == ("192.0.2.7", "mail.example.com", "a@example.com")
    assert envelope.recipients == ("b@example.net",) and envelope.queue_id in postfix.log() and envelope.queue_id


async def test_tagged_as_junk(postfix: Any, door: Any, listen: Any) -> None:
    door.set(recipients={"c@example.net": "quarantine"})
    await listen()
    assert (await in_thread(postfix.send, MESSAGE, recipients=("b@example.net", "c@example.net")))[0] == 250
    for raw in await in_thread(postfix.take, 2):
        message = message_from_bytes(raw)
        assert message.get_all("X-Wardline-Verdict") == ["junk"] and message.get_all("X-Spam") == ["Yes"]
        assert message["X-Wardline-Score"] == "0.973" and message["X-Wardline-Reasons"] == "text, url"
        assert message["X-Wardline-Recipients"] == recipient_tag("c@example.net", KEY) + "=quarantine"
        assert "X-Wardline-Old-Syntax" not in message and message.get_all("Authentication-Results") == ["mx.example.org; spf=pass"]
        # Our fields stand above everything that came from outside.
        assert raw.index(b"X-Wardline-Id") < raw.index(b"Received:")
        rest, ids = take_off(raw)
        assert verify_id(ids[0], KEY) == "01TESTID" and b"junk" not in rest


async def test_rejected(postfix: Any, door: Any, listen: Any) -> None:
    door.set(action="reject", verdict="reject", mode="enforce")
    await listen()
    assert await in_thread(postfix.send, MESSAGE) == (550, "5.7.1 Message refused as unwanted. Reference 01TESTID")
    assert await in_thread(postfix.queued) == []


async def test_deferred(postfix: Any, door: Any, listen: Any) -> None:
    door.set(action="tempfail", verdict="defer", mode="enforce", reply="Come back in an hour. 100% safe")
    await listen()
    code, text = await in_thread(postfix.send, MESSAGE)
    assert code == 451 and text == "4.7.1 Come back in an hour. 100  safe"
    assert await in_thread(postfix.queued) == []


async def test_held_and_released(postfix: Any, door: Any, listen: Any) -> None:
    door.set(action="quarantine", verdict="quarantine", mode="enforce")
    await listen()
    code, text = await in_thread(postfix.send, MESSAGE)
    assert code == 250
    ((queue, queue_id),) = await in_thread(postfix.queued)
    assert queue == "hold" and queue_id in text and door.asked[0][1].queue_id == queue_id
    await in_thread(postfix.release, queue_id)
    (raw,) = await in_thread(postfix.take)
    message = message_from_bytes(raw)
    assert message.get_all("X-Wardline-Verdict") == ["quarantine"] and "X-Spam" not in message


@pytest.mark.parametrize("action", ["junk", "quarantine", "reject", "tempfail"])
async def test_observing_changes_not_one_byte(postfix: Any, door: Any, listen: Any, action: str) -> None:
    door.set(mode="observe", action=action, authentication="mx.example.net; none")
    await listen()
    assert (await in_thread(postfix.send, MESSAGE))[0] == 250
    (raw,) = await in_thread(postfix.take)
    assert content(raw) == MESSAGE.replace(b"Syntax :", b"Syntax:")


@pytest.mark.parametrize(("policy", "code"), [("accept", 250), ("tempfail", 451)])
async def test_our_own_failure(postfix: Any, door: Any, listen: Any, policy: str, code: int) -> None:
    door.error = RuntimeError("broken")
    await listen(on_failure=policy)
    assert (await in_thread(postfix.send, MESSAGE))[0] == code
    if code == 250:
        (raw,) = await in_thread(postfix.take)
        assert content(raw) == MESSAGE.replace(b"Syntax :", b"Syntax:")


async def test_with_the_milter_down_mail_goes_on(postfix: Any) -> None:
    assert (await in_thread(postfix.send, MESSAGE))[0] == 250
    (raw,) = await in_thread(postfix.take)
    assert content(raw) == MESSAGE.replace(b"Syntax :", b"Syntax:")


async def test_stopped_with_a_message_in_hand(postfix: Any, door: Any, listen: Any) -> None:
    door.seconds = 0.3
    server = await listen()
    sent = asyncio.create_task(in_thread(postfix.send, MESSAGE))
    await door.running.wait()
    await server.stop()
    assert (await sent)[0] == 250
    (raw,) = await in_thread(postfix.take)
    assert b"X-Spam: Yes" in raw


async def test_a_large_message_and_several_on_one_connection(postfix: Any, door: Any, listen: Any) -> None:
    await listen(body_limit_bytes=1 << 20)
    large = MESSAGE + (b"y" * 70 + b"\r\n") * 60_000 + b"the end\r\n"

    def send() -> list[int]:
        import smtplib

        with smtplib.SMTP("127.0.0.1", postfix.port, local_hostname="client.example.com", timeout=60) as client:
            codes = []
            for raw in (MESSAGE, large, MESSAGE):
                client.mail("a@example.com")
                client.rcpt("b@example.net")
                codes.append(client.data(raw)[0])
            client.mail("a@example.com")  # given up: the milter is told to forget it
            client.rset()
            return codes

    assert await in_thread(send) == [250, 250, 250]
    assert [raw.count(b"\nX-Spam: Yes") for raw in await in_thread(postfix.take, 3)] == [1, 1, 1]
    kept = door.asked[1][0]
    assert (
        door.sizes == [None, len(large) - 1, None]
        and kept.startswith(MESSAGE[:20])
        and kept.endswith(b"the end\r\n")
        and len(kept) == (1 << 20) + 2
    )
