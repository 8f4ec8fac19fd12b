"""The indexer: one thread that moves what is durable from the commit log and the tail into SQL, in big batches.

    indexer = Indexer(index, vault, seen, tail, receipts, interval_seconds=0.5, checkpoint_bytes=4 << 20)
    indexer.catch_up(records)         # a start files what the log still holds, before anything runs
    indexer.start(log)
    indexer.now()                     # one batch at once: how many records it moved
    with indexer.turn: …              # nobody else writes to SQL meanwhile

A segment of the log is used again only after the transaction that holds its records is durable. While the database cannot be written (a full
disk, a server that is away) the records stay in the log and in memory, and it is tried again: `error` says of what it failed last.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable, Sequence

from sqlalchemy.exc import DatabaseError

from wardline.base.storage import StorageError
from wardline.engine.record import Record, lookup_hash
from wardline.engine.sql.indices import JournalIndex
from wardline.engine.sql.seen import Seen
from wardline.engine.sql.sql_index import Sealed
from wardline.engine.store.commitlog import CommitLog
from wardline.engine.store.receipt import Receipts
from wardline.engine.store.tail import Tail
from wardline.engine.store.vault import Vault

INDEX_RECORDS = 4096
INDEX_BYTES = 4 << 20
RETRY_S = 0.5


class Indexer:
    """See the module. interval_seconds: how long a record waits for company; checkpoint_bytes: how much the index may write before it is
    folded into the database."""

    def __init__(
        self,
        index: JournalIndex,
        vault: Vault,
        seen: Seen,
        tail: Tail,
        receipts: Receipts,
        *,
        interval_seconds: float,
        checkpoint_bytes: int,
    ) -> None:
        self.error: Exception | None = None
        # Held by whoever writes to SQL, so that the indexer and an erasure take turns instead of waiting in the database.
        self.turn = threading.RLock()
        self._index, self._vault, self._seen = index, vault, seen
        self._tail, self._receipts = tail, receipts
        self._interval_seconds, self._checkpoint_bytes = interval_seconds, checkpoint_bytes
        self._log: CommitLog
        self._work = threading.Condition()
        self._closing = False
        self._unfolded_bytes = 0
        self._thread = threading.Thread(target=self._run, name="journal-index", daemon=True)

    def catch_up(self, records: Iterable[Record]) -> None:
        """File what the log held at the start: many batches of it in one transaction, as each waits for the disk."""
        waiting = iter(records)
        while batch := list(itertools.islice(waiting, INDEX_RECORDS)):
            self.file(batch)

    def start(self, log: CommitLog) -> None:
        """Begin with what this log makes durable."""
        self._log = log
        self._thread.start()

    def wake(self) -> None:
        """Something became durable: move it now if the log waits for a segment, or much is waiting. From any thread."""
        if self._log.wants_segment or self._tail.size_bytes > INDEX_BYTES:
            with self._work:
                self._work.notify()

    def close(self) -> None:
        """Move what is there, if the database takes it, and end."""
        with self._work:
            self._closing = True
            self._work.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._work:
                # Asked first: whoever closes may have called while this thread was at work.
                if not self._closing:
                    self._work.wait(self._interval_seconds)
                closing = self._closing
            try:
                while self.now():
                    pass
            except (DatabaseError, StorageError, OSError) as error:
                # A full disk, a lock that lasts, a database that is away: the records are safe in the log and in memory, so try again.
                self.error = error
                # The log goes on meanwhile, and cannot use a segment again.
                with contextlib.suppress(OSError):
                    self._log.prepare()
                if not closing:
                    time.sleep(RETRY_S)
                    continue
            if closing:
                return

    def now(self) -> int:
        """Move durable records into the index, one batch; gives how many. Raises DatabaseError and OSError: nothing is lost then."""
        with self.turn:
            batch = self._tail.first(self._receipts.durable_seq, INDEX_RECORDS, INDEX_BYTES)
            self._index.tend()
            if batch:
                self.file(batch)
                self._unfolded_bytes += self._tail.remove(batch)
            self.error = None
            self._log.recycle(self._index.indexed_seq)
            self._log.prepare()
            if self._unfolded_bytes > self._checkpoint_bytes and self._index.checkpoint():
                self._unfolded_bytes = 0
            return len(batch)

    def file(self, batch: Sequence[Record]) -> None:
        """Write records into the index: vault entries to their own tables, all others so that they are found."""
        # Before they leave the tail, so that "never seen" is true at every moment.
        self._seen.add([lookup_hash("id", f"{record.kind}/{record.id}") for record in batch if record.kind != "vault"])
        sealed: list[Sealed] = []
        slots: list[tuple[int, int]] = []
        for record in batch:
            if record.kind == "vault":
                entry, slot = self._vault.absorb(record)
                sealed.append(entry)
                if slot is not None:
                    slots.append(slot)
        if slots:
            self._vault.sync_keys()
        self._index.write([record for record in batch if record.kind != "vault"], sealed, slots, through_seq=batch[-1].seq)
        self._vault.indexed(record for record in batch if record.kind == "vault")
