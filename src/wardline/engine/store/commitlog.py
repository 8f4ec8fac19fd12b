"""The durable front of the journal: records go into preallocated segment files, many at a time, and are acknowledged in order.

    log = CommitLog.open(folder / "log", files, next_seq=18, on_durable=print)
    log.append(18, payload)      # returns at once; on_durable(18) comes from a writer thread when it and all before it are on the medium
    log.recycle(18)              # everything up to 18 is safe elsewhere: segments that hold nothing newer are zeroed and used again

Group commit with writers in turn: while one batch is being synced the next one gathers and is written by the next writer, so that a record
waits for a share of one sync before its own begins. Starts are spread over the time of a sync (its running mean divided by the number of
writers): without that the writers bunch together and the spread is lost. A batch may be on the medium before an earlier one; it is
acknowledged only after it, since an answer may rest on everything that came before.

Several syncs at once help only where the disk works on them together. Every 2,048 batches a few go alone and a few overlap on purpose; where
an overlapping one takes more than twice as long, the disk serves them one after the other, and one writer at a time is then faster.

Where the disk refuses a write the log stops for good: after a failed sync nobody knows what the medium holds (the kernel marks the pages
clean), so the process must open the folder anew. A full disk is another matter: nothing here allocates while it writes.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from wardline.base.storage import Files, StorageBusy, StorageError, StorageFailed
from wardline.engine.store import segment

SEGMENT_BYTES = 8 << 20
BATCH_LIMIT_BYTES = 1 << 20
# Zeroing goes in steps with a sync after each: one sync of a whole segment would hold up those of the writers.
ZERO_CHUNK = bytes(1 << 19)
# Below this a pause would cost more in waking threads than it gains in spreading them.
SHORTEST_PAUSE_S = 0.0003
LONGEST_PAUSE_S = 0.004
# Of every PERIOD batches the first ALONE go one at a time, the next TOGETHER with all writers; the rest as these two compare.
PERIOD = 2048
ALONE = 8
TOGETHER = 16


class _Segment:
    """One file of the log: `used` bytes are written or given out, `last_seq` is the newest record in it."""

    __slots__ = ("descriptor", "last_seq", "path", "used")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.used = 0
        self.last_seq = 0


class Batch:
    """Records on their way to the medium: made by `begin`, moved by `write`, acknowledged by `finish`."""

    __slots__ = ("crowded", "data", "done", "last_seq", "number", "offset", "segment", "started_s")

    def __init__(self, target: _Segment, offset: int, data: bytes, last_seq: int, number: int, crowded: bool) -> None:
        self.number = number
        self.crowded = crowded
        self.segment = target
        self.offset = offset
        self.data = data
        self.last_seq = last_seq
        self.done = False
        self.started_s = time.monotonic()


class CommitLog:
    """See the module. `append`, `begin`, `finish`, `recycle` and `stats` may be called from any thread."""

    def __init__(
        self,
        path: Path,
        files: Files,
        next_seq: int,
        on_durable: Callable[[int], None],
        on_failure: Callable[[StorageError], None],
        segment_bytes: int,
        segments_limit: int,
        queue_limit_bytes: int,
        writers: int,
    ) -> None:
        self._path = path
        self._files = files
        self._on_durable = on_durable
        self._on_failure = on_failure
        self._segment_bytes = segment_bytes
        self._segments_limit = segments_limit
        self._queue_limit_bytes = queue_limit_bytes
        self._writers = writers
        self._wake = threading.Condition(threading.Lock())
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._next_seq = next_seq
        self._durable_seq = next_seq - 1
        self._first_queued = next_seq
        self._inflight: deque[Batch] = deque()
        self._ready: deque[_Segment] = deque()
        self._retired: deque[_Segment] = deque()
        self._active: _Segment | None = None
        self._made = 0
        self._idle = 0
        self._closing = False
        self._last_start_s = 0.0
        self._sync_s = 0.0
        self._writing = 0
        self._together = True
        self._together_now = False  # whether appends wake nobody: the one thread that appends says so
        self._alone_s: list[float] = []
        self._together_s: list[float] = []
        self._batches = 0
        self._bytes = 0
        self._failure: StorageError | None = None
        self._threads: list[threading.Thread] = []

    @classmethod
    def open(
        cls,
        path: Path,
        files: Files,
        *,
        next_seq: int,
        on_durable: Callable[[int], None],
        on_failure: Callable[[StorageError], None] = lambda error: None,
        segment_bytes: int = SEGMENT_BYTES,
        segments_limit: int = 8,
        segments_ready: int = 2,
        queue_limit_bytes: int = 16 << 20,
        writers: int = 3,
    ) -> "CommitLog":
        """Open the log for new records; what the segments hold must be indexed before (`recover`), since it is zeroed here.

        writers: threads; 0 for tests, which then call `begin`, `write` and `finish` themselves. Raises OSError when the disk is full.
        """
        files.make_folder(path)
        log = cls(path, files, next_seq, on_durable, on_failure, segment_bytes, segments_limit, queue_limit_bytes, writers)
        for name in segment_names(files, path):
            log._adopt(path / name)
        log.prepare(segments_ready)
        for number in range(writers):
            thread = threading.Thread(target=log._run, name=f"commit-log-{number}", daemon=True)
            log._threads.append(thread)
            thread.start()
        return log

    @property
    def durable_seq(self) -> int:
        """The newest record that is on the medium together with all before it."""
        return self._durable_seq

    @property
    def wants_segment(self) -> bool:
        """True when no blank segment waits: whoever indexes should `recycle` or `prepare` now."""
        return not self._ready

    @property
    def failure(self) -> StorageError | None:
        """Why the log stopped, None while it works."""
        return self._failure

    def append(self, seq: int, payload: bytes) -> None:
        """Queue one record; `seq` must be one more than the last. Raises StorageBusy, StorageFailed, ValueError."""
        framed = segment.frame(payload)
        if segment.room_needed(len(framed)) > self._segment_bytes:
            raise ValueError(f"a record of {len(payload)} bytes does not fit a segment of {self._segment_bytes}")
        with self._wake:
            if self._failure is not None:
                raise self._failure
            if self._closing:
                raise StorageFailed("the journal is closed", str(self._path), "Open it again.")
            if seq != self._next_seq:
                raise ValueError(f"the next record is {self._next_seq}, not {seq}")
            if self._queue_bytes + len(framed) > self._queue_limit_bytes:
                raise StorageBusy(
                    f"{self._queue_bytes} bytes wait for the disk",
                    str(self._path),
                    "Send again in a moment; look at the disk if this stays so.",
                )
            self._queue.append(framed)
            self._queue_bytes += len(framed)
            self._next_seq += 1
            if self._idle and not self._together_now:
                self._wake.notify()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is appended within wakes nobody: it goes to the medium when the block ends, in few batches."""
        self._together_now = True
        try:
            yield
        finally:
            with self._wake:
                self._together_now = False
                if self._queue and self._idle:
                    self._wake.notify()

    def begin(self) -> Batch | None:
        """Take what is queued, as far as it fits, and give it a place; None when there is nothing or no room yet."""
        with self._wake:
            return self._begin()

    def _begin(self) -> Batch | None:
        if not self._queue or self._failure is not None:
            return None
        if self._active is None or not self._fits(self._active, len(self._queue[0])):
            if not self._ready:
                return None
            if self._active is not None:
                self._retired.append(self._active)
            self._active = self._ready.popleft()
        target = self._active
        frames: list[bytes] = []
        size = 0
        while (
            self._queue
            and (not frames or size + len(self._queue[0]) <= BATCH_LIMIT_BYTES)
            and self._fits(target, size + len(self._queue[0]))
        ):
            framed = self._queue.popleft()
            frames.append(framed)
            size += len(framed)
        self._queue_bytes -= size
        data = segment.batch(self._first_queued, self._durable_seq, frames)
        self._first_queued += len(frames)
        item = Batch(target, target.used, data, self._first_queued - 1, self._batches, self._writing > 0)
        self._writing += 1
        target.used += len(data)
        target.last_seq = item.last_seq
        self._inflight.append(item)
        self._last_start_s = item.started_s
        self._batches += 1
        self._bytes += len(data)
        return item

    def _fits(self, target: _Segment, frames_bytes: int) -> bool:
        return target.used + segment.room_needed(frames_bytes) <= self._segment_bytes

    def write(self, item: Batch) -> None:
        """Put a batch on the medium. Raises OSError. Without the lock: other writers go on."""
        self._files.write_durably(item.segment.descriptor, item.data, item.offset)

    def finish(self, item: Batch, error: OSError | None = None) -> None:
        """Acknowledge a batch and whatever was waiting for it, or stop the log when the disk refused it."""
        advanced = False
        with self._wake:
            if error is not None and self._failure is None:
                self._failure = StorageFailed(
                    f"the disk refused a write: {error.strerror or error}",
                    str(item.segment.path),
                    "Check the disk, then restart: what was answered is read back.",
                )
                self._wake.notify_all()
            item.done = error is None
            item.data = b""
            self._writing -= 1
            took = time.monotonic() - item.started_s
            self._sync_s = took if self._sync_s == 0.0 else self._sync_s * 0.9 + took * 0.1
            self._compare(item, took)
            while self._inflight and self._inflight[0].done and self._failure is None:
                self._durable_seq = self._inflight.popleft().last_seq
                advanced = True
            durable, failure = self._durable_seq, self._failure
        if advanced:
            self._on_durable(durable)
        if failure is not None:
            self._on_failure(failure)

    def _at_once(self) -> int:
        """How many batches may be under way now."""
        phase = self._batches % PERIOD
        if phase < ALONE:
            return 1
        return self._writers if phase < ALONE + TOGETHER or self._together else 1

    def _compare(self, item: Batch, took_s: float) -> None:
        phase = item.number % PERIOD
        if phase < ALONE and not item.crowded:
            self._alone_s.append(took_s)
        elif ALONE <= phase < ALONE + TOGETHER and item.crowded:
            self._together_s.append(took_s)
        elif phase >= ALONE + TOGETHER and (self._alone_s or self._together_s):
            alone, together = sorted(self._alone_s), sorted(self._together_s)
            # Where nothing overlapped the load is too light for it to matter.
            self._together = not alone or not together or together[len(together) // 2] < 2 * alone[len(alone) // 2]
            self._alone_s, self._together_s = [], []

    def _run(self) -> None:
        while True:
            with self._wake:
                item = self._next()
            if item is None:
                return
            try:
                self.write(item)
            except OSError as error:
                self.finish(item, error)
                return
            self.finish(item)

    def _next(self) -> Batch | None:
        """Wait for work and take it; None when the log closes. The lock is held."""
        while True:
            if self._failure is not None or (self._closing and not self._queue):
                # A writer that had to wait for its turn when the log began to close would wait for ever.
                self._wake.notify_all()
                return None
            pause = 0.0
            if self._queue and self._writing < self._at_once():
                if self._writing and not self._closing:
                    pause = self._last_start_s + min(self._sync_s / self._writers, LONGEST_PAUSE_S) - time.monotonic()
                if pause < SHORTEST_PAUSE_S:
                    item = self._begin()
                    if item is not None:
                        return item
                    pause = 0.0
            self._idle += 1
            self._wake.wait(pause if pause > 0.0 else None)
            self._idle -= 1

    def recycle(self, indexed_seq: int) -> int:
        """Zero and reuse the segments that hold nothing after `indexed_seq`. Gives how many. Raises OSError."""
        count = 0
        while True:
            with self._wake:
                if not self._retired or self._retired[0].last_seq > indexed_seq:
                    return count
                item = self._retired.popleft()
            self._blank(item)
            with self._wake:
                self._ready.append(item)
                self._wake.notify_all()
            count += 1

    def rotate(self) -> None:
        """Retire the active segment, so that `recycle` can zero all that was written up to now."""
        with self._wake:
            if self._active is not None and self._active.used:
                self._retired.append(self._active)
                self._active = None

    def prepare(self, ready: int = 2) -> None:
        """Make segments until `ready` are waiting or the limit is reached. Raises OSError when the disk is full."""
        while True:
            with self._wake:
                total = len(self._ready) + len(self._retired) + (self._active is not None)
                if len(self._ready) >= ready or total >= self._segments_limit:
                    return
            self._made += 1
            item = self._adopt(self._path / f"{self._made:06}.log", make=True)
            with self._wake:
                self._ready.append(item)
                self._wake.notify_all()

    def _adopt(self, path: Path, *, make: bool = False) -> _Segment:
        """Open a segment and make sure that it is there in full and blank; durable when this returns."""
        descriptor = self._files.open(path, create=make)
        item = _Segment(path, descriptor)
        try:
            if (
                make
                or self._files.size(descriptor) != self._segment_bytes
                or not segment.is_blank(self._files, descriptor, self._segment_bytes)
            ):
                item.used = self._segment_bytes
                self._blank(item)
                self._files.sync_folder(self._path)
        except OSError:
            self._files.close(descriptor)
            if make:
                self._made -= 1
                self._files.remove(path)
            raise
        if not make:
            self._made = max(self._made, int(path.stem))
            self._ready.append(item)
        return item

    def _blank(self, item: _Segment) -> None:
        for offset in range(0, item.used, len(ZERO_CHUNK)):
            self._files.pwrite(item.descriptor, ZERO_CHUNK[: item.used - offset], offset)
            self._files.fdatasync(item.descriptor)
        item.used = item.last_seq = 0

    def stats(self) -> dict[str, float]:
        """Figures for metrics: batches, bytes, queue_bytes, sync_ms (running mean), segments, segments_ready."""
        with self._wake:
            return {
                "batches": self._batches,
                "bytes": self._bytes,
                "queue_bytes": self._queue_bytes,
                "sync_ms": self._sync_s * 1e3,
                "segments": len(self._ready) + len(self._retired) + (self._active is not None),
                "segments_ready": len(self._ready),
            }

    def stop(self) -> None:
        """Write what is queued and end the writers."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Close the files. Call `stop` first; what is not indexed stays in the segments."""
        for item in (*self._ready, *self._retired, *((self._active,) if self._active else ())):
            self._files.close(item.descriptor)
        self._ready.clear()
        self._retired.clear()
        self._active = None


def segment_names(files: Files, path: Path) -> list[str]:
    """The log's files, oldest name first."""
    return [name for name in files.names(path) if name.endswith(".log") and name[:-4].isdigit()] if files.exists(path) else []
