"""The journal as a whole: what `tests/contract/test_journal.py` does not ask of every store: batches, crashes, damage, faults of a start."""

import errno
import os
import stat
from pathlib import Path

import pytest
from engine.journaling import LAZY, SMALL, Odd, crash, record
from sqlalchemy.exc import OperationalError

from wardline.base.storage import StorageDamaged, StorageError, StorageFailed, StorageFull, StorageLocked
from wardline.engine.store import segment
from wardline.engine.store.journal import Journal


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
            patch.setattr("wardline.engine.store.commitlog.CommitLog.prepare", no_segment)
        else:
            patch.setattr("wardline.engine.sql.index.Index.write", no_index)
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
