"""A receipt: what `Journal.append` gives back at once, and what turns true when the record is durable.

    receipt = journal.append(record)
    receipt.seq                  # its place, known at once
    await receipt                # on an event loop: returns seq when it and everything before it is on the medium
    receipt.result(timeout=5)    # without a loop: the same, blocking

Nobody has to wait for a receipt: since records become durable in order, the answer to one decision waits only for the last record it wrote.
One wake-up per batch and event loop, however many records were in it.
"""

import asyncio
import heapq
import itertools
import threading
from collections.abc import Generator
from typing import Any

from wardline.base.storage import StorageError


class Receipts:
    """Who waits for what. Told by the commit log's writers how far durability has come."""

    def __init__(self, durable_seq: int) -> None:
        self.durable_seq = durable_seq
        self.failure: StorageError | None = None
        self._changed = threading.Condition(threading.Lock())
        self._order = itertools.count()
        self._waiting: dict[asyncio.AbstractEventLoop, list[tuple[int, int, asyncio.Future[int]]]] = {}
        self._woken: set[asyncio.AbstractEventLoop] = set()

    def advance(self, durable_seq: int) -> None:
        """Everything up to `durable_seq` is durable. Called from any thread."""
        with self._changed:
            if durable_seq > self.durable_seq:
                self.durable_seq = durable_seq
                self._wake()

    def fail(self, failure: StorageError) -> None:
        """Nothing more becomes durable: whoever waits gets this error."""
        with self._changed:
            if self.failure is None:
                self.failure = failure
                self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        for loop, heap in list(self._waiting.items()):
            if heap and loop not in self._woken and (self.failure is not None or heap[0][0] <= self.durable_seq):
                try:
                    loop.call_soon_threadsafe(self._settle, loop)
                    self._woken.add(loop)
                except RuntimeError:
                    # The loop was closed with somebody still waiting on it: nobody is left to be told.
                    del self._waiting[loop]

    def _settle(self, loop: asyncio.AbstractEventLoop) -> None:
        ready = []
        with self._changed:
            self._woken.discard(loop)
            heap = self._waiting.get(loop, [])
            while heap and (self.failure is not None or heap[0][0] <= self.durable_seq):
                ready.append(heapq.heappop(heap))
            if not heap:
                self._waiting.pop(loop, None)
            durable, failure = self.durable_seq, self.failure
        for seq, _, future in ready:
            if future.done():
                continue
            if seq <= durable:
                future.set_result(seq)
            elif failure is not None:
                future.set_exception(failure)

    def wait_on_loop(self, seq: int) -> asyncio.Future[int]:
        """A future of the running loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        with self._changed:
            if seq <= self.durable_seq:
                future.set_result(seq)
            elif self.failure is not None:
                future.set_exception(self.failure)
            else:
                heapq.heappush(self._waiting.setdefault(loop, []), (seq, next(self._order), future))
        return future

    def wait(self, seq: int, timeout_seconds: float | None) -> int:
        """Block until durable. Raises TimeoutError, or the error that stopped the log."""
        with self._changed:
            self._changed.wait_for(lambda: seq <= self.durable_seq or self.failure is not None, timeout_seconds)
        if seq <= self.durable_seq:
            return seq
        if self.failure is not None:
            raise self.failure
        raise TimeoutError(f"record {seq} was not durable within {timeout_seconds} seconds")


class Receipt:
    """One record's receipt. `seq`: its place in the journal."""

    __slots__ = ("_receipts", "seq")

    def __init__(self, receipts: Receipts, seq: int) -> None:
        self._receipts = receipts
        self.seq = seq

    @property
    def done(self) -> bool:
        """True when the record is durable."""
        return self.seq <= self._receipts.durable_seq

    def __await__(self) -> Generator[Any, None, int]:
        if self.seq <= self._receipts.durable_seq:
            return self.seq
        return (yield from self._receipts.wait_on_loop(self.seq))

    def result(self, timeout: float | None = None) -> int:
        """Block until the record is durable and give its seq. Not for event-loop threads. Raises TimeoutError, StorageFailed."""
        return self._receipts.wait(self.seq, timeout)
