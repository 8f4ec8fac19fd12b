"""A batch of events, answered in order: many lines are admitted before one waits for the disk.

    batch = Batch(admit, room, emit=exchange.part)
    for number, line in enumerate(lines, 1): await batch.take(number, line)
    await batch.end()

`admit(number, line)` gives a Pending, or bytes for a line that has its answer already (a problem). An answer leaves only when its record is
durable, and never before that of an earlier line. What waits is bounded: by WINDOW lines here, and by the journal, for whose room the batch
waits instead of giving up. Other requests get their turn every TURN_S.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec

from wardline.base.storage import StorageBusy, StorageError, StorageFull
from wardline.engine.door import Pending

WINDOW = 1024
TURN_S = 0.002
PART_BYTES = 1 << 16
ROOM_SECONDS = 30.0

# How the answer to an id that was taken before ends, where marks are wanted.
REPEATED = b',"repeated":true}'

_encoder = msgspec.json.Encoder()


class Batch:
    """See the module."""

    def __init__(
        self,
        admit: Callable[[int, bytes], Pending | bytes],
        room: Callable[[], Awaitable[None]],
        emit: Callable[[bytes], Awaitable[None]],
        *,
        mark: bool = False,
    ) -> None:
        """mark: answers to ids that were taken before end in "repeated": true; otherwise they are the first ones to the byte."""
        self._admit = admit
        self._room = room
        self._emit = emit
        self._mark = mark
        self._waiting: deque[tuple[int, Pending | bytes]] = deque()
        self._out = bytearray()
        self._turn_s = time.perf_counter()

    async def take(self, number: int, line: bytes) -> bool:
        """Admit one line. False when the storage takes no more: the answers so far stand, this line and those after it were not taken."""
        try:
            entry = await self._admitted(number, line)
        except StorageError as error:
            await self._stop(number, error)
            return False
        self._waiting.append((number, entry))
        if len(self._waiting) >= WINDOW and not await self._settle(WINDOW // 2):
            return False
        if time.perf_counter() - self._turn_s > TURN_S:
            await asyncio.sleep(0)
            self._turn_s = time.perf_counter()
            return await self._settle(WINDOW)
        return True

    async def end(self) -> None:
        """Wait for the rest and send it."""
        if await self._settle(0):
            await self._flush()

    async def _admitted(self, number: int, line: bytes) -> Pending | bytes:
        try:
            return self._admit(number, line)
        except StorageBusy as error:
            busy = error
        # What waits for the index is being written: a batch can wait for it, since nobody stands at the other end with a message in hand.
        until = time.monotonic() + ROOM_SECONDS
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(ROOM_SECONDS):
                    await self._room()
                return self._admit(number, line)
            except StorageBusy as error:
                busy = error
                await asyncio.sleep(0.01)
            except TimeoutError:
                break
        raise busy

    async def _settle(self, left: int) -> bool:
        """Answer in order until at most `left` lines wait for the disk. False when the disk refused one."""
        while self._waiting:
            number, entry = self._waiting[0]
            if isinstance(entry, Pending):
                if not entry.receipt.done and len(self._waiting) <= left:
                    break
                try:
                    self._out += _encoder.encode(await entry)
                    if self._mark and entry.repeated:
                        self._out[-1:] = REPEATED
                except StorageError as error:
                    await self._stop(number, error)
                    return False
            else:
                self._out += entry
            self._out += b"\n"
            self._waiting.popleft()
            if len(self._out) >= PART_BYTES:
                await self._flush()
        return True

    async def _stop(self, number: int, error: StorageError) -> None:
        """The last line says where it ended; before it stand the answers of what was taken."""
        if not (self._waiting and self._waiting[0][0] == number) and not await self._settle(0):
            return
        self._waiting.clear()
        status = 503 if isinstance(error, StorageBusy) else 507 if isinstance(error, StorageFull) else 500
        self._out += problem_line(number, status, HTTPStatus(status).phrase, str(error)) + b"\n"
        await self._flush()

    async def _flush(self) -> None:
        if self._out:
            data, self._out = bytes(self._out), bytearray()
            await self._emit(data)


def problem_line(number: int, status: int, title: str, detail: str) -> bytes:
    """The answer to a line that could not be taken."""
    return _encoder.encode({"line": number, "status": status, "title": title, "detail": detail})
