"""The milter door over real sockets: what every verdict becomes, and what slow, lying, huge and vanishing mail servers get."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from wardline.domains.mail.identity import verify_id
from wardline.gateways.milter import MilterServer, MilterSettings
from wardline.protocols import milter_client as server
from wardline.protocols.milter import Step
from wardline.protocols.milter_client import Answer

KEY = b"k" * 32
MESSAGE = (
    b"Received: from x\r\n by y\r\nX-Wardline-Verdict: allow\r\nFrom: a@example.com\r\nx-wardline-verdict: allow\r\nX-Spam: No\r\n"
    b"Authentication-Results: mx.example.org; spf=pass\r\nAuthentication-Results: (c) MX.example.net; spf=pass\r\nSubject: hi\r\n\r\nHello.\r\n"
)


class Client:
    """A mail server that speaks to the milter under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.replies = server.Replies()
        self.waiting: list[Answer] = []
        self.steps = Step(0)

    async def read(self) -> Answer:
        async with asyncio.timeout(10):
            while not self.waiting:
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionResetError("the milter hung up")
                self.waiting += self.replies.receive(data)
        return self.waiting.pop(0)

    async def open(self, **offer: int) -> None:
        self.writer.write(server.opening(**offer))
        _, self.steps = server.agreed(await self.read())

    async def until_final(self) -> list[Answer]:
        found = [await self.read()]
        while not found[-1].final:
            found.append(await self.read())
        return found

    async def message(self, raw: bytes = MESSAGE, **envelope: Any) -> list[Answer]:
        found: list[Answer] = []
        given = {
            "client_ip": "192.0.2.7",
            "client_name": "mx.example.com",
            "helo": "helo.example.com",
            "sender": "a@example.com",
            "queue_id": "4Xyz",
        }
        for packet, waits in server.conversation(raw, steps=self.steps, **{**given, "recipients": ("b@example.net",), **envelope}):
            self.writer.write(packet)
            await self.writer.drain()
            if waits:
                found = await self.until_final()
        return found

    async def hung_up(self) -> bool:
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return not await self.reader.read(65536)
        return True

    def close(self) -> None:
        self.writer.close()


class Stand:
    """The door under test, its clients, and what it counted."""

    def __init__(self, door: Any) -> None:
        self.door = door
        self.counted: list[str] = []
        self.server: MilterServer
        self.clients: list[Client] = []

    async def start(self, **settings: Any) -> None:
        self.server = MilterServer(
            self.door, MilterSettings(**{"port": 0, "own_names": ("mx.example.net",), **settings}), key=KEY, count=self.counted.append
        )
        await self.server.start()

    async def client(self, *, negotiate: bool = True, **offer: int) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self.clients.append(client)
        if negotiate:
            await client.open(**offer)
        return client

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the server has no reason to announce this
                await asyncio.sleep(0.005)


@pytest.fixture
async def stand(door: Any) -> AsyncIterator[Stand]:
    made = Stand(door)
    yield made
    for client in made.clients:
        client.close()
    await made.server.stop()
    assert made.server.budget.free_bytes == made.server.settings.memory_bytes


def inserted(answers: list[Answer]) -> list[tuple[str, str]]:
    """Header fields in the order in which they stand in the message: each goes on top of the one before."""
    return [(texts[1], texts[2]) for texts in (answer.texts() for answer in reversed(answers) if answer.code == "i")]


def removed(answers: list[Answer]) -> list[tuple[str, int]]:
    return [
        (texts[1].lower(), int(texts[0]))
        for texts in (answer.texts() for answer in answers if answer.code == "m")
        if texts[2:] in ([], [""])
    ]


async def test_junk_is_tagged_and_what_was_forged_goes(stand: Stand) -> None:
    await stand.start()
    client = await stand.client()
    answers = await client.message()
    assert removed(answers) == [("authentication-results", 2), ("x-spam", 1), ("x-wardline-verdict", 2), ("x-wardline-verdict", 1)]
    fields = inserted(answers)
    assert [name for name, _ in fields] == ["X-Wardline-Id", "X-Wardline-Verdict", "X-Wardline-Score", "X-Wardline-Reasons", "X-Spam"]
    assert all(value.startswith(" ") for _, value in fields)  # leading blanks were agreed
    assert verify_id(fields[0][1], KEY) == "01TESTID"
    assert answers[-1].code == "a"
    assert [answer.code for answer in answers].index("i") > max(at for at, answer in enumerate(answers) if answer.code == "m")


async def test_what_the_decision_point_is_asked(stand: Stand) -> None:
    await stand.start()
    await (await stand.client()).message(recipients=("b@example.net", "c@example.net"), user="fred")
    ((raw, envelope, source),) = stand.door.asked
    assert raw == MESSAGE and source == "milter" and stand.door.sizes == [None]
    assert (envelope.client_ip, envelope.client_name, envelope.helo) == ("192.0.2.7", "mx.example.com", "helo.example.com")
    assert (envelope.mail_from, envelope.recipients, envelope.queue_id) == ("a@example.com", ("b@example.net", "c@example.net"), "4Xyz")
    assert (envelope.authenticated_user, envelope.direction) == ("fred", "out")
    await (await stand.client()).message(client_name="unknown", client_ip="2001:db8::1")
    assert (stand.door.asked[1][1].client_name, stand.door.asked[1][1].client_ip, stand.door.asked[1][1].direction) == (
        "",
        "2001:db8::1",
        "in",
    )


@pytest.mark.parametrize(
    ("action", "code", "text"),
    [
        ("reject", "y", "550 5.7.1 Message refused as unwanted. Reference 01TESTID"),
        ("tempfail", "y", "451 4.7.1 Message not accepted for now"),
        ("accept", "a", ""),
    ],
)
async def test_verdicts(stand: Stand, action: str, code: str, text: str) -> None:
    stand.door.set(action=action, mode="enforce")
    await stand.start()
    answers = await (await stand.client()).message()
    assert answers[-1].code == code and answers[-1].texts()[0].startswith(text)
    assert action == "accept" or len(answers) == 1


async def test_quarantine(stand: Stand) -> None:
    stand.door.set(action="quarantine", verdict="quarantine", mode="enforce")
    await stand.start()
    answers = await (await stand.client()).message()
    assert [answer.code for answer in answers[-2:]] == ["q", "a"] and "01TESTID" in answers[-2].texts()[0]
    assert ("X-Wardline-Verdict", " quarantine") in inserted(answers)
    # A server that cannot hold files it as junk; a server that can change nothing at all just takes it.
    limited = await (await stand.client(actions=0x11)).message()
    assert "q" not in [answer.code for answer in limited] and ("X-Spam", " Yes") in inserted(limited)
    assert [answer.code for answer in await (await stand.client(actions=0)).message()] == ["a"]
    assert stand.counted.count("limited") == 2


@pytest.mark.parametrize("action", ["accept", "tag", "junk", "quarantine", "tempfail", "reject"])
async def test_observe_changes_nothing_whatever_it_says(stand: Stand, action: str) -> None:
    stand.door.set(mode="observe", action=action, recipients={"b@example.net": "junk"}, authentication="mx.example.net; none")
    await stand.start()
    assert [answer.code for answer in await (await stand.client()).message()] == ["a"]


async def test_observe_with_its_id(stand: Stand) -> None:
    stand.door.set(mode="observe", action="accept")
    await stand.start(observe_id=True)
    answers = await (await stand.client()).message()
    assert [answer.code for answer in answers] == ["i", "a"]


async def test_a_server_of_1999(stand: Stand) -> None:
    """Version 2 without quiet steps: every command gets its reply, values come and go without the leading blank."""
    await stand.start()
    client = await stand.client(version=2, actions=0x1F, steps=0x7F)
    answers = await client.message()
    assert stand.door.asked[0][0] == MESSAGE
    assert ("X-Spam", "Yes") in inserted(answers)


async def test_many_messages_and_clients_on_one_connection(stand: Stand) -> None:
    await stand.start()
    client = await stand.client()
    await client.message(user="fred")
    client.writer.write(server.packet("A"))
    await client.message(b"Subject: two\r\n\r\n2\r\n")
    client.writer.write(server.packet("K"))
    await client.message(b"Subject: three\r\n\r\n3\r\n", client_ip="")
    assert [raw[:12] for raw, _, _ in stand.door.asked[1:]] == [b"Subject: two", b"Subject: thr"]
    assert [envelope.authenticated_user for _, envelope, _ in stand.door.asked] == ["fred", "", ""]
    client.writer.write(server.packet("Q"))
    assert await client.hung_up()


@pytest.mark.parametrize(("policy", "code"), [("accept", "a"), ("tempfail", "y")])
async def test_our_own_failure_condemns_nobody(stand: Stand, policy: str, code: str) -> None:
    stand.door.error = RuntimeError("broken")
    await stand.start(on_failure=policy)
    client = await stand.client()
    answers = await client.message()
    assert [answer.code for answer in answers] == [code] and (code == "a" or answers[0].texts()[0].startswith("451 4.7.1"))
    assert stand.counted.count("failure") == 1
    stand.door.error = None
    assert (await client.message())[-1].code == "a"  # the connection goes on


async def test_a_failure_lets_no_forged_field_through_once_we_act(stand: Stand) -> None:
    await stand.start()
    client = await stand.client()
    await client.message()
    stand.door.error = RuntimeError("broken")
    answers = await client.message()
    assert ("x-wardline-verdict", 1) in removed(answers) and inserted(answers) == [] and answers[-1].code == "a"


async def test_a_bad_answer_of_ours_is_our_failure(stand: Stand) -> None:
    stand.door.set(id="bad id\r\n")
    await stand.start()
    assert [answer.code for answer in await (await stand.client()).message()][-1] == "a"
    assert "failure" in stand.counted


async def test_a_slow_decision_tells_progress_and_then_fails_openly(stand: Stand) -> None:
    stand.door.seconds = 30.0
    await stand.start(progress_seconds=0.02, decide_seconds=0.15)
    answers = await (await stand.client()).message()
    assert {answer.code for answer in answers[:-1]} == {"p"} and len(answers) > 2 and answers[-1].code == "a"
    assert "failure" in stand.counted


async def test_a_hundred_megabytes(stand: Stand) -> None:
    await stand.start(body_limit_bytes=1 << 20, memory_bytes=4 << 20)
    client = await stand.client()
    raw = b"Subject: padded\r\n\r\nfirst words\r\n" + b"x" * (100 << 20) + b"\r\nlast words\r\n"
    answers = await client.message(raw)
    assert answers[-1].code == "a"
    kept = stand.door.asked[0][0]
    assert len(kept) == (1 << 20) + 2 and kept.startswith(b"Subject: padded") and kept.endswith(b"last words\r\n")
    assert stand.door.sizes == [len(raw)]


async def test_fifty_thousand_recipients_and_forged_fields_stay_bounded(stand: Stand) -> None:
    await stand.start()
    client = await stand.client()
    many = tuple(f"u{number}@example.net" for number in range(50_100))
    forged = b"".join(b"X-Wardline-%d: x\r\n" % number for number in range(10_500))
    answers = await client.message(forged + b"\r\n\r\n", recipients=many)
    assert len(stand.door.asked[0][1].recipients) == 50_000
    assert len(removed(answers)) == 10_000 and answers[-1].code == "a"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0\0\0\0",
        b"\xff\xff\xff\xffO",
        server.packet("H", b"x\0"),
        server.opening()[:5] + b"\0" * 12,
        server.opening(version=1),
    ],
)
async def test_strangers_are_hung_up_on(stand: Stand, data: bytes) -> None:
    await stand.start()
    client = await stand.client(negotiate=False)
    client.writer.write(data)
    assert await client.hung_up()
    assert stand.counted == ["protocol"]


@pytest.mark.parametrize("data", [server.packet("X"), server.packet("E"), server.packet("C", b"x"), b"\0\0\0\0", b"\x7f\xff\xff\xff"])
async def test_breaking_the_protocol_later_ends_the_session(stand: Stand, data: bytes) -> None:
    await stand.start()
    client = await stand.client()
    client.writer.write(data)
    assert await client.hung_up()
    assert "protocol" in stand.counted and not stand.door.asked


async def test_a_disconnect_after_every_packet(stand: Stand) -> None:
    """Wherever the mail server vanishes, the door stays up and its memory comes back."""
    await stand.start()
    packets = [
        server.opening(),
        *(packet for packet, _ in server.conversation(MESSAGE, client_ip="192.0.2.7", recipients=("b@example.net",), steps=Step(0x1FFFFF))),
    ]
    for count in range(len(packets) + 1):
        for cut in (0, 3):
            client = await stand.client(negotiate=False)
            stream = b"".join(packets[:1])
            client.writer.write(stream)
            if count:
                await client.read()
            rest = b"".join(packets[1:count]) + (packets[count][:cut] if count < len(packets) else b"")
            client.writer.write(rest)
            client.close()
    await stand.until(lambda: not stand.server._connections)
    assert (await (await stand.client()).message())[-1].code == "a"


async def test_a_slow_client_drips_one_packet_for_ever(stand: Stand) -> None:
    await stand.start(packet_seconds=0.2, idle_seconds=60.0)
    client = await stand.client()
    with contextlib.suppress(ConnectionError):
        for byte in server.packet("H", b"x" * 100 + b"\0"):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0.01)
    assert await client.hung_up()
    assert "timeout" in stand.counted


async def test_a_length_that_promises_more_than_comes(stand: Stand) -> None:
    await stand.start(packet_seconds=0.1)
    client = await stand.client()
    client.writer.write(b"\0\x0f\x00\x00M<a@example.com>\0")
    assert await client.hung_up()
    assert "timeout" in stand.counted


async def test_silence_is_ended(stand: Stand) -> None:
    await stand.start(idle_seconds=0.1)
    silent, opened = await stand.client(negotiate=False), await stand.client()
    assert await silent.hung_up() and await opened.hung_up()
    assert stand.counted.count("timeout") == 2


async def test_one_connection_too_many_is_closed_and_the_others_live(stand: Stand) -> None:
    await stand.start(connections=2)
    first, second = await stand.client(), await stand.client()
    third = await stand.client(negotiate=False)
    assert await third.hung_up()
    assert stand.counted.count("refused") == 1
    assert (await first.message())[-1].code == "a"
    second.close()
    await stand.until(lambda: len(stand.server._connections) == 1)
    assert (await (await stand.client()).message())[-1].code == "a"


async def test_only_peers_are_served(stand: Stand) -> None:
    await stand.start(peers=("192.0.2.0/24",))
    assert await (await stand.client(negotiate=False)).hung_up()
    assert stand.counted == ["refused"]


async def test_stopping_lets_the_message_in_hand_finish(stand: Stand) -> None:
    stand.door.seconds = 0.2
    await stand.start()
    idle, busy = await stand.client(), await stand.client()
    answer = asyncio.create_task(busy.message())
    await stand.door.running.wait()
    stopping = asyncio.create_task(stand.server.stop())
    assert await idle.hung_up()
    assert (await answer)[-1].code == "a"
    assert await busy.hung_up()
    await stopping
    with pytest.raises(OSError):
        await stand.client()


async def test_stopping_does_not_wait_for_ever(stand: Stand) -> None:
    stand.door.seconds = 60.0
    await stand.start(drain_seconds=0.05, write_seconds=5.0)
    client = await stand.client()
    answer = asyncio.create_task(client.message())
    await stand.door.running.wait()
    await stand.server.stop()
    with pytest.raises(ConnectionError):
        await answer


async def test_a_taken_back_message_is_not_judged(stand: Stand) -> None:
    await stand.start()
    client = await stand.client()
    packets = b"".join(
        packet for packet, _ in server.conversation(MESSAGE, client_ip="192.0.2.7", recipients=("b@example.net",), steps=client.steps)
    )
    client.writer.write(packets + server.packet("A"))
    assert (await client.message(b"Subject: next\r\n\r\n"))[-1].code == "a"
    assert len(stand.door.asked) == 1 and stand.door.asked[0][0].startswith(b"Subject: next")


async def test_a_unix_socket(stand: Stand, tmp_path: Path) -> None:
    await stand.start(socket_path=str(tmp_path / "milter"))
    assert stand.server.port == 0
    client = Client(*await asyncio.open_unix_connection(str(tmp_path / "milter")))
    stand.clients.append(client)
    await client.open()
    assert (await client.message())[-1].code == "a"
