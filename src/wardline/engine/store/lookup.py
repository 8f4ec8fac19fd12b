"""Looking records up, wherever they are by now: in the tail, or in the index.

    lookup = Lookup(index, tail, seen)
    lookup.find_id("event", "01K…")        # found at once, also before it is indexed
    lookup.find_key("message:9c…", 100)    # the newest first
    lookup.read(1, 5000, None)             # in order

Nearly every id that is looked up was never seen before: after some such look-ups in vain a filter of the ids (`engine.sql.seen`) is made in a
thread of its own, and answers them from memory.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence

from sqlalchemy.exc import DatabaseError

from wardline.base.storage import StorageBusy, StorageError
from wardline.engine.record import Record, lookup_hash
from wardline.engine.sql.indices import JournalIndex
from wardline.engine.sql.seen import Seen
from wardline.engine.store.tail import Tail

# So many look-ups of unknown ids in SQL, and a filter is made that answers them from memory: a short command never gets there.
VAIN_LOOKUPS = 64


class Lookup:
    """See the module. Every call may come from any thread."""

    def __init__(self, index: JournalIndex, tail: Tail, seen: Seen) -> None:
        self.seen = seen
        self._index, self._tail = index, tail
        self._vain = 0
        self._maker: threading.Thread | None = None
        self._closing = False

    def find_id(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id, also while it is still on its way to the medium."""
        # The tail first: a record that moves to the index meanwhile is found in one of them or in both, never in neither.
        recent = self._tail.find(kind, id)
        if self.seen.ready:
            if not self.seen.maybe(lookup_hash("id", f"{kind}/{id}")):
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
            self._vain += 1
            if self._vain % VAIN_LOOKUPS == 0 and self._maker is None:
                self.make_filter()
        return older or recent

    def find_key(self, key: str, limit: int) -> list[Record]:
        """The newest records that carry a key, newest first."""
        recent = [record for record in self._tail.records() if key in record.keys]
        return _merged(recent, self._index.find_key(key, limit), limit)

    def find_subject(self, subject: str, limit: int) -> list[Record]:
        """The newest records of a subject, newest first."""
        recent = [record for record in self._tail.records() if record.subject == subject]
        return _merged(recent, self._index.find_subject(subject, limit), limit)

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None) -> Iterator[Record]:
        """Records in order, both ends included."""
        recent = [r for r in self._tail.records() if from_seq <= r.seq <= to_seq and (kinds is None or r.kind in kinds)]
        before = recent[0].seq - 1 if recent else to_seq
        yield from self._index.read(from_seq, before, kinds)
        yield from recent

    # The filter of ids

    def make_filter(self) -> None:
        """Begin to make it."""
        self._maker = threading.Thread(target=self._make, name="journal-seen", daemon=True)
        self._maker.start()

    def await_filter(self, timeout_seconds: float | None = None) -> None:
        """Wait until it is made, where one is being made, or the time is up."""
        maker = self._maker
        if maker is not None:
            maker.join(timeout_seconds)

    def _make(self) -> None:
        try:
            self.seen.build(self._index.filed, lambda: self._closing)
        except (DatabaseError, StorageError, sqlite3.Error):
            # Tried again after as many vain look-ups; until then they cost what they did before.
            self._maker = None

    def close(self) -> None:
        """Stop making the filter."""
        self._closing = True
        self.await_filter()


def _merged(recent: list[Record], older: list[Record], limit: int) -> list[Record]:
    found = {record.seq: record for record in (*older, *recent)}
    return [found[seq] for seq in sorted(found, reverse=True)[:limit]]
