"""Records move into the index, and wait without loss while it cannot be written."""

import threading
from pathlib import Path

import pytest
from engine.journaling import record
from sqlalchemy.exc import OperationalError

from wardline.base.storage import StorageFull
from wardline.engine.store.journal import Journal, Settings


def test_an_index_that_cannot_be_written_loses_nothing_and_catches_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(index_interval_seconds=0.01, min_free_bytes=0, tail_limit_bytes=20_000, segment_bytes=64 << 10)
    with Journal.open(tmp_path, settings=settings) as journal:
        write = journal._index.write
        failed = threading.Event()

        def full(*_: object, **__: object) -> None:
            failed.set()
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

        monkeypatch.setattr(journal._index, "write", full)
        receipts = [journal.append(record(str(number), body=bytes(1000))) for number in range(15)]
        assert receipts[-1].result(30) == 15
        assert failed.wait(30)
        with pytest.raises(StorageFull, match="index cannot be written"):
            for number in range(15, 30):
                journal.append(record(str(number), body=bytes(1000)))
        assert journal.stats()["index_failing"]
        monkeypatch.setattr(journal._index, "write", write)
        journal.wait_for_room()
        journal.flush()
        assert journal.append(record("after")).result(30) == journal.last_seq
        assert [r.seq for r in journal.read()] == list(range(1, journal.last_seq + 1))
