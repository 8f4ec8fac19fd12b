"""The commit log: order of acknowledgements, bounds, segments used again, and what happens when the disk says no."""

import errno
import random
import threading
import time
from pathlib import Path

import pytest

from tests.forgetful_disk import ForgetfulDisk
from wardline.base.storage import DiskFiles, StorageBusy, StorageError, StorageFailed
from wardline.engine.store import segment
from wardline.engine.store.commitlog import ALONE, PERIOD, TOGETHER, Batch, CommitLog, segment_names
from wardline.engine.store.recovery import payloads, recover

FOLDER = Path("/nowhere/log")


def by_hand(disk: ForgetfulDisk, durable: list[int], **options: int) -> CommitLog:
    return CommitLog.open(FOLDER, disk, next_seq=1, on_durable=durable.append, segment_bytes=32_768, writers=0, **options)


def begun(log: CommitLog) -> Batch:
    item = log.begin()
    assert item is not None
    return item


def test_a_batch_is_acknowledged_only_after_all_before_it() -> None:
    durable: list[int] = []
    log = by_hand(ForgetfulDisk(random.Random(1)), durable)
    items = []
    for seq in (1, 2, 3):
        log.append(seq, b"x")
        items.append(begun(log))
    for item in (items[1], items[2]):
        log.write(item)
        log.finish(item)
    assert durable == []
    log.write(items[0])
    log.finish(items[0])
    assert durable == [3]
    assert log.durable_seq == 3


def test_what_is_queued_goes_into_one_batch() -> None:
    durable: list[int] = []
    log = by_hand(ForgetfulDisk(random.Random(1)), durable)
    for seq in range(1, 6):
        log.append(seq, b"x" * 100)
    item = begun(log)
    assert log.begin() is None
    log.write(item)
    log.finish(item)
    assert durable == [5]


def test_every_batch_begins_on_a_block() -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [])
    for seq in range(1, 5):
        log.append(seq, b"x" * 100)
        assert begun(log).offset % segment.BLOCK_BYTES == 0


def test_seq_must_follow() -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [])
    with pytest.raises(ValueError, match="next record is 1, not 2"):
        log.append(2, b"x")


def test_a_record_larger_than_a_segment_is_refused() -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [])
    with pytest.raises(ValueError, match="does not fit"):
        log.append(1, bytes(40_000))


def test_the_queue_is_bounded() -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [], queue_limit_bytes=10_000)
    log.append(1, bytes(8000))
    with pytest.raises(StorageBusy, match="wait for the disk"):
        log.append(2, bytes(8000))
    begun(log)
    log.append(2, bytes(8000))


def test_without_a_blank_segment_records_wait_and_go_on_after_recycling() -> None:
    durable: list[int] = []
    disk = ForgetfulDisk(random.Random(1))
    log = by_hand(disk, durable, segments_limit=2)
    for seq in range(1, 5):
        log.append(seq, bytes(20_000))
    for _ in range(2):
        item = begun(log)
        log.write(item)
        log.finish(item)
    assert log.wants_segment
    assert log.begin() is None
    assert log.recycle(0) == 0
    assert log.recycle(1) == 1
    item = begun(log)
    log.write(item)
    log.finish(item)
    assert durable == [1, 2, 3]
    assert len(segment_names(disk, FOLDER)) == 2


def test_recycling_leaves_zeros() -> None:
    disk = ForgetfulDisk(random.Random(1))
    log = by_hand(disk, [])
    log.append(1, b"a secret")
    item = begun(log)
    log.write(item)
    log.finish(item)
    assert b"a secret" in disk.content(item.segment.path)
    log.rotate()
    assert log.recycle(1) == 1
    assert disk.content(item.segment.path).strip(b"\0") == b""


def test_a_refused_write_stops_the_log_for_good() -> None:
    durable: list[int] = []
    failures: list[StorageError] = []
    disk = ForgetfulDisk(random.Random(1))
    log = CommitLog.open(FOLDER, disk, next_seq=1, on_durable=durable.append, on_failure=failures.append, segment_bytes=32_768, writers=0)
    log.append(1, b"x")
    first = begun(log)
    log.append(2, b"x")
    second = begun(log)
    log.write(second)
    log.finish(second)
    log.finish(first, OSError(errno.EIO, "input/output error"))
    assert durable == []
    assert isinstance(failures[0], StorageFailed)
    with pytest.raises(StorageFailed, match="restart"):
        log.append(3, b"x")
    assert log.begin() is None


def test_a_full_disk_while_segments_are_made_leaves_no_half_segment() -> None:
    disk = ForgetfulDisk(random.Random(1), quota_bytes=50_000)
    with pytest.raises(OSError, match="No space"):
        by_hand(disk, [])
    assert segment_names(disk, FOLDER) == ["000001.log"]


def test_half_a_segment_of_an_earlier_start_is_completed() -> None:
    disk = ForgetfulDisk(random.Random(1))
    disk.make_folder(FOLDER)
    descriptor = disk.open(FOLDER / "000003.log", create=True)
    disk.pwrite(descriptor, b"\0" * 1000, 0)
    by_hand(disk, [])
    assert len(disk.content(FOLDER / "000003.log")) == 32_768
    assert segment_names(disk, FOLDER) == ["000003.log", "000004.log"]


@pytest.mark.parametrize("writers", [1, 2, 4])
def test_threads_on_a_real_disk(tmp_path: Path, writers: int) -> None:
    """Everything becomes durable, acknowledgements rise, and all of it is found by recovery."""
    count = 3000
    durable: list[int] = []
    everything = threading.Event()

    def note(seq: int) -> None:
        durable.append(seq)
        if seq == count:
            everything.set()

    log = CommitLog.open(
        tmp_path / "log", DiskFiles(), next_seq=1, on_durable=note, segment_bytes=1 << 20, segments_limit=8, writers=writers
    )
    for seq in range(1, count + 1):
        log.append(seq, b"%d" % seq * 20)
    log.prepare(8)
    assert everything.wait(60)
    log.stop()
    stats = log.stats()
    assert stats["queue_bytes"] == 0
    assert 1 <= stats["batches"] <= count
    log.close()
    found = recover(DiskFiles(), tmp_path / "log", 0)
    records = [record for batch in payloads(DiskFiles(), found) for record in batch]
    assert records == [b"%d" % seq * 20 for seq in range(1, count + 1)]
    with pytest.raises(StorageFailed, match="closed"):
        log.append(count + 1, b"x")


@pytest.mark.parametrize(("together_s", "at_once"), [(0.005, 3), (0.007, 3), (0.009, 1), (0.012, 1)])
def test_a_disk_that_serves_syncs_one_after_the_other_gets_one_writer(together_s: float, at_once: int) -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [])
    log._writers = 3
    log.append(1, b"x")
    item = begun(log)

    def took(number: int, crowded: bool, seconds: float) -> None:
        item.number, item.crowded = number, crowded
        log._compare(item, seconds)

    for period in range(2):
        log._batches = period * PERIOD
        assert log._at_once() == 1
        for number in range(ALONE):
            took(log._batches + number, False, 0.004)
        log._batches += ALONE
        assert log._at_once() == 3
        for number in range(TOGETHER):
            took(log._batches + number, True, together_s)
        log._batches += TOGETHER
        took(log._batches, True, 1.0)
        assert log._at_once() == at_once


def test_a_load_too_light_to_overlap_keeps_all_writers() -> None:
    log = by_hand(ForgetfulDisk(random.Random(1)), [])
    log._writers = 3
    log.append(1, b"x")
    item = begun(log)
    for number in range(ALONE + TOGETHER + 1):
        item.number, item.crowded = number, False
        log._compare(item, 0.004)
    log._batches = ALONE + TOGETHER + 1
    assert log._at_once() == 3


def test_a_writer_that_waits_for_its_turn_ends_with_the_log(tmp_path: Path) -> None:
    class Slow(DiskFiles):
        begun, go_on = threading.Event(), threading.Event()

        def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
            self.begun.set()
            self.go_on.wait(10)
            super().write_durably(descriptor, data, offset)

    files = Slow()
    log = CommitLog.open(tmp_path / "log", files, next_seq=1, on_durable=lambda seq: None, segment_bytes=64 << 10)
    log.append(1, b"first")
    assert files.begun.wait(10)
    log.append(2, b"second")  # one batch at a time at the beginning: the other writers wait
    stopper = threading.Thread(target=log.stop, daemon=True)
    stopper.start()
    time.sleep(0.05)
    files.go_on.set()
    stopper.join(10)
    assert not stopper.is_alive() and log.durable_seq == 2
    log.close()
