"""Load for measuring: a small HTTP/1.1 client that does not wait for answers before it sends, on 127.0.0.1 alone.

    result = open_loop(port, rate=1200, seconds=10); result.percentile_ms(99)

Open loop: arrivals are scheduled beforehand (Poisson), and latency counts from the scheduled send, so that a server that stalls is charged
for everyone who would have waited (no coordinated omission). Standard library only: the client must cost less than what it measures.
"""

import asyncio
import gc
import http.client
import os
import random
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

CONNECTIONS = 32
DRAIN_SECONDS = 10.0


class Result:
    """Latencies in seconds, and what failed."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.failed = 0
        self.sent = 0
        self.seconds = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the latency; unanswered requests count as infinite."""
        ordered = sorted(self.latencies)
        rank = min(int(len(ordered) * percent / 100), len(ordered) - 1)
        missing = self.sent - len(ordered)
        if not ordered or (missing and rank + missing >= self.sent - 1 and percent < 100):
            return float("inf") if missing else 0.0
        return ordered[rank] * 1000


class _Connection(asyncio.Protocol):
    """One keep-alive connection with pipelining kept to one request at a time."""

    def __init__(self, result: Result, done: "deque[_Connection]", statuses: tuple[bytes, ...] = (b"200",)) -> None:
        self.result, self.idle = result, done
        self.statuses = statuses
        self.buffer = b""
        self.scheduled: deque[float] = deque()
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[tuple[float, bytes]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, though they do the same.
        self.transport = cast(asyncio.Transport, transport)

    def send(self, at: float, request: bytes) -> None:
        """Send a request that was scheduled for `at`, or queue it behind the one in flight."""
        if self.scheduled:
            self.waiting.append((at, request))
            return
        self.scheduled.append(at)
        assert self.transport is not None
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            stop = head.find(b"\r\n", at)
            length = int(head[at + 15 : stop if stop > 0 else len(head)])
            if len(self.buffer) < end + 4 + length:
                return
            status = self.buffer[9:12]
            self.buffer = self.buffer[end + 4 + length :]
            now = time.perf_counter()
            began = self.scheduled.popleft()
            if status in self.statuses:
                self.result.latencies.append(now - began)
            else:
                self.result.failed += 1
            if self.waiting:
                self.send(*self.waiting.popleft())
            else:
                self.idle.append(self)


def event_request(number: int, run: str) -> bytes:
    """One small decision: an envelope event as a mail server asks at RCPT time."""
    body = (
        f'{{"id":"{run}{number:09d}","type":"mail.envelope","occurred_at":"2026-01-01T00:00:00Z","entities":{{"ip":"192.0.2.{number % 250 + 1}"}},'
        f'"fields":{{"mail_from":"a{number % 5000}@example.com","rcpt":"b{number % 500}@example.net","helo":"mx{number % 300}.example.com"}}}}'
    ).encode()
    return b"POST /v1/decide HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


async def _connect(port: int, result: Result, count: int) -> "deque[_Connection]":
    idle: deque[_Connection] = deque()
    loop = asyncio.get_running_loop()
    for _ in range(count):
        _transport, connection = await loop.create_connection(lambda: _Connection(result, idle), "127.0.0.1", port)
        idle.append(connection)
    return idle


async def _finish(result: Result, everyone: "list[_Connection]", start: float) -> None:
    """Wait for what is still in flight, note the time since `start`, and close."""
    until = time.perf_counter() + DRAIN_SECONDS
    while len(result.latencies) + result.failed < result.sent and time.perf_counter() < until:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    result.seconds = time.perf_counter() - start
    for connection in everyone:
        if connection.transport:
            connection.transport.close()


@contextmanager
def no_collections() -> Iterator[None]:
    """The client's own garbage collector must not be measured as the server's latency; what a run leaves is freed by its reference counts."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def open_loop(
    port: int, *, rate: int, seconds: float, seed: int = 1, connections: int = CONNECTIONS, prepared: Sequence[bytes] | None = None
) -> Result:
    """Poisson arrivals at `rate` a second. prepared: the requests to send; nothing: small decisions about envelopes."""

    async def run() -> Result:
        result = Result()
        idle = await _connect(port, result, connections)
        everyone = list(idle)
        chance = random.Random(seed)
        name = f"o{time.time_ns():x}"
        requests = prepared or [event_request(number, name) for number in range(int(rate * seconds))]
        start = time.perf_counter() + 0.2
        at = start
        for number, request in enumerate(requests):
            at += chance.expovariate(rate)
            delay = at - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            connection = idle.popleft() if idle else everyone[number % len(everyone)]
            connection.send(at, request)
            result.sent += 1
        await _finish(result, everyone, start)
        return result

    with no_collections():
        return uvloop.run(run())


def closed_loop(port: int, *, connections: int, seconds: float, prepared: Sequence[bytes] | None = None) -> Result:
    """As many connections, each sending its next request when it has its answer; it ends when the prepared ones are used up."""

    async def run() -> Result:
        result = Result()
        idle = await _connect(port, result, connections)
        everyone = list(idle)
        name = f"c{time.time_ns():x}"
        start = time.perf_counter()
        number = 0
        while time.perf_counter() - start < seconds and (prepared is None or number < len(prepared)):
            while idle and (prepared is None or number < len(prepared)):
                idle.popleft().send(time.perf_counter(), prepared[number] if prepared else event_request(number, name))
                number += 1
                result.sent += 1
            await asyncio.sleep(0)
        await _finish(result, everyone, start)
        return result

    with no_collections():
        return uvloop.run(run())


def post_all(port: int, path: str, bodies: Sequence[bytes]) -> float:
    """POST bodies one after the other over one connection; the seconds it took. Raises OSError when the server goes away."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    start = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body, {"content-type": "message/rfc822"})
        answer = connection.getresponse()
        answer.read()
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all its threads together; 0 where the system does not tell (proc(5), Linux alone)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    found = [socket.socket() for _ in range(count)]
    for each in found:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in found]
    for each in found:
        each.close()
    return ports


def wait_for(port: int, seconds: float) -> bool:
    """Whether something listens on the port within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False
