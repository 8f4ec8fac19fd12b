"""Backup and restore: complete, checked, taken while records arrive, and never over what is there."""

import threading
from pathlib import Path

import pytest

from wardline.base.storage import StorageDamaged, StorageError, StorageLocked
from wardline.engine.record import Record
from wardline.engine.sql.schema import SCHEMA_VERSION
from wardline.engine.store.backup import MANIFEST, backup, check, migrate, restore
from wardline.engine.store.journal import Journal, Settings

SETTINGS = Settings(segment_bytes=64 << 10, index_interval_seconds=0.01, min_free_bytes=0)


def record(id: str) -> Record:
    return Record(0, 0, "decision", id, 1, "mail", "account:1", ("k:1",), 1, b"body" * 20)


def filled(folder: Path) -> Journal:
    journal = Journal.open(folder, settings=SETTINGS)
    for number in range(100):
        journal.append(record(str(number)))
    journal.vault.put("account:1", "update", "u", b"weights")
    journal.folder.write_atomic("snapshots/lists.snap", b"a snapshot")
    journal.folder.write_atomic("policies/abc.yaml", b"a policy")
    return journal


def test_what_was_appended_before_is_in_the_backup_and_comes_back(tmp_path: Path) -> None:
    with filled(tmp_path / "data") as journal:
        manifest = backup(journal, tmp_path / "backup", 1)
        journal.append(record("after")).result(30)
    assert manifest.last_seq == 101
    assert {copied.name for copied in manifest.files} == {
        "journal.db", "keys/folder.key", "keys/subjects.keys", "snapshots/lists.snap", "policies/abc.yaml",
    }  # fmt: skip
    assert restore(tmp_path / "backup", tmp_path / "again") == manifest
    with Journal.open(tmp_path / "again", settings=SETTINGS) as again:
        assert [r.id for r in again.read()] == [str(number) for number in range(100)]
        assert again.vault.get("account:1", "update", "u") == b"weights"
        assert again.verify() == (100, [])
        assert again.next_seq == 102
    assert (tmp_path / "again" / "snapshots" / "lists.snap").read_bytes() == b"a snapshot"
    assert (tmp_path / "again" / "keys" / "folder.key").stat().st_mode & 0o777 == 0o600


def test_a_backup_under_load_is_a_whole_prefix(tmp_path: Path) -> None:
    with filled(tmp_path / "data") as journal:
        stop = threading.Event()

        def load() -> None:
            number = 0
            while not stop.is_set():
                journal.wait_for_room()
                journal.append(record(f"load{number}")).result(30)
                number += 1

        thread = threading.Thread(target=load)
        thread.start()
        try:
            manifests = [backup(journal, tmp_path / f"backup{number}", 1) for number in range(3)]
        finally:
            stop.set()
            thread.join()
    for number, manifest in enumerate(manifests):
        restore(tmp_path / f"backup{number}", tmp_path / f"again{number}")
        with Journal.open(tmp_path / f"again{number}", settings=SETTINGS) as again:
            assert [r.seq for r in again.read()] == [seq for seq in range(1, manifest.last_seq + 1) if seq != 101]


def test_a_used_folder_is_refused_both_ways(tmp_path: Path) -> None:
    with filled(tmp_path / "data") as journal:
        backup(journal, tmp_path / "backup", 1)
        with pytest.raises(StorageError, match="not empty"):
            backup(journal, tmp_path / "backup", 1)
        with pytest.raises(StorageLocked):
            restore(tmp_path / "backup", tmp_path / "data")
    with pytest.raises(StorageError, match="holds a journal already"):
        restore(tmp_path / "backup", tmp_path / "data")


@pytest.mark.parametrize("damage", ["missing", "changed", "manifest", "escape"])
def test_a_backup_that_does_not_match_is_refused_before_anything_is_copied(tmp_path: Path, damage: str) -> None:
    with filled(tmp_path / "data") as journal:
        backup(journal, tmp_path / "backup", 1)
    path = tmp_path / "backup" / "keys" / "subjects.keys"
    if damage == "missing":
        path.unlink()
    elif damage == "changed":
        path.write_bytes(bytes(len(path.read_bytes())))
    elif damage == "manifest":
        (tmp_path / "backup" / MANIFEST).unlink()
    else:
        manifest = tmp_path / "backup" / MANIFEST
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "abc.yaml").write_bytes(b"a policy")
        manifest.write_text(manifest.read_text().replace("policies/abc.yaml", "../policies/abc.yaml"))
    with pytest.raises(StorageDamaged):
        check(tmp_path / "backup")
    with pytest.raises(StorageDamaged):
        restore(tmp_path / "backup", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_migrate_says_the_versions_and_needs_a_journal(tmp_path: Path) -> None:
    filled(tmp_path / "data").close()
    assert migrate(tmp_path / "data") == (SCHEMA_VERSION, SCHEMA_VERSION)
    with pytest.raises(StorageError, match="no journal"):
        migrate(tmp_path / "empty")
