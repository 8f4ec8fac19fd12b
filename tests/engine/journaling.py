"""Journals for tests: small and lazy ones, a disk with a fault to switch on, a crash."""

import errno
import os
import threading
from pathlib import Path

from wardline.base.storage import DiskFiles
from wardline.engine.record import Record
from wardline.engine.store.journal import Journal, Settings

SMALL = Settings(segment_bytes=64 << 10, segments_limit=4, index_interval_seconds=0.01, checkpoint_bytes=64 << 10, min_free_bytes=0)
LAZY = Settings(index_interval_seconds=3600, min_free_bytes=0, segment_bytes=256 << 10)


def record(id: str, *, subject: str = "account:1", keys: tuple[str, ...] = (), body: bytes = b"body", kind: str = "decision") -> Record:
    return Record(0, 0, kind, id, 1, "mail", subject, keys, 1, body)


class Odd(DiskFiles):
    """A real disk with a fault to switch on."""

    def __init__(self) -> None:
        super().__init__()
        self.free = 1 << 40
        self.broken = threading.Event()

    def free_bytes(self, path: Path) -> int:
        return self.free

    def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.broken.is_set():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().write_durably(descriptor, data, offset)


def crash(journal: Journal) -> None:
    """Leave as a killed process would: nothing is flushed, indexed or blanked; only the lock goes."""
    journal._log.stop()
    journal._indexer.now = lambda: 0  # type: ignore[method-assign]
    journal._indexer.close()
    journal._log.close()
    journal._index.engine.dispose()
    journal._index.readers.close()
    journal.vault.close()
    journal.folder.close()
