"""The journal: the append-only record of events, decisions, labels, actions and audit notes, and the only source of truth.

    journal = Journal.open(Path("/var/lib/wardline"))
    receipt = journal.append(Record(0, 0, "event", id="01K…", time_us=now_us, body=b"…"))
    await receipt                                     # durable: survives kill -9 and power loss from here on
    journal.find_id("event", "01K…")                  # found at once, also before it is indexed
    for record in journal.read(1): …

In front stands the commit log (`engine.commitlog`), which makes records durable in a few milliseconds; behind it one thread moves them in big
batches into SQL (`engine.indices`: SQLite, PostgreSQL, MariaDB). A segment of the log is used again only after the transaction that holds its records is durable. What is
not indexed yet is kept in memory too, bounded: when the index lags, `append` raises StorageBusy instead of growing.

On a full disk `append` raises StorageFull before anything is written, once less than `min_free_bytes` is left; what was taken before can be
finished, since the log's space exists already and the reserve is larger than what the index needs for it. It works again when there is space.
"""

import asyncio
import contextlib
import errno
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec
from sqlalchemy.exc import DatabaseError

from wardline.base.clock import Clock, SystemClock
from wardline.base.privacy import Keyring, load_or_make_key
from wardline.base.storage import Files, Folder, StorageBusy, StorageDamaged, StorageError, StorageFull, StorageLocked
from wardline.engine.backup import Manifest, backup
from wardline.engine.commitlog import SEGMENT_BYTES, CommitLog
from wardline.engine.index import decoded
from wardline.engine.indices import JournalIndex, OpenIndex, embedded
from wardline.engine.receipt import Receipt, Receipts
from wardline.engine.record import Record, check, encode, lookup_hash
from wardline.engine.recovery import payloads, recover
from wardline.engine.seen import Seen
from wardline.engine.sql_index import FIRST, PAGE, Gap, Sealed
from wardline.engine.tail import Tail
from wardline.engine.vault import Vault

INDEX_RECORDS = 4096
INDEX_BYTES = 4 << 20
RETRY_S = 0.5
SPACE_CHECK_NS = 200_000_000
# So many look-ups of unknown ids in SQL, and a filter is made that answers them from memory: a short command never gets there.
VAIN_LOOKUPS = 64
# A start waits so long for that filter where the database may go away: an outage right after it should cost new ids nothing.
SEEN_WAIT_S = 10.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal is run; every figure has a sane default.

    min_free_bytes: reserve on the file system; tail_limit_bytes: memory for what is not indexed yet; index_interval_seconds: how long a
    record waits for company before it is indexed; checkpoint_bytes: how much the index may write before it is folded into the database.
    """

    min_free_bytes: int = 256 << 20
    tail_limit_bytes: int = 32 << 20
    index_interval_seconds: float = 0.5
    checkpoint_bytes: int = 4 << 20
    segment_bytes: int = SEGMENT_BYTES
    segments_limit: int = 8
    writers: int = 3


class Journal:
    """See the module. `append` belongs to one thread at a time; reading is open to all."""

    def __init__(self, folder: Folder, index: JournalIndex, keyring: Keyring, clock: Clock, settings: Settings) -> None:
        self.folder = folder
        self._index = index
        self._clock = clock
        self._settings = settings
        self._receipts = Receipts(index.indexed_seq)
        self._log: CommitLog
        self._next_seq = 1
        self.vault = Vault(self.append, index.vault, keyring, clock)
        self._tail = Tail()
        self._seen = Seen()
        self._vain_lookups = 0
        self._seen_maker: threading.Thread | None = None
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        # Held by whoever writes to SQL, so that the indexer and an erasure take turns instead of waiting in the database.
        self._sql = threading.RLock()
        self._closing = False
        self._unfolded_bytes = 0
        self._space_checked_ns = -SPACE_CHECK_NS
        self._free_bytes = 0
        self._index_error: Exception | None = None
        self._indexer = threading.Thread(target=self._run, name="journal-index", daemon=True)

    @classmethod
    def open(
        cls,
        path: Path,
        files: Files | None = None,
        *,
        clock: Clock | None = None,
        settings: Settings | None = None,
        folder_key_path: Path | None = None,
        accept_damage: bool = False,
        index: OpenIndex = embedded,
    ) -> Self:
        """Open the journal of a data folder, made where it is missing; what a crash left in the commit log is indexed first.

        folder_key_path: the key that wraps the vault's keys, DATA/keys/folder.key unless it is kept elsewhere.
        accept_damage: go on when records that were answered cannot be read any more; their places are written down as gone by damage.
        index: opens the database behind the log; SQLite in the folder unless told otherwise (`engine.indices`).
        Raises StorageLocked, StorageFull, StorageDamaged, StorageError.
        """
        clock = clock if clock is not None else SystemClock()
        settings = settings if settings is not None else Settings()
        folder = Folder.open(path, files)
        try:
            key = load_or_make_key(folder.files, folder_key_path if folder_key_path is not None else path / "keys" / "folder.key")
            opened = index(folder)
            try:
                journal = cls(folder, opened, Keyring(key, folder.files, path / "keys" / "subjects.keys"), clock, settings)
                journal._start(accept_damage)
            except BaseException:
                opened.close()
                raise
        except BaseException as error:
            folder.close()
            if isinstance(error, OSError | DatabaseError):
                raise _told(error, path) from error
            raise
        return journal

    def _start(self, accept_damage: bool) -> None:
        """Index what the log still holds, blank it, and begin anew behind it."""
        where = self.folder.path / "log"
        files = self.folder.files
        found = recover(files, where, self._index.indexed_seq, self._index.promised_seq)
        if found.lost and not accept_damage:
            ranges = ", ".join(f"{first} to {last}" for first, last in found.lost)
            raise StorageDamaged(
                f"records {ranges} were answered and cannot be read any more",
                str(where),
                "Restore the last backup, or open with accept_damage to keep the rest; the lost places are then written down.",
            )
        after_seq = self._index.indexed_seq
        self._seen.ready = after_seq == 0  # nothing is filed yet
        waiting: list[Record] = []
        for batch in payloads(files, found):
            waiting += [record for record in map(decoded, batch) if record.seq > after_seq]
            # Many batches of the log in one transaction: each waits for the disk.
            if len(waiting) >= INDEX_RECORDS:
                self._write_index(waiting)
                waiting = []
        self._write_index(waiting)
        if found.lost:
            self._index.note_lost(found.lost, self._clock.now_us())
        if found.last_seq > self._index.indexed_seq:
            self._index.write((), through_seq=found.last_seq)
        if self._index.may_be_away and not self._seen.ready:
            self._start_seen()
        self.vault.remove_orphans()
        self.recovered = found
        self._receipts = Receipts(found.last_seq)
        self._next_seq = found.last_seq + 1
        self._log = CommitLog.open(
            where,
            files,
            next_seq=self._next_seq,
            on_durable=self._advanced,
            on_failure=self._receipts.fail,
            segment_bytes=self._settings.segment_bytes,
            segments_limit=self._settings.segments_limit,
            queue_limit_bytes=self._settings.tail_limit_bytes,
            writers=self._settings.writers,
        )
        self._indexer.start()
        if self._seen_maker is not None:
            self._seen_maker.join(SEEN_WAIT_S)

    # Writing

    @property
    def next_seq(self) -> int:
        """The place that the next record gets."""
        return self._next_seq

    @property
    def durable_seq(self) -> int:
        """The newest record that is durable together with all before it."""
        return self._receipts.durable_seq

    @property
    def failure(self) -> StorageError | None:
        """Why nothing can be written until a restart, None while all is well: for readiness checks."""
        return self._receipts.failure

    @property
    def last_seq(self) -> int:
        """The newest record that was appended, durable or not; 0 for an empty journal."""
        return self._next_seq - 1

    def append(self, record: Record) -> Receipt:
        """Take a record, give it a place and return at once; the receipt can be awaited or waited for.

        record.seq is 0, or `next_seq`. Raises ValueError for a record out of bounds; StorageFull, StorageBusy and StorageFailed, in which
        case nothing was taken. Never blocks on the disk.
        """
        check(record)
        self._check_room(len(record.body))
        with self._lock:
            seq = self._next_seq
            if record.seq not in (0, seq):
                raise ValueError(f"the next record has seq {seq}, not {record.seq}")
            if record.seq == 0:
                record = record.with_seq(seq)
            payload = encode(record)
            self._log.append(seq, payload)
            self._next_seq = seq + 1
            self._tail.add(record, len(payload))
        return Receipt(self._receipts, seq)

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Records that are appended within become durable together, soon after the block ends: for bulk work, which waits once for many.

        Wait for no receipt of theirs within.
        """
        return self._log.together()

    def receipt(self, seq: int) -> Receipt:
        """A receipt for a record that was appended before: await it before an answer rests on what `find_id` found."""
        return Receipt(self._receipts, seq)

    def _check_room(self, size: int) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._space_checked_ns >= SPACE_CHECK_NS or self._space_checked_ns > now_ns:
            self._free_bytes = self.folder.free_bytes()
            self._space_checked_ns = now_ns
        if self._free_bytes < self._settings.min_free_bytes:
            self._space_checked_ns = now_ns - SPACE_CHECK_NS
            raise StorageFull(
                f"only {self._free_bytes} bytes are free and {self._settings.min_free_bytes} are kept in reserve",
                str(self.folder.path),
                "Free space on this disk: it goes on by itself.",
            )
        full = self._tail.size_bytes + size > self._settings.tail_limit_bytes
        # Taken over by another process, or gone back: what is taken from here on could not be kept.
        if full or isinstance(self._index_error, StorageLocked | StorageDamaged):
            if isinstance(self._index_error, StorageError):
                error = self._index_error
                raise type(error)(f"{self._tail.size_bytes} bytes wait for the index: {error.what}", error.where, error.remedy)
            if self._index_error is not None:
                raise StorageFull(
                    f"the index cannot be written: {self._index_error}",
                    self._index.where,
                    "Free space or repair the disk: it goes on by itself.",
                )
            raise StorageBusy(f"{self._tail.size_bytes} bytes wait for the index", self._index.where, "Send again in a moment.")

    async def room(self) -> None:
        """Wait until less than half of the memory for what is not indexed is in use: for bulk work on an event loop."""
        # Polled: the indexer is a thread, and an event of its own would cost every batch something that only bulk work needs.
        while self._tail.size_bytes * 2 > self._settings.tail_limit_bytes:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def wait_for_room(self, timeout_seconds: float = 60.0) -> None:
        """The same without a loop. Raises TimeoutError."""
        end = time.monotonic() + timeout_seconds
        while self._tail.size_bytes * 2 > self._settings.tail_limit_bytes:
            if time.monotonic() > end:
                raise TimeoutError(f"the index made no room within {timeout_seconds} seconds")
            time.sleep(0.01)

    def _advanced(self, durable_seq: int) -> None:
        self._receipts.advance(durable_seq)
        if self._log.wants_segment or self._tail.size_bytes > INDEX_BYTES:
            with self._work:
                self._work.notify()

    # Reading

    def find_id(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id, also while it is still on its way to the medium."""
        # The tail first: a record that moves to the index meanwhile is found in one of them or in both, never in neither.
        recent = self._tail.find(kind, id)
        if self._seen.ready:
            if not self._seen.maybe(lookup_hash("id", f"{kind}/{id}")):
                return recent
            try:
                return self._index.find_id(kind, id) or recent
            except StorageBusy:
                # The database is away, and what waits for it is the best answer; without one nobody knows.
                if recent is None:
                    raise
                return recent
        older = self._index.find_id(kind, id)
        if older is None:
            self._vain_lookups += 1
            if self._vain_lookups % VAIN_LOOKUPS == 0 and self._seen_maker is None:
                self._start_seen()
        return older or recent

    def _start_seen(self) -> None:
        self._seen_maker = threading.Thread(target=self._make_seen, name="journal-seen", daemon=True)
        self._seen_maker.start()

    def _make_seen(self) -> None:
        try:
            self._seen.build(self._index.filed, lambda: self._closing)
        except (DatabaseError, StorageError, sqlite3.Error):
            # Tried again after as many vain look-ups; until then they cost what they did before.
            self._seen_maker = None

    def find_key(self, key: str, limit: int = 100) -> list[Record]:
        """The newest records that carry a key, newest first."""
        recent = [record for record in self._tail.records() if key in record.keys]
        return self._merged(recent, self._index.find_key(key, limit), limit)

    def find_subject(self, subject: str, limit: int = 100) -> list[Record]:
        """The newest records of a subject, newest first."""
        recent = [record for record in self._tail.records() if record.subject == subject]
        return self._merged(recent, self._index.find_subject(subject, limit), limit)

    def _merged(self, recent: list[Record], older: list[Record], limit: int) -> list[Record]:
        found = {record.seq: record for record in (*older, *recent)}
        return [found[seq] for seq in sorted(found, reverse=True)[:limit]]

    def read(self, from_seq: int = 1, to_seq: int | None = None, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        """Records in order, both ends included, up to what is there when the reading begins. Vault entries are no part of it.

        Places that were erased are skipped: ask `gaps`.
        """
        last = self.last_seq if to_seq is None else min(to_seq, self.last_seq)
        recent = [r for r in self._tail.records() if from_seq <= r.seq <= last and (kinds is None or r.kind in kinds)]
        before = recent[0].seq - 1 if recent else last
        yield from self._index.read(from_seq, before, kinds)
        yield from recent

    def gaps(self, from_seq: int = 1, to_seq: int | None = None) -> list[Gap]:
        """What was erased or lost in a range: replay answers "not reproducible: erased" for it."""
        return self._index.gaps(from_seq, to_seq)

    def expired_before_us(self) -> dict[str, int]:
        """Per kind of record, the time before which retention removed everything."""
        return self._index.expired_before_us()

    # The indexer

    def _run(self) -> None:
        while True:
            with self._work:
                # Asked first: whoever closes may have called while this thread was at work.
                if not self._closing:
                    self._work.wait(self._settings.index_interval_seconds)
                closing = self._closing
            try:
                while self.index_now():
                    pass
            except (DatabaseError, StorageError, OSError) as error:
                # A full disk, a lock that lasts, a database that is away: the records are safe in the log and in memory, so try again.
                self._index_error = error
                # The log goes on meanwhile, and cannot use a segment again.
                with contextlib.suppress(OSError):
                    self._log.prepare()
                if not closing:
                    time.sleep(RETRY_S)
                    continue
            if closing:
                return

    def index_now(self) -> int:
        """Move durable records into the index, one batch; gives how many. Raises DatabaseError and OSError: nothing is lost then."""
        with self._sql:
            batch = self._tail.first(self._receipts.durable_seq, INDEX_RECORDS, INDEX_BYTES)
            self._index.tend()
            if batch:
                self._write_index(batch)
                self._unfolded_bytes += self._tail.remove(batch)
            self._index_error = None
            self._log.recycle(self._index.indexed_seq)
            self._log.prepare()
            if self._unfolded_bytes > self._settings.checkpoint_bytes and self._index.checkpoint():
                self._unfolded_bytes = 0
            return len(batch)

    def _write_index(self, batch: Sequence[Record]) -> None:
        if not batch:
            return
        # Before they leave the tail, so that "never seen" is true at every moment.
        self._seen.add([lookup_hash("id", f"{record.kind}/{record.id}") for record in batch if record.kind != "vault"])
        sealed: list[Sealed] = []
        slots: list[tuple[int, int]] = []
        for record in batch:
            if record.kind == "vault":
                entry, slot = self.vault.absorb(record)
                sealed.append(entry)
                if slot is not None:
                    slots.append(slot)
        if slots:
            self.vault.sync_keys()
        self._index.write([record for record in batch if record.kind != "vault"], sealed, slots, through_seq=batch[-1].seq)
        self.vault.indexed(record for record in batch if record.kind == "vault")

    def flush(self, timeout_seconds: float = 60.0) -> None:
        """Block until everything appended so far is durable and indexed. Not for event-loop threads."""
        target = self.last_seq
        if target:
            self._receipts.wait(target, timeout_seconds)
        while self._index.indexed_seq < target and self.index_now():
            pass

    def close(self) -> None:
        """Write and index what is there, blank the log, give the folder up."""
        self._log.stop()
        with self._work:
            self._closing = True
            self._work.notify_all()
        self._indexer.join()
        if self._seen_maker is not None:
            self._seen_maker.join()
        if self._log.failure is None and not self._tail:
            self._log.rotate()
            try:
                self._log.recycle(self._index.indexed_seq)
            except OSError as error:
                self._index_error = error
        self._log.close()
        self._index.close()
        self.vault.close()
        self.folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Care

    def stats(self) -> dict[str, float]:
        """Figures for metrics: last_seq, durable_seq, indexed_seq, waiting_records, waiting_bytes, free_bytes and those of the log."""
        return {
            "last_seq": self.last_seq,
            "durable_seq": self.durable_seq,
            "indexed_seq": self._index.indexed_seq,
            "waiting_records": len(self._tail),
            "waiting_bytes": self._tail.size_bytes,
            "free_bytes": self._free_bytes,
            "index_failing": self._index_error is not None,
            **self._log.stats(),
        }

    def erase(self, subject: str) -> int:
        """Make a subject's records, vault entries and key unreadable for good; durable when it returns. Gives the number of records.

        Records of others that carry the subject among their keys go too. Blocks: not for event-loop threads. Snapshots of states are the
        caller's (`engine.snapshot`), and so are backups that were made before.
        """
        self.flush()
        at_us = self._clock.now_us()
        with self._sql:
            count = self.vault.forget(subject)
        after: int | None = 0
        while after is not None:
            with self._sql:
                removed, after = self._index.erase(subject, at_us, after)
            count += removed
            # The indexer's turn, before memory for what waits for it runs out.
            self.index_now()
        with self._sql:
            self._scrub()
        return count

    def expire(self, now_us: int, ttl_days: dict[str, int]) -> int:
        """Remove records older than their kind's time to live, and vault entries whose time has come. Gives how many."""
        self.flush()
        count = 0
        for kind, days in sorted(ttl_days.items()):
            removed, after = PAGE, FIRST
            while removed == PAGE:
                with self._sql:
                    removed, after = self._index.expire(kind, now_us - days * 86_400_000_000, after)
                count += removed
                # The indexer's turn, before memory for what waits for it runs out.
                self.index_now()
        with self._sql:
            count += self.vault.expire(now_us)
            self._index.reclaim()
            self._scrub()
        return count

    def compact(self) -> None:
        """Give the space of erased and expired records back. Blocks, needs the database's size in free space, and holds up the indexer."""
        self.flush()
        with self._sql:
            self._index.compact()
            self._scrub()

    def _scrub(self) -> None:
        """Leave no trace of what was removed: neither in the log's segments nor in SQLite's write-ahead log."""
        self._log.rotate()
        self._log.recycle(self._index.indexed_seq)
        # SQLite itself waits half a minute for readers.
        for _ in range(2):
            if self._index.checkpoint(truncate=True):
                return
        raise StorageError(
            "a reader keeps old pages in use",
            self._index.where,
            "End long-running reads and erase again: what was removed is not scrubbed yet.",
        )

    def copy_database(self, folder: Path) -> int:
        """A consistent copy of everything appended before this call, made while appending goes on; gives its last seq. See `engine.backup`.

        On a database server the records are the operator's to save; the folder then gets the note that names the database.
        """
        self.flush()
        # SQLite's own snapshot: the indexer goes on, and so does everybody else.
        return self._index.backup(folder)

    def backup(self, target: Path) -> Manifest:
        """Copy the folder's data into a new folder while everything goes on. Blocks: not for event-loop threads. See `engine.backup`."""
        return backup(self, target, self._clock.now_us())

    def verify(self) -> tuple[int, list[str]]:
        """Read every record and compare checksums: (records read, a line for each defect)."""
        self.flush()
        return self._index.verify()


def _reason(error: Exception) -> str:
    return str(error.orig) if isinstance(error, DatabaseError) else str(error)


def _told(error: OSError | DatabaseError, path: Path) -> StorageError:
    reason = _reason(error)
    what = f"the data folder cannot be used: {reason}"
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "disk is full" in reason:
        return StorageFull(what, str(path), "Free space on this disk, then start again: nothing that was answered is lost.")
    return StorageError(what, str(path), "Check the folder's owner and the disk, then start again.")
