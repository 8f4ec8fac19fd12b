"""Compaction in a process of its own, so that decisions do not wait for it: it reads the journal's database while the server writes it, be that a
file in the data folder or on a database server.

    echo '{"last_seq": 120000, "declared": {}, "database": ""}' | python -m wardline.learning.history.apart /var/lib/wardline

Prints what was done as JSON. It writes what is in the database by now and takes the history's lock like every writer. At low priority.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from wardline.base.storage import StorageError
from wardline.engine.record import Record
from wardline.engine.sql.index import Index
from wardline.learning.history.compaction import compact
from wardline.learning.history.store import History

NICE = 10


class Order(msgspec.Struct, frozen=True):
    """What is to be compacted. last_seq: the journal's end as its owner knows it; database, password_file: as in the configuration's `store`."""

    last_seq: int
    declared: dict[str, dict[str, str]] = {}
    database: str = ""
    password_file: str = ""


class Records(Protocol):
    """Rows in a database, in order, as far as they go (`engine.sql.index.Index`, `engine.servers.index.ServerReader`)."""

    indexed_seq: int

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None = None) -> Iterator[Record]: ...


class Indexed:
    """The journal as far as its database has it: a `compaction.Source`."""

    def __init__(self, index: Records, last_seq: int) -> None:
        self.index = index
        self.last_seq = max(last_seq, index.indexed_seq)
        self.durable_seq = index.indexed_seq

    def read(self, from_seq: int = 1, to_seq: int | None = None, kinds: tuple[str, ...] | None = None) -> Iterator[Record]:
        """Records in order."""
        return self.index.read(from_seq, self.durable_seq if to_seq is None else min(to_seq, self.durable_seq), kinds)


def run(data: Path, order: bytes) -> bytes:
    """Compact the history of a data folder; gives `Compacted` as JSON. Raises StorageError, OSError, ValueError."""
    wanted = msgspec.json.decode(order, type=Order)
    with _opened(data, wanted) as records:
        done = compact(History(data / "history"), Indexed(records, wanted.last_seq), declared=wanted.declared)
    return msgspec.json.encode(done)


@contextlib.contextmanager
def _opened(data: Path, order: Order) -> Iterator[Records]:
    if order.database:
        from wardline.engine.servers.address import read_address
        from wardline.engine.servers.index import ServerReader

        with contextlib.closing(ServerReader(read_address(order.database, order.password_file))) as reader:
            yield reader
        return
    index = Index.open(data / "journal.db", read_only=True)
    try:
        yield index
    finally:
        index.readers.close()
        index.engine.dispose()


def main() -> int:
    """The process."""
    os.nice(NICE)
    try:
        sys.stdout.buffer.write(run(Path(sys.argv[1]), sys.stdin.buffer.read()))
    except (StorageError, OSError, ValueError, IndexError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
