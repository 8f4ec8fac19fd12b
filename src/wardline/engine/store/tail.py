"""The journal's tail: records that are taken and not indexed yet, kept in memory so that they are found at once.

    tail = Tail()
    tail.add(record, 2_150)                       # bytes it has in the log
    tail.find("decision", "01K…")                 # Record | None
    batch = tail.first(durable_seq, 4096, 4 << 20)
    tail.remove(batch)                            # they are in the index now

In order of seq; bounded by the journal, which asks for `size_bytes` before it takes another record.
"""

import threading
from collections.abc import Sequence

from wardline.engine.record import KINDS, Record


class Tail:
    """See the module. Every call may come from any thread."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._lock = threading.Lock()
        self._records: dict[int, tuple[Record, int]] = {}
        # By kind, the seq of the first record with an id.
        self._ids: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record, size_bytes: int) -> None:
        """Take a record; seq must rise."""
        with self._lock:
            self._records[record.seq] = (record, size_bytes)
            self._ids[record.kind].setdefault(record.id, record.seq)
            self.size_bytes += size_bytes

    def find(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id, among those that wait."""
        with self._lock:
            seq = self._ids.get(kind, {}).get(id)
            return self._records[seq][0] if seq is not None else None

    def records(self) -> list[Record]:
        """All that wait, in order, vault entries apart."""
        with self._lock:
            return [record for record, _ in self._records.values() if record.kind != "vault"]

    def first(self, last_seq: int, count: int, size_bytes: int) -> list[Record]:
        """The oldest records up to `last_seq`, at most `count` and about `size_bytes`."""
        found: list[Record] = []
        size = 0
        with self._lock:
            for record, record_bytes in self._records.values():
                if record.seq > last_seq or len(found) >= count or size > size_bytes:
                    break
                found.append(record)
                size += record_bytes
        return found

    def remove(self, batch: Sequence[Record]) -> int:
        """Let go of records; gives the bytes that they had."""
        freed = 0
        with self._lock:
            for record in batch:
                freed += self._records.pop(record.seq)[1]
                of_kind = self._ids[record.kind]
                if of_kind.get(record.id) == record.seq:
                    del of_kind[record.id]
            self.size_bytes -= freed
        return freed
