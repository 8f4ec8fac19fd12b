"""Whether the journal may take another record: free space on the disk, and memory for what the index has not taken over yet.

    room = Room(folder, clock, tail, index, min_free_bytes=256 << 20, tail_limit_bytes=32 << 20)
    room.check(2_150, None)           # raises StorageFull, StorageBusy: nothing was taken, and it goes on by itself
    await room.wait_on_loop()         # bulk work waits until half of the memory is free; `wait` does so without a loop

What is refused here was never taken: whoever asked may ask again, and what was taken before can be finished within the reserve.
"""

import asyncio
import time

from wardline.base.clock import Clock
from wardline.base.storage import Folder, StorageBusy, StorageDamaged, StorageError, StorageFull, StorageLocked
from wardline.engine.sql.indices import JournalIndex
from wardline.engine.store.tail import Tail

SPACE_CHECK_NS = 200_000_000
_LASTING = (StorageLocked, StorageDamaged)


class Room:
    """See the module. min_free_bytes: reserve on the file system; tail_limit_bytes: memory for what is not indexed yet."""

    def __init__(
        self, folder: Folder, clock: Clock, tail: Tail, index: JournalIndex, *, min_free_bytes: int, tail_limit_bytes: int
    ) -> None:
        self.min_free_bytes = min_free_bytes
        self.tail_limit_bytes = tail_limit_bytes
        self.free_bytes = 0  # as of the last look
        self._folder, self._clock, self._tail, self._index = folder, clock, tail, index
        self._looked_ns = -SPACE_CHECK_NS

    def check(self, size_bytes: int, failure: Exception | None) -> None:
        """Room for so many bytes? failure: what the index failed of last. Raises StorageFull, StorageBusy, or the index's own error."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._looked_ns >= SPACE_CHECK_NS or self._looked_ns > now_ns:
            self.free_bytes = self._folder.free_bytes()
            self._looked_ns = now_ns
        if self.free_bytes < self.min_free_bytes:
            self._looked_ns = now_ns - SPACE_CHECK_NS
            raise StorageFull(
                f"only {self.free_bytes} bytes are free and {self.min_free_bytes} are kept in reserve",
                str(self._folder.path),
                "Free space on this disk: it goes on by itself.",
            )
        waiting_bytes = self._tail.size_bytes
        # Taken over by another process, or gone back: what is taken from here on could not be kept.
        if waiting_bytes + size_bytes > self.tail_limit_bytes or isinstance(failure, _LASTING):
            if isinstance(failure, StorageError):
                raise type(failure)(f"{waiting_bytes} bytes wait for the index: {failure.what}", failure.where, failure.remedy)
            if failure is not None:
                raise StorageFull(
                    f"the index cannot be written: {failure}", self._index.where, "Free space or repair the disk: it goes on by itself."
                )
            raise StorageBusy(f"{waiting_bytes} bytes wait for the index", self._index.where, "Send again in a moment.")

    @property
    def _tight(self) -> bool:
        return self._tail.size_bytes * 2 > self.tail_limit_bytes

    async def wait_on_loop(self) -> None:
        """Wait until less than half of the memory for what is not indexed is in use: for bulk work on an event loop."""
        while self._tight:  # noqa: ASYNC110 - the indexer's thread would have to tell every loop after every batch, for bulk work alone
            await asyncio.sleep(0.01)

    def wait(self, timeout_seconds: float) -> None:
        """The same without a loop. Raises TimeoutError."""
        end = time.monotonic() + timeout_seconds
        while self._tight:
            if time.monotonic() > end:
                raise TimeoutError(f"the index made no room within {timeout_seconds} seconds")
            time.sleep(0.01)
