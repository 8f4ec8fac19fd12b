"""The history's files: nothing counts twice or is lost at any crash, the forgotten are gone to the last byte, damage is named."""

import random
import threading
from pathlib import Path

import pytest
from forgetful_disk import Crash, ForgetfulDisk
from learning.history.builders import DAY_US, START_US, Kept, account, login, outcome

from wardline.base.storage import StorageBusy, StorageDamaged
from wardline.learning.history.compaction import compact
from wardline.learning.history.manifest import FILE, file_name
from wardline.learning.history.store import History


def seqs(history: History) -> list[int]:
    return sorted(seq for part in history.manifest().files for seq in history.read(part, ["_seq"])["_seq"].to_pylist())


def stored_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history", lock_seconds=5)


def test_an_empty_folder_has_an_empty_history(history: History) -> None:
    assert history.manifest().rows == 0 and history.verify() == [] and history.forget("account:00") == 0 and history.expire(10) == 0


def test_file_names_are_safe_whatever_the_type() -> None:
    assert file_name("login.outcome", "2026-11-21", 1, 9, 3) == "2026-11-21/login.outcome-1-9-3.parquet"
    for hostile in ("../../x", "a/b", "", "é", "x" * 200, "a\0b", ".."):
        name = file_name(hostile, "2026-11-21", 1, 9, 3).removeprefix("2026-11-21/")
        assert name.startswith("type-") and "/" not in name and "\0" not in name


def test_forgetting_leaves_no_byte_and_the_others_whole(history: History) -> None:
    person = account(1)
    records = [login(seq) for seq in range(1, 41)]
    records += [login(41, facts={"friend": person}), login(42, keys=("flow:1", person)), login(43, subject=person)]
    records += [login(44, facts={"peers": ["a", person]}), login(45, facts={"odd name": person}), login(46, facts={"ip.asn": person})]
    compact(history, Kept(records))
    assert history.forget(person) == 16
    assert seqs(history) == [seq for seq in range(1, 41) if seq % 4 != 1]
    assert person.encode() not in stored_bytes(history.path)
    assert history.forget(person) == 0 and history.verify() == []
    assert compact(history, Kept(records)).records == 0, "what was forgotten does not come back"


def test_forgetting_goes_on_past_a_damaged_file_and_says_so(history: History) -> None:
    compact(history, Kept([login(1), login(2, at_us=START_US + DAY_US * 2), login(3), login(6)]))
    first, second = history.manifest().of_type("login")
    (history.path / first.name).write_bytes((history.path / first.name).read_bytes()[:-9])
    with pytest.raises(StorageDamaged, match="checksum"):
        history.forget(account(2))
    assert first.name in history.verify()[0]
    assert second.name not in {part.name for part in history.manifest().files}, "the sound file was rewritten, and was empty then"


def test_retention_goes_by_the_time_of_the_record(history: History) -> None:
    records = [login(seq, at_us=START_US + day * DAY_US, recorded_us=START_US + (day + 5) * DAY_US) for seq, day in enumerate(range(4), 1)]
    compact(history, Kept(records))
    assert history.expire(START_US + 5 * DAY_US) == 0
    assert history.expire(START_US + 7 * DAY_US) == 2
    assert seqs(history) == [3, 4]


def test_a_file_that_straddles_the_limit_is_rewritten_a_day_later(history: History) -> None:
    compact(history, Kept([login(seq, at_us=START_US, recorded_us=START_US + seq * DAY_US) for seq in range(1, 5)]))
    assert history.expire(START_US + 2 * DAY_US) == 0
    assert history.expire(START_US + 3 * DAY_US) == 2
    assert seqs(history) == [3, 4]


def test_after_an_older_backup_the_places_beyond_the_journal_go(history: History) -> None:
    compact(history, Kept([login(seq) for seq in range(1, 11)]))
    again = Kept([*(login(seq) for seq in range(1, 7)), login(7, facts={"new": True})])
    assert compact(history, Kept(again.records[:6])).removed == 4
    assert compact(history, again).records == 1 and seqs(history) == list(range(1, 8))


def test_many_small_files_become_one(history: History) -> None:
    for end in range(1, 12):
        compact(history, Kept([login(seq, facts={f"n{seq}": seq}) for seq in range(1, end + 1)]))
    assert len(history.manifest().files) < 8 and seqs(history) == list(range(1, 12)) and history.verify() == []
    assert {path.name for path in history.path.rglob("*.parquet")} == {Path(part.name).name for part in history.manifest().files}


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": "x"}', b"\0" * 50])
def test_a_manifest_that_cannot_be_read_says_what_to_do(history: History, content: bytes) -> None:
    compact(history, Kept([login(1)]))
    (history.path / FILE).write_bytes(content)
    with pytest.raises(StorageDamaged, match="--rebuild"):
        history.manifest()


def test_a_missing_manifest_is_no_empty_history(history: History) -> None:
    records = Kept([login(1), login(2)])
    compact(history, records)
    (history.path / FILE).unlink()
    with pytest.raises(StorageDamaged, match=r"missing.*--rebuild"):
        compact(history, records)
    history.clear()
    assert compact(history, records).records == 2 and seqs(history) == [1, 2]
    assert len(list(history.path.rglob("*.parquet"))) == 1


def test_a_newer_manifest_is_refused(history: History) -> None:
    compact(history, Kept([login(1)]))
    text = (history.path / FILE).read_text().replace('"version": 1', '"version": 9')
    (history.path / FILE).write_text(text)
    with pytest.raises(StorageDamaged, match="newer program"):
        history.manifest()


def test_two_compactions_at_once_write_each_record_once(history: History) -> None:
    records = Kept([login(seq) for seq in range(1, 301)])
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(compact(history, records, run_records=50).records)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 300 and seqs(history) == list(range(1, 301))


def test_a_writer_waits_for_readers_and_says_so_when_they_stay(tmp_path: Path) -> None:
    history = History(tmp_path, lock_seconds=0.05)
    compact(history, Kept([login(1)]))
    with history.reading(), pytest.raises(StorageBusy, match=r"reading\.lock"):
        history.forget(account(1))
    assert history.forget(account(1)) == 0, "the manifest went first: it counts as gone, and the next writer overwrites it"
    assert account(1).encode() not in stored_bytes(tmp_path)


def test_power_loss_at_every_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Between any two operations of the disk: a file, its name, the manifest, the old file's end."""
    records = [login(1), outcome(2, "success"), login(3, at_us=START_US + DAY_US), login(4), login(5)]
    tmp_path.joinpath("history").mkdir()
    crash_at = 1
    while True:
        disk = ForgetfulDisk(random.Random(crash_at), crash_at=crash_at)
        history = History(tmp_path / "history", disk)
        try:
            compact(history, Kept(records[:3]), run_records=2)
            compact(history, Kept(records))
            history.forget(account(1))
        except Crash:
            crash_at += 1
        else:
            break
        again = History(tmp_path / "history", disk.after_power_loss())
        compact(again, Kept(records))
        assert again.verify() == []
        # Whoever asked for the erasure got no answer and asks again.
        again.forget(account(1))
        assert seqs(again) == [2, 3, 4], f"crash at operation {crash_at}"
    assert crash_at > 40
