"""What cannot be kept is refused before it is taken: a full disk, too much that waits for the index."""

import asyncio
from pathlib import Path

import pytest
from engine.journaling import SMALL, Odd, record

from wardline.base.clock import FixedClock
from wardline.base.storage import StorageBusy, StorageFull
from wardline.engine.store.journal import Journal, Settings


def test_a_full_disk_refuses_before_anything_is_taken_and_goes_on_by_itself(tmp_path: Path) -> None:
    files, clock = Odd(), FixedClock(1)
    settings = Settings(min_free_bytes=1000, segment_bytes=64 << 10, index_interval_seconds=0.01)
    with Journal.open(tmp_path, files, settings=settings, clock=clock) as journal:
        journal.append(record("a")).result(30)
        files.free = 999
        clock.advance_us(1_000_000)
        for _ in range(3):
            with pytest.raises(StorageFull, match="999 bytes are free") as caught:
                journal.append(record("b"))
        assert "Free space" in caught.value.remedy
        assert journal.next_seq == 2
        assert journal.find_id("decision", "b") is None
        files.free = 1000
        assert journal.append(record("c")).result(30) == 2


def test_memory_for_what_is_not_indexed_is_bounded(tmp_path: Path) -> None:
    settings = Settings(index_interval_seconds=3600, min_free_bytes=0, tail_limit_bytes=20_000, segment_bytes=64 << 10)
    with Journal.open(tmp_path, settings=settings) as journal:
        with pytest.raises(StorageBusy, match="wait for the index"):
            for number in range(100):
                journal.append(record(str(number), body=bytes(1000)))
        assert journal.stats()["waiting_bytes"] <= 20_000
        journal.flush()
        journal.append(record("again", body=bytes(1000))).result(30)


async def test_many_appenders_on_one_loop(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL) as journal:

        async def appender(number: int) -> list[int]:
            seqs = []
            for i in range(50):
                await journal.room()
                seqs.append(await journal.append(record(f"{number}.{i}", body=bytes(500))))
            return seqs

        found = await asyncio.gather(*(appender(number) for number in range(20)))
        assert sorted(seq for seqs in found for seq in seqs) == list(range(1, 1001))
        assert journal.durable_seq == journal.last_seq == 1000
        assert [r.seq for r in journal.read()] == list(range(1, 1001))
