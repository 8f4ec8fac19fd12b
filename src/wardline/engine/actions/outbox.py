"""The outbox: tells the receiver what the ledger says, by a signed webhook, until it has taken it.

    outbox = Outbox(enforcement, Settings(url="https://hooks.example.com/wardline", secret=…), lambda: outbound, paused=lambda: administration.paused, …)
    await outbox.run()          until cancelled

At least once: a delivery counts as made when the receiver answered 2xx and that was recorded; after a crash in between it is made again, under the
same idempotency key. In order for each entity: the next message about an entity waits until the one before it was taken or has failed. A try that
fails is repeated with exponential backoff and jitter; after `tries` of them the message is a dead letter, kept for a person, and the next one goes.
While enforcement is paused nothing is sent; what is on the wire when it is paused is let come to its end.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from wardline.base.logs import logger
from wardline.base.storage import StorageError
from wardline.engine.action import Step
from wardline.engine.actions.enforcement import Enforcement
from wardline.engine.actions.ledger import DUE_LIMIT, Entry
from wardline.engine.actions.webhook import compose, delivery_id, signed

if TYPE_CHECKING:
    from wardline.sources.outbound import Response

ERROR_LIMIT = 320
TURN_SECONDS = 0.5  # how long a pause, its end, or an expiry may go unnoticed
Count = Callable[[str], None]


class Outbound(Protocol):
    """What the outbox needs of the one HTTP client. Raises OutboundError."""

    async def request(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> "Response": ...


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, signed how, how often. url "": there is no receiver, and what is asked for waits."""

    url: str = ""
    secret: bytes = b""
    key_id: str = "1"
    tries: int = 24
    first_retry_seconds: float = 1.0
    longest_retry_seconds: float = 300.0
    concurrency: int = 8


class Outbox:
    """One receiver's outbox. `outbound` gives the one HTTP client when there is something to send; `name_of` opens an action's sealed name; `count` is told delivered, retried or dead for each try."""

    def __init__(
        self,
        enforcement: Enforcement,
        settings: Settings,
        outbound: Callable[[], Outbound],
        *,
        paused: Callable[[], bool],
        name_of: Callable[[Entry], str | None],
        count: Count = lambda result: None,
    ) -> None:
        self.enforcement = enforcement
        self.ledger = enforcement.ledger
        self.settings = settings
        self.outbound = outbound
        self.paused = paused
        self.name_of = name_of
        self.count = count
        self.errors: dict[str, str] = {}  # action id -> why its last try failed, while it is tried
        self._tries: dict[str, tuple[str, int]] = {}  # action id -> delivery and its tries; after a restart they begin anew
        self._ready: list[tuple[float, int, str]] = []  # when, order, entity
        self._scheduled: set[str] = set()
        self._order = itertools.count()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._delay: dict[str, float] = {}  # entity -> seconds until its next try
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled. A fault of ours is logged and tried again; it never ends the loop."""
        self.ledger.queued = self._schedule
        for entity in list(self.ledger.queues):
            self._schedule(entity)
        try:
            while True:
                try:
                    if self.enforcement.expire_due() >= DUE_LIMIT:
                        self._changed.set()  # there may be more of them
                    self._start()
                except Exception as error:  # whatever it is: without this loop no action would ever end
                    logger("outbox").error("turn_failed", error=type(error).__name__)
                await self._wait()
        finally:
            self.ledger.queued = lambda entity: None
            for task in self._sending.values():
                task.cancel()
            await asyncio.gather(*self._sending.values(), return_exceptions=True)

    def _schedule(self, entity: str, delay_seconds: float = 0.0) -> None:
        if entity not in self._scheduled and entity not in self._sending:
            self._scheduled.add(entity)
            heapq.heappush(self._ready, (_now() + delay_seconds, next(self._order), entity))
            self._changed.set()

    async def _wait(self) -> None:
        seconds = TURN_SECONDS
        if self._ready and not self.paused() and len(self._sending) < self.settings.concurrency:
            seconds = min(max(self._ready[0][0] - _now(), 0.0), TURN_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()

    def _start(self) -> None:
        """Begin what is due, as far as there is room."""
        now = _now()
        while self._ready and self._ready[0][0] <= now and len(self._sending) < self.settings.concurrency and not self.paused():
            _when, _order, entity = heapq.heappop(self._ready)
            self._scheduled.discard(entity)
            entry = self.ledger.next_for(entity)
            if entry is None:
                continue
            if not self.settings.url:
                self._without_receiver(entity)
                continue
            task = asyncio.create_task(self._send(entity, entry), name="outbox delivery")
            self._sending[entity] = task
            task.add_done_callback(lambda _task, entity=entity: self._sent(entity))  # type: ignore[misc]

    def _sent(self, entity: str) -> None:
        self._sending.pop(entity, None)
        self._changed.set()
        delay_seconds = self._delay.pop(entity, 0.0)
        if entity in self.ledger.queues:
            self._schedule(entity, delay_seconds)

    def _without_receiver(self, entity: str) -> None:
        """Nobody was told that these began, so nobody needs to be told that they ended."""
        for action_id in list(self.ledger.queues.get(entity, ())):
            entry = self.ledger.entries[action_id]
            if entry.phase == "end" and not entry.begun:
                self.enforcement.record(_step("delivered", entry, self.enforcement.shard.clock.now_us()), entry)

    async def _send(self, entity: str, entry: Entry) -> None:
        """One try of the entity's next message, and its record."""
        from wardline.sources.outbound import OutboundError  # whoever gave us a client has loaded it

        queued_seq, delivery = entry.queued_seq, delivery_id(entry)
        clock = self.enforcement.shard.clock
        wait_seconds = 0.0
        try:
            body = compose(entry, self.name_of(entry))
            now_s = clock.now_us() // 1_000_000
            headers = signed(body, self.settings.secret, key_id=self.settings.key_id, delivery=delivery, now_s=now_s)
            response = await self.outbound().request("POST", self.settings.url, headers, body)
            error = "" if 200 <= response.status < 300 else f"the receiver answered {response.status}"
            wait_seconds = _retry_after(response) if error else 0.0
        except OutboundError as failure:
            error = str(failure)
        except Exception as failure:  # ours: the message must not be lost for it
            logger("outbox").error("try_failed", error=type(failure).__name__)
            error = f"our own failure ({type(failure).__name__}); the log names it"
        if entry.queued_seq != queued_seq or entry.status not in ("requested", "ending"):
            self._forget(entry)  # it was undone or ended meanwhile: another message stands in its place
            return
        try:
            await self._record(entry, delivery, error, wait_seconds)
        except StorageError as failure:
            logger("outbox").error("result_not_recorded", error=type(failure).__name__)
            self._delay[entity] = self.settings.first_retry_seconds

    async def _record(self, entry: Entry, delivery: str, error: str, wait_seconds: float) -> None:
        settings, now_us = self.settings, self.enforcement.shard.clock.now_us()
        if not error:
            self._forget(entry)
            self.count("delivered")
            await self.enforcement.record(_step("delivered", entry, now_us), entry)
            return
        before, tries = self._tries.get(entry.action.id, (delivery, 0))
        tries = tries + 1 if before == delivery else 1
        if tries >= settings.tries:
            self._forget(entry)
            self.count("dead")
            await self.enforcement.record(_step("failed", entry, now_us, tries, error), entry)
            return
        self._tries[entry.action.id], self.errors[entry.action.id] = (delivery, tries), error
        self.count("retried")
        backoff = min(settings.longest_retry_seconds, settings.first_retry_seconds * 2.0 ** (tries - 1))
        self._delay[entry.action.entity] = max(backoff * random.uniform(0.5, 1.0), min(wait_seconds, settings.longest_retry_seconds))

    def _forget(self, entry: Entry) -> None:
        self._tries.pop(entry.action.id, None)
        self.errors.pop(entry.action.id, None)


def _step(op: Literal["delivered", "failed"], entry: Entry, now_us: int, tries: int = 0, error: str = "") -> Step:
    return Step(op=op, id=entry.action.id, at_us=now_us, phase=entry.phase, tries=tries, error=error[:ERROR_LIMIT])


def _retry_after(response: "Response") -> float:
    """Retry-After in seconds (RFC 9110 §10.2.3); 0 for a date or nothing."""
    value = response.header("retry-after")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
