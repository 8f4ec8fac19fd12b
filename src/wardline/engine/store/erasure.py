"""Removing records for good: a subject's, those past their time, and the space that they had.

    erasure = Erasure(index, indexer, vault, log)
    erasure.erase("account:5f…", at_us)            # 17 records; durable, and no byte of it is left when it returns
    erasure.expire(now_us, {"event": 400})         # by kind, in days

A page at a time, and the indexer has its turn in between, before memory for what waits for it runs out. Everything removed is scrubbed out of
the commit log and of the database's own log before a call returns. All block: they are not for event-loop threads.
"""

from collections.abc import Mapping

from wardline.base.storage import StorageError
from wardline.engine.sql.indices import JournalIndex
from wardline.engine.sql.sql_index import FIRST, PAGE
from wardline.engine.store.commitlog import CommitLog
from wardline.engine.store.indexer import Indexer
from wardline.engine.store.vault import Vault

DAY_US = 86_400_000_000


class Erasure:
    """See the module. Everything that is to be removed is indexed before a call (`Journal.flush`)."""

    def __init__(self, index: JournalIndex, indexer: Indexer, vault: Vault, log: CommitLog) -> None:
        self._index, self._indexer, self._vault, self._log = index, indexer, vault, log

    def erase(self, subject: str, at_us: int) -> int:
        """Make a subject's records, vault entries and key unreadable; records of others that carry it among their keys go too."""
        with self._indexer.turn:
            count = self._vault.forget(subject)
        after: int | None = 0
        while after is not None:
            with self._indexer.turn:
                removed, after = self._index.erase(subject, at_us, after)
            count += removed
            self._indexer.now()
        with self._indexer.turn:
            self._scrub()
        return count

    def expire(self, now_us: int, ttl_days: Mapping[str, int]) -> int:
        """Remove records older than their kind's time to live, and vault entries whose time has come. Gives how many."""
        count = 0
        for kind, days in sorted(ttl_days.items()):
            removed, after = PAGE, FIRST
            while removed == PAGE:
                with self._indexer.turn:
                    removed, after = self._index.expire(kind, now_us - days * DAY_US, after)
                count += removed
                self._indexer.now()
        with self._indexer.turn:
            count += self._vault.expire(now_us)
            self._index.reclaim()
            self._scrub()
        return count

    def compact(self) -> None:
        """Give the space of what was removed back. Needs the database's size in free space, and holds up the indexer."""
        with self._indexer.turn:
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
