"""The journal: the append-only record of events, decisions, labels, actions and audit notes, and the only source of truth.

    journal = Journal.open(Path("/var/lib/wardline"))
    receipt = journal.append(Record(0, 0, "event", id="01K…", time_us=now_us, body=b"…"))
    await receipt                                     # durable: survives kill -9 and power loss from here on
    journal.find_id("event", "01K…")                  # found at once, also before it is indexed
    for record in journal.read(1): …

In front stands the commit log (`engine.store.commitlog`), which makes records durable in a few milliseconds; behind it one thread moves them in big
batches into SQL (`engine.sql.indices`: SQLite, PostgreSQL, MariaDB). A segment of the log is used again only after the transaction that holds its records is durable. What is
not indexed yet is kept in memory too, bounded: when the index lags, `append` raises StorageBusy instead of growing.

On a full disk `append` raises StorageFull before anything is written, once less than `min_free_bytes` is left; what was taken before can be
finished, since the log's space exists already and the reserve is larger than what the index needs for it. It works again when there is space.
"""

import contextlib
import errno
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec
from sqlalchemy.exc import DatabaseError

from wardline.base.clock import Clock, SystemClock
from wardline.base.privacy import Keyring, load_or_make_key
from wardline.base.storage import Files, Folder, StorageDamaged, StorageError, StorageFull
from wardline.engine.record import Record, check, encode
from wardline.engine.sql.index import decoded
from wardline.engine.sql.indices import JournalIndex, OpenIndex, embedded
from wardline.engine.sql.seen import Seen
from wardline.engine.sql.sql_index import Gap
from wardline.engine.store.commitlog import SEGMENT_BYTES, CommitLog
from wardline.engine.store.erasure import Erasure
from wardline.engine.store.indexer import Indexer
from wardline.engine.store.lookup import Lookup
from wardline.engine.store.receipt import Receipt, Receipts
from wardline.engine.store.recovery import payloads, recover
from wardline.engine.store.room import Room
from wardline.engine.store.tail import Tail
from wardline.engine.store.vault import Vault

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
        self._lock = threading.Lock()
        self._tail = Tail()
        self.vault = Vault(self.append, index.vault, keyring, clock)
        self._lookup = Lookup(index, self._tail, Seen())
        self._room = Room(
            folder, clock, self._tail, index, min_free_bytes=settings.min_free_bytes, tail_limit_bytes=settings.tail_limit_bytes
        )
        self._indexer = Indexer(
            index,
            self.vault,
            self._lookup.seen,
            self._tail,
            self._receipts,
            interval_seconds=settings.index_interval_seconds,
            checkpoint_bytes=settings.checkpoint_bytes,
        )

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
        index: opens the database behind the log; SQLite in the folder unless told otherwise (`engine.sql.indices`).
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
        self._lookup.seen.ready = after_seq == 0  # nothing is filed yet
        left = (decoded(payload) for batch in payloads(files, found) for payload in batch)
        self._indexer.catch_up(record for record in left if record.seq > after_seq)
        if found.lost:
            self._index.note_lost(found.lost, self._clock.now_us())
        if found.last_seq > self._index.indexed_seq:
            self._index.write((), through_seq=found.last_seq)
        if self._index.may_be_away and not self._lookup.seen.ready:
            self._lookup.make_filter()
        self.vault.remove_orphans()
        self.recovered = found
        self._receipts.advance(found.last_seq)
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
        self._erasure = Erasure(self._index, self._indexer, self.vault, self._log)
        self._indexer.start(self._log)
        self._lookup.await_filter(SEEN_WAIT_S)

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
        self._room.check(len(record.body), self._indexer.error)
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

    async def room(self) -> None:
        """Wait until less than half of the memory for what is not indexed is in use: for bulk work on an event loop."""
        await self._room.wait_on_loop()

    def wait_for_room(self, timeout_seconds: float = 60.0) -> None:
        """The same without a loop. Raises TimeoutError."""
        self._room.wait(timeout_seconds)

    def _advanced(self, durable_seq: int) -> None:
        self._receipts.advance(durable_seq)
        self._indexer.wake()

    # Reading

    def find_id(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id, also while it is still on its way to the medium."""
        return self._lookup.find_id(kind, id)

    def find_key(self, key: str, limit: int = 100) -> list[Record]:
        """The newest records that carry a key, newest first."""
        return self._lookup.find_key(key, limit)

    def find_subject(self, subject: str, limit: int = 100) -> list[Record]:
        """The newest records of a subject, newest first."""
        return self._lookup.find_subject(subject, limit)

    def read(self, from_seq: int = 1, to_seq: int | None = None, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        """Records in order, both ends included, up to what is there when the reading begins. Vault entries are no part of it.

        Places that were erased are skipped: ask `gaps`.
        """
        yield from self._lookup.read(from_seq, self.last_seq if to_seq is None else min(to_seq, self.last_seq), kinds)

    def gaps(self, from_seq: int = 1, to_seq: int | None = None) -> list[Gap]:
        """What was erased or lost in a range: replay answers "not reproducible: erased" for it."""
        return self._index.gaps(from_seq, to_seq)

    def expired_before_us(self) -> dict[str, int]:
        """Per kind of record, the time before which retention removed everything."""
        return self._index.expired_before_us()

    def whole_from_us(self, *kinds: str) -> int:
        """The time from which on every record of these kinds (none: of all) is here; -1 when retention took none.

        Retention notes its time (`expired_before_us`) even where nothing was that old.
        """
        return max((time_us for kind, time_us in self._index.taken_before_us().items() if not kinds or kind in kinds), default=-1)

    # The index

    def index_now(self) -> int:
        """Move durable records into the index, one batch; gives how many. Raises DatabaseError and OSError: nothing is lost then."""
        return self._indexer.now()

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
        self._lookup.close()
        self._indexer.close()
        if self._log.failure is None and not self._tail:
            self._log.rotate()
            try:
                self._log.recycle(self._index.indexed_seq)
            except OSError as error:
                self._indexer.error = error
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
            "free_bytes": self._room.free_bytes,
            "index_failing": self._indexer.error is not None,
            **self._log.stats(),
        }

    def erase(self, subject: str) -> int:
        """Make a subject's records, vault entries and key unreadable for good; durable when it returns. Gives the number of records.

        Records of others that carry the subject among their keys go too. Blocks: not for event-loop threads. Snapshots of states are the
        caller's (`engine.states.snapshot`), and so are backups that were made before.
        """
        self.flush()
        return self._erasure.erase(subject, self._clock.now_us())

    def expire(self, now_us: int, ttl_days: dict[str, int]) -> int:
        """Remove records older than their kind's time to live, and vault entries whose time has come. Gives how many."""
        self.flush()
        return self._erasure.expire(now_us, ttl_days)

    def compact(self) -> None:
        """Give the space of erased and expired records back. Blocks, needs the database's size in free space, and holds up the indexer."""
        self.flush()
        self._erasure.compact()

    def copy_database(self, folder: Path) -> int:
        """A consistent copy of everything appended before this call, made while appending goes on; gives its last seq. See `engine.store.backup`.

        On a database server the records are the operator's to save; the folder then gets the note that names the database.
        """
        self.flush()
        # SQLite's own snapshot: the indexer goes on, and so does everybody else.
        return self._index.backup(folder)

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
