"""The journal as a whole: what `tests/contract/test_journal.py` does not ask of every store: threads, limits, full disks, erasure to the last byte."""

import asyncio
import errno
import os
import random
import re
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from wardline.base.clock import FixedClock
from wardline.base.storage import DiskFiles, StorageBusy, StorageDamaged, StorageError, StorageFailed, StorageFull, StorageLocked
from wardline.engine import segment
from wardline.engine.journal import Journal, Settings
from wardline.engine.record import Record

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
    with journal._work:
        journal._closing = True
        journal.index_now = lambda: 0  # type: ignore[method-assign]
        journal._work.notify_all()
    journal._indexer.join()
    journal._log.close()
    journal._index.engine.dispose()
    journal._index.readers.close()
    journal.vault.close()
    journal.folder.close()


def test_files_belong_to_their_owner_only(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "data", settings=SMALL) as journal:
        journal.append(record("a")).result(30)
        journal.flush()
        for path in (tmp_path / "data").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_records_appended_together_become_durable_in_few_batches(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "data", settings=LAZY) as journal:
        with journal.together():
            receipts = [journal.append(record(str(number))) for number in range(50)]
            assert not any(receipt.done for receipt in receipts)
        assert receipts[-1].result(30) == 50
        assert journal.stats()["batches"] == 1
        with pytest.raises(RuntimeError), journal.together():
            last = journal.append(record("last"))
            raise RuntimeError
        assert last.result(30) == 51


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


def test_a_record_is_found_before_and_after_it_is_indexed(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        journal.append(record("a", keys=("k:1",))).result(30)
        journal.append(record("b", keys=("k:1",), subject="account:2"))
        for _ in range(2):
            found = journal.find_id("decision", "a")
            assert found is not None and found.seq == 1
            assert [r.id for r in journal.find_key("k:1")] == ["b", "a"]
            assert [r.id for r in journal.find_subject("account:2")] == ["b"]
            assert [r.id for r in journal.read()] == ["a", "b"]
            assert [r.id for r in journal.read(2, 2)] == ["b"]
            assert journal.find_id("event", "a") is None
            journal.flush()
        assert journal.stats()["waiting_records"] == 0


def test_half_indexed_reads_are_whole_and_in_order(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        for number in range(10):
            journal.append(record(str(number), kind="event" if number % 2 else "decision"))
            if number == 4:
                journal.flush()
        assert [r.seq for r in journal.read()] == list(range(1, 11))
        assert [r.seq for r in journal.read(3, 8)] == list(range(3, 9))
        assert [r.seq for r in journal.read(kinds=("event",))] == [2, 4, 6, 8, 10]


def test_reading_while_writing_misses_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL) as journal:
        for number in range(600):
            journal.wait_for_room()
            journal.append(record(str(number), body=bytes(300)))
            if number % 50 == 0:
                assert [r.seq for r in journal.read()] == list(range(1, number + 2))
                middle = journal.find_id("decision", str(number // 2))
                assert middle is not None and middle.seq == number // 2 + 1


def test_what_was_durable_but_not_indexed_comes_back(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, settings=LAZY)
    for number in range(100):
        journal.append(record(str(number), keys=("k:1",), body=bytes(1000)))
    journal.vault.put("account:9", "update", "u", b"weights")
    journal.receipt(journal.last_seq).result(30)
    crash(journal)
    with Journal.open(tmp_path, settings=LAZY) as again:
        assert sum(place.count for place in again.recovered.places) == 101
        assert again.next_seq == 102
        assert [r.seq for r in again.read()] == list(range(1, 101))
        assert again.vault.get("account:9", "update", "u") == b"weights"
        assert again.append(record("next")).result(30) == 102


def test_damage_is_refused_then_accepted_and_written_down(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, settings=LAZY)
    for number in range(5):
        journal.append(record(str(number))).result(30)
    crash(journal)
    log = next(path for path in (tmp_path / "log").iterdir() if path.read_bytes().startswith(segment.MAGIC))
    data = bytearray(log.read_bytes())
    data[segment.BLOCK_BYTES + segment.HEADER_BYTES + segment.FRAME_BYTES + 3] ^= 1
    log.write_bytes(data)
    with pytest.raises(StorageDamaged, match="records 2 to 2 were answered"):
        Journal.open(tmp_path, settings=LAZY)
    with Journal.open(tmp_path, settings=LAZY, accept_damage=True) as again:
        assert [r.seq for r in again.read()] == [1, 3, 4, 5]
        assert [(gap.first_seq, gap.last_seq, gap.reason) for gap in again.gaps()] == [(2, 2, "damage")]
    with Journal.open(tmp_path, settings=LAZY) as again:
        assert again.next_seq == 6


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


def test_memory_for_what_is_not_indexed_is_bounded(tmp_path: Path) -> None:
    settings = Settings(index_interval_seconds=3600, min_free_bytes=0, tail_limit_bytes=20_000, segment_bytes=64 << 10)
    with Journal.open(tmp_path, settings=settings) as journal:
        with pytest.raises(StorageBusy, match="wait for the index"):
            for number in range(100):
                journal.append(record(str(number), body=bytes(1000)))
        assert journal.stats()["waiting_bytes"] <= 20_000
        journal.flush()
        journal.append(record("again", body=bytes(1000))).result(30)


async def test_a_broken_disk_answers_nobody_and_a_restart_reads_back_what_was_answered(tmp_path: Path) -> None:
    files = Odd()
    journal = Journal.open(tmp_path, files, settings=SMALL)
    await journal.append(record("a"))
    assert journal.failure is None
    files.broken.set()
    with pytest.raises(StorageFailed, match="restart"):
        await journal.append(record("b"))
    with pytest.raises(StorageFailed):
        journal.append(record("c"))
    assert journal.failure is not None
    journal.close()
    with Journal.open(tmp_path, settings=SMALL) as again:
        assert [r.id for r in again.read()] == ["a"]


def test_seq_is_checked_and_may_be_left_open(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL) as journal:
        journal.append(record("a").with_seq(journal.next_seq))
        with pytest.raises(ValueError, match="next record has seq 2, not 9"):
            journal.append(record("b").with_seq(9))
        with pytest.raises(ValueError, match="no kind"):
            journal.append(record("b", kind="gossip"))
        assert journal.append(record("b")).seq == 2


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL), pytest.raises(StorageLocked):
        Journal.open(tmp_path, settings=SMALL)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        Journal.open(tmp_path / "file", settings=SMALL)
    assert not (tmp_path / "file" / "lock").exists()


@pytest.mark.parametrize("fault", ["segments", "index"])
def test_a_start_on_a_full_disk_says_so_gives_the_folder_up_and_works_later(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path, settings=LAZY)
    journal.append(record("a")).result(30)
    crash(journal)
    with monkeypatch.context() as patch:

        def no_segment(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def no_index(*_: object, **__: object) -> None:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

        if fault == "segments":
            patch.setattr("wardline.engine.commitlog.CommitLog.prepare", no_segment)
        else:
            patch.setattr("wardline.engine.index.Index.write", no_index)
        with pytest.raises(StorageFull, match="start again"):
            Journal.open(tmp_path, settings=LAZY)
    with Journal.open(tmp_path, settings=LAZY) as again:
        assert [r.id for r in again.read()] == ["a"]


def test_close_leaves_a_blank_log_and_no_write_ahead_log(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        for number in range(50):
            journal.append(record(str(number), body=b"content" * 50))
    for path in (tmp_path / "log").iterdir():
        assert path.read_bytes().strip(b"\0") == b""
    assert not (tmp_path / "journal.db-wal").exists()


def traces(folder: Path) -> set[bytes]:
    """Every marked identifier and content that any byte of the folder still shows."""
    pattern = re.compile(rb"(?:subject|id|key|content|sealed)-[0-9a-f]{16}")
    return {found for path in folder.rglob("*") if path.is_file() for found in pattern.findall(path.read_bytes())}


@pytest.mark.parametrize("seed", [5, 6])
def test_no_byte_of_the_folder_shows_an_erased_subject(tmp_path: Path, seed: int) -> None:
    """Random histories: many sizes, many erasures with new records between them, retention too. Seed 5 once found old copies in SQLite's pages."""
    chance = random.Random(seed)
    subjects = [f"subject-{chance.getrandbits(64):016x}" for _ in range(12)]
    marks: dict[str, set[bytes]] = {subject: {subject.encode()} for subject in subjects}
    gone: set[bytes] = set()

    def mark(subject: str, what: str) -> str:
        text = f"{what}-{chance.getrandbits(64):016x}"
        marks[subject].add(text.encode())
        return text

    with Journal.open(tmp_path, settings=SMALL) as journal:

        def write(count: int) -> None:
            for _ in range(count):
                subject = chance.choice(list(marks))
                journal.wait_for_room()
                content = mark(subject, "content").encode()
                item = Record(
                    0,
                    0,
                    chance.choice(("decision", "event")),
                    mark(subject, "id"),
                    1,
                    "mail",
                    subject,
                    (mark(subject, "key"), "shared"),
                    1,
                    content * chance.randrange(1, 150),
                )
                journal.append(item)
                if chance.random() < 0.3:
                    journal.vault.put(subject, "update", mark(subject, "id"), mark(subject, "sealed").encode() * chance.randrange(1, 50))
            journal.flush()

        write(500)
        assert all(subject.encode() in traces(tmp_path) for subject in subjects)
        for subject in subjects[:6]:
            journal.erase(subject)
            gone |= marks.pop(subject)
            assert not traces(tmp_path) & gone
            write(40)
        journal.expire(10, {"event": 0})
        assert not list(journal.read(kinds=("event",)))
        journal.compact()
        assert not traces(tmp_path) & gone
        assert traces(tmp_path) & {mark for kept in marks.values() for mark in kept}
        assert journal.verify()[1] == []
    assert not traces(tmp_path) & gone


def test_erasure_while_others_append(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL) as journal:
        stop = threading.Event()
        count = 0

        def others() -> None:
            nonlocal count
            while not stop.is_set():
                journal.wait_for_room()
                journal.append(record(f"other{count}", subject="account:2", body=bytes(200))).result(30)
                count += 1

        journal.append(record("mine", subject="account:1")).result(30)
        thread = threading.Thread(target=others)
        thread.start()
        try:
            assert journal.erase("account:1") == 1
        finally:
            stop.set()
            thread.join()
        assert [r.id for r in journal.read()] == [f"other{number}" for number in range(count)]
        assert [(gap.first_seq, gap.reason) for gap in journal.gaps()] == [(1, "subject")]
