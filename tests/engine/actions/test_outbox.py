"""The outbox against a real receiver on loopback: signed, in order, at least once; down, slow, redirecting, inside the network; paused; restarted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.privacy import Pseudonyms
from wardline.base.storage import StorageFull
from wardline.engine.action import Cause, Order
from wardline.engine.actions.enforcement import Enforcement, Limits
from wardline.engine.actions.ledger import Entry, Ledger
from wardline.engine.actions.outbox import Outbox, Settings
from wardline.engine.actions.webhook import verify
from wardline.engine.operators.administration import Act
from wardline.engine.states.shard import Shard
from wardline.engine.states.snapshot import advance
from wardline.engine.store.journal import Journal
from wardline.sources.outbound import Outbound
from wardline.sources.outbound import Settings as OutboundSettings

NOW_US = 1_700_000_000_000_000
SECRET = b"s" * 32


class Receiver:
    """An HTTP server that keeps what it was sent. `answers`: status lines in turn, the last one for good; None hangs up, "slow" says nothing."""

    def __init__(self) -> None:
        self.answers: list[str | None] = ["200 OK"]
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.port = 0
        self.arrived = asyncio.Event()
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                body = await reader.readexactly(int(headers["content-length"]))
                self.heard.append((headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                self.arrived.set()
                if self.before_answer is not None:
                    await self.before_answer()
                if answer is None:
                    break
                if answer == "slow":
                    await asyncio.sleep(60)
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        writer.close()

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """What was heard, as (entity, effect, because)."""
        documents = [msgspec.json.decode(body) for _headers, body in self.heard]
        return [(document["action"]["entity"], document["effect"], document["because"]) for document in documents]


@asynccontextmanager
async def received() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


class Bench:
    """A journal, a ledger and an outbox whose receiver is on loopback."""

    def __init__(
        self, data: Path, port: int, *, allowed: bool = True, timeout_seconds: float = 5.0, receiver: bool = True, **more: Any
    ) -> None:
        self.clock = FixedClock(NOW_US)
        self.journal = Journal.open(data, clock=self.clock)
        self.ledger = Ledger()
        for record in self.journal.read(1):
            advance(self.ledger, record)
        self.shard = Shard(self.journal, (self.ledger,), self.clock)
        self.shard.follow("action", self.ledger)
        self.enforcement = Enforcement(
            self.shard,
            self.ledger,
            Pseudonyms(b"k" * 32),
            Ids(self.clock),
            self._audit,
            seal=lambda entity, name: name.encode(),
            limits=Limits(per_hour=1000),
        )
        self.is_paused = False
        self.counts: list[str] = []
        settings = Settings(
            **(
                {
                    "url": f"http://127.0.0.1:{port}/hook" if receiver else "",
                    "secret": SECRET,
                    "key_id": "7",
                    "first_retry_seconds": 0.001,
                    "longest_retry_seconds": 0.01,
                    "tries": 4,
                }
                | more
            )
        )
        client = OutboundSettings(
            allowed_hosts=(f"127.0.0.1:{port}",),
            allowed_networks=("127.0.0.0/8",) if allowed else (),
            plain_http=True,
            timeout_seconds=timeout_seconds,
        )
        self.client = Outbound(client)
        self.outbox = Outbox(
            self.enforcement,
            settings,
            lambda: self.client,
            paused=lambda: self.is_paused,
            name_of=lambda entry: entry.action.sealed.decode() or None,
            count=self.counts.append,
        )
        self.task: asyncio.Task[None] | None = None

    async def _audit(self, act: Act) -> None:
        pass

    async def begin(self, entity: str = "domain:a.example", **more: Any) -> Entry:
        given = {"kind": "lock", "entity": entity, "ttl_seconds": 3600, "cause": Cause(kind="rule", id="r")} | more
        return await self.enforcement.request(Order(**given), actor="policy")

    def start(self) -> None:
        self.task = asyncio.create_task(self.outbox.run())

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not wanted():  # noqa: ASYNC110 - what is waited for is a state, which tells nobody that it changed
                await asyncio.sleep(0.002)

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.client.aclose()
        self.journal.close()


async def test_signed_and_taken(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        bench.start()
        entry = await bench.begin("account:alice", reason="bulk", parameters={"until": "reset"})
        await bench.until(lambda: entry.status == "done")
        headers, body = receiver.heard[0]
        verify(headers, body, {"7": SECRET}, now_s=NOW_US // 1_000_000)
        assert headers["idempotency-key"] == f"{entry.action.id}.begin"
        document = msgspec.json.decode(body)["action"]
        assert (document["name"], document["entity"], document["parameters"]) == ("alice", entry.action.entity, {"until": "reset"})
        await bench.enforcement.undo(entry.action.id, actor="ada")
        await bench.until(lambda: entry.status == "undone")
        assert [told[1:] for told in receiver.told] == [("begin", "requested"), ("end", "undone")]
        assert bench.counts == ["delivered", "delivered"]
        await bench.stop()


async def test_expiry_tells_the_end(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        entry = await bench.begin(ttl_seconds=5)
        bench.start()
        await bench.until(lambda: entry.status == "done")
        bench.clock.advance_us(5_000_000)
        await bench.until(lambda: entry.status == "expired")
        assert receiver.told[-1][1:] == ("end", "expired")
        await bench.stop()


async def test_in_order_for_each_entity_also_while_it_fails(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        receiver.answers = ["500 Oops", None, "503 Busy", "200 OK"]
        entries = [await bench.begin(kind=f"k{number}") for number in range(3)]
        bench.start()
        await bench.until(lambda: all(entry.status == "done" for entry in entries))
        kinds = [msgspec.json.decode(body)["action"]["kind"] for _headers, body in receiver.heard]
        assert kinds == ["k0", "k0", "k0", "k0", "k1", "k2"]
        assert len({headers["idempotency-key"] for headers, _body in receiver.heard[:4]}) == 1
        assert len({body for _headers, body in receiver.heard[:4]}) == 1
        assert bench.counts == ["retried"] * 3 + ["delivered"] * 3 and not bench.outbox.errors
        await bench.stop()


@pytest.mark.parametrize(
    ("answer", "more", "error"),
    [
        ("500 Oops", {}, "answered 500"),
        ("404 Not Found", {}, "answered 404"),
        ("302 Found\r\nLocation: http://127.0.0.1/", {}, "answered 302"),
        ("429 Slow down\r\nRetry-After: 999999", {}, "answered 429"),
        ("503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", {}, "answered 503"),
        (None, {}, "broke off"),
        ("slow", {"timeout_seconds": 0.05}, "did not answer"),
        ("200 OK", {"allowed": False}, "outbound.allowed_networks"),
    ],
)
async def test_after_so_many_tries_it_is_a_dead_letter_and_the_next_one_goes(
    tmp_path: Path, answer: str | None, more: dict[str, Any], error: str
) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port, tries=2, **more)
        receiver.answers = [answer]
        entry, following = await bench.begin(), await bench.begin(kind="limit")
        bench.start()
        await bench.until(lambda: following.status == "failed")
        assert (entry.status, entry.tries, error in entry.error) == ("failed", 2, True), entry.error
        assert list(bench.ledger.dead) == [entry.action.id, following.action.id] and not bench.ledger.queues
        assert bench.counts == ["retried", "dead"] * 2
        await bench.stop()


async def test_what_is_undone_while_it_is_tried_has_its_tries_anew_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port, tries=3)
        receiver.answers = ["500 Broken"] * 4 + ["200 OK"]

        async def pause_at_the_second() -> None:
            bench.is_paused = len(receiver.heard) == 2

        receiver.before_answer = pause_at_the_second
        entry = await bench.begin()
        bench.start()
        await bench.until(lambda: bench.counts == ["retried"] * 2)
        await bench.enforcement.undo(entry.action.id, actor="ada")
        bench.is_paused = False
        await bench.until(lambda: not bench.ledger.entries)
        assert entry.status == "undone" and bench.counts == ["retried"] * 4 + ["delivered"]
        assert not bench.outbox.errors and not bench.outbox._tries
        await bench.stop()


async def test_a_receiver_that_is_down_and_comes_back(tmp_path: Path) -> None:
    async with received() as receiver:
        port = receiver.port
    bench = Bench(tmp_path / "data", port, tries=100)
    entry = await bench.begin()
    bench.start()
    await bench.until(lambda: bool(bench.outbox.errors))
    assert "cannot be reached" in bench.outbox.errors[entry.action.id]
    again = Receiver()
    server = await asyncio.start_server(again.handle, "127.0.0.1", port)
    await bench.until(lambda: entry.status == "done")
    server.close()
    await bench.stop()


async def test_a_dead_letter_that_a_person_sends_again(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port, tries=1)
        receiver.answers = ["500 Oops", "200 OK"]
        entry = await bench.begin()
        bench.start()
        await bench.until(lambda: entry.status == "failed")
        await bench.enforcement.retry(entry.action.id, actor="ada")
        await bench.until(lambda: entry.status == "done")
        await bench.stop()


async def test_a_pause_stops_it_and_its_end_lets_it_go_on(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        bench.is_paused = True
        bench.start()
        entries = [await bench.begin(f"domain:{number}.example") for number in range(20)]
        await bench.enforcement.undo(entries[0].action.id, actor="ada")
        for _ in range(50):
            await asyncio.sleep(0)
        assert not receiver.heard
        bench.is_paused = False
        await bench.until(lambda: not bench.ledger.queues)
        assert len(receiver.heard) == 20 and entries[0].status == "undone"
        assert [effect for entity, effect, _because in receiver.told if entity == "domain:0.example"] == ["end"]
        await bench.stop()


async def test_a_crash_between_the_ledger_and_the_receiver(tmp_path: Path) -> None:
    """What was asked for and never sent is sent after the restart."""
    async with received() as receiver:
        first = Bench(tmp_path / "data", receiver.port)
        for number in range(5):
            await first.begin(f"domain:{number}.example")
        await first.stop()
        second = Bench(tmp_path / "data", receiver.port)
        assert second.ledger.digest() == first.ledger.digest()
        second.start()
        await second.until(lambda: not second.ledger.queues)
        assert sorted(told[0] for told in receiver.told) == [f"domain:{number}.example" for number in range(5)]
        await second.stop()


async def test_a_crash_between_the_receiver_and_the_ledger(tmp_path: Path) -> None:
    """What was taken and not recorded is sent again, under the same idempotency key."""
    async with received() as receiver:
        first = Bench(tmp_path / "data", receiver.port)
        entry = await first.begin()
        first.start()

        async def never() -> None:
            await asyncio.sleep(60)

        receiver.before_answer = never
        await receiver.arrived.wait()
        await first.stop()
        receiver.before_answer = None
        second = Bench(tmp_path / "data", receiver.port)
        second.start()
        await second.until(lambda: not second.ledger.queues)
        keys = [headers["idempotency-key"] for headers, _body in receiver.heard]
        assert keys == [f"{entry.action.id}.begin"] * 2
        assert receiver.heard[0][1] == receiver.heard[1][1]
        await second.stop()


async def test_undone_while_its_beginning_is_on_the_wire(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        entry = await bench.begin()

        async def undo() -> None:
            receiver.before_answer = None
            await bench.enforcement.undo(entry.action.id, actor="ada")

        receiver.before_answer = undo
        bench.start()
        await bench.until(lambda: entry.status == "undone")
        assert [told[1] for told in receiver.told] == ["begin", "end"]
        await bench.stop()


async def test_a_result_that_cannot_be_recorded_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        entry = await bench.begin()
        write = bench.shard.write
        calls: list[int] = []

        def full_once(*args: Any, **more: Any) -> Any:
            calls.append(1)
            if len(calls) == 1:
                raise StorageFull("full", "here", "free space")
            return write(*args, **more)

        monkeypatch.setattr(bench.shard, "write", full_once)
        bench.start()
        await bench.until(lambda: entry.status == "done")
        assert len(receiver.heard) == 2
        await bench.stop()


async def test_our_own_failure_loses_nothing(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port)
        entry = await bench.begin("account:alice")
        names = iter([ValueError("broken"), "alice"])

        def name_of(entry: Entry) -> str | None:
            found = next(names)
            if isinstance(found, Exception):
                raise found
            return found

        bench.outbox.name_of = name_of
        bench.start()
        await bench.until(lambda: entry.status == "done")
        assert bench.counts == ["retried", "delivered"]
        await bench.stop()


async def test_without_a_receiver_beginnings_wait_and_ends_are_settled(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "data", 1, receiver=False)
    bench.start()
    waiting, undone = await bench.begin(), await bench.begin()
    await bench.enforcement.undo(undone.action.id, actor="ada")
    await bench.until(lambda: undone.status == "undone")
    assert waiting.status == "requested"
    await bench.stop()


async def test_many_entities_at_once(tmp_path: Path) -> None:
    async with received() as receiver:
        bench = Bench(tmp_path / "data", receiver.port, concurrency=4)
        entries = [await bench.begin(f"domain:{number % 50}.example") for number in range(200)]
        bench.start()
        await bench.until(lambda: not bench.ledger.queues)
        assert len(receiver.heard) == 200 and {entry.status for entry in entries} == {"done"}
        for number in range(50):
            told = [headers["idempotency-key"] for headers, body in receiver.heard if f'"domain:{number}.example"'.encode() in body]
            assert told == sorted(told)
        await bench.stop()
