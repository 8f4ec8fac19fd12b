"""The vault: sealed on disk, found at once, gone with its key or with its time."""

from pathlib import Path

import pytest

from wardline.base.clock import FixedClock
from wardline.base.storage import StorageBusy
from wardline.engine.store.journal import Journal, Settings
from wardline.engine.store.vault import DAY_US, Class, Vault

LAZY = Settings(index_interval_seconds=3600, min_free_bytes=0, segment_bytes=64 << 10)
CONTENT = b"the text of a message" * 10


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_795_253_400_000_000)


def test_content_is_found_before_and_after_indexing_and_after_a_restart(tmp_path: Path, clock: FixedClock) -> None:
    with Journal.open(tmp_path, settings=LAZY, clock=clock) as journal:
        receipt = journal.vault.put("account:1", "update", "u1", CONTENT)
        assert receipt is not None
        for _ in range(2):
            assert journal.vault.get("account:1", "update", "u1") == CONTENT
            assert journal.vault.get("account:2", "update", "u1") is None
            assert journal.vault.get("account:1", "update", "u2") is None
            assert journal.vault.get("account:1", "held", "u1") is None
            journal.flush()
        assert receipt.done
        assert list(journal.read()) == []
    with Journal.open(tmp_path, settings=LAZY, clock=clock) as journal:
        assert journal.vault.get("account:1", "update", "u1") == CONTENT


def test_the_newest_content_under_an_id_wins(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        journal.vault.put("account:1", "update", "u", b"first")
        journal.flush()
        journal.vault.put("account:1", "update", "u", b"second")
        assert journal.vault.get("account:1", "update", "u") == b"second"
        journal.flush()
        assert journal.vault.get("account:1", "update", "u") == b"second"


def test_nothing_readable_reaches_the_disk(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        receipt = journal.vault.put("account:1", "update", "u1", CONTENT)
        assert receipt is not None
        receipt.result(30)
        assert CONTENT[:21] not in everything(tmp_path)
        journal.flush()
        assert CONTENT[:21] not in everything(tmp_path)


def test_one_key_per_subject(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        for number in range(20):
            journal.vault.put(f"account:{number % 3}", "update", str(number), b"x")
        journal.flush()
        journal.vault.put("account:0", "update", "late", b"x")
        journal.flush()
    assert (tmp_path / "keys" / "subjects.keys").stat().st_size == 3 * 128


def test_forgetting_destroys_key_and_entries_and_a_new_key_starts_anew(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        for subject in ("account:1", "account:2"):
            for id in ("a", "b"):
                journal.vault.put(subject, "update", id, CONTENT)
        journal.flush()
        keys = (tmp_path / "keys" / "subjects.keys").read_bytes()
        assert journal.erase("account:1") == 2
        after = (tmp_path / "keys" / "subjects.keys").read_bytes()
        assert keys[:128] not in after
        assert after[128:] == keys[128:]
        assert journal.vault.get("account:1", "update", "a") is None
        assert journal.vault.get("account:2", "update", "a") == CONTENT
        journal.vault.put("account:1", "update", "c", b"new")
        journal.flush()
        assert journal.vault.get("account:1", "update", "c") == b"new"
        assert journal.vault.get("account:1", "update", "a") is None


def test_a_failure_between_key_and_rows_frees_no_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is left behind must not point at the key of whoever comes next, or forgetting again would destroy that one."""
    with Journal.open(tmp_path, settings=LAZY) as journal:
        journal.vault.put("account:1", "update", "a", CONTENT)
        journal.flush()

        def away(subject_hash: int) -> int:
            raise StorageBusy("the database is away", "there", "Wait.")

        with monkeypatch.context() as patch:
            patch.setattr(journal.vault._rows, "forget", away)
            with pytest.raises(StorageBusy):
                journal.erase("account:1")
        assert journal.vault.get("account:1", "update", "a") is None
        journal.vault.put("account:2", "update", "b", CONTENT)
        journal.flush()
        assert journal.erase("account:1") == 1
        assert journal.vault.get("account:2", "update", "b") == CONTENT


def test_a_copy_of_the_rows_without_the_key_stays_closed(tmp_path: Path) -> None:
    """What destroying a key is for: entries that survive elsewhere cannot be opened."""
    with Journal.open(tmp_path, settings=LAZY) as journal:
        journal.vault.put("account:1", "update", "a", CONTENT)
        journal.flush()
        (tmp_path / "copy").mkdir()
        journal._index.backup(tmp_path / "copy")
        journal.erase("account:1")
    (tmp_path / "copy" / "journal.db").replace(tmp_path / "journal.db")
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert journal.vault.get("account:1", "update", "a") is None


def test_entries_end_with_their_time_and_keys_with_their_last_entry(tmp_path: Path, clock: FixedClock) -> None:
    with Journal.open(tmp_path, settings=LAZY, clock=clock) as journal:
        journal.vault.put("account:1", "held", "short", CONTENT)
        journal.vault.put("account:2", "held", "short", CONTENT)
        journal.vault.put("account:2", "update", "long", CONTENT)
        journal.flush()
        clock.advance_us(30 * DAY_US)
        assert journal.vault.get("account:1", "held", "short") is None
        assert journal.expire(clock.now_us(), {}) == 2
        assert journal.vault.get("account:2", "update", "long") == CONTENT
        assert (tmp_path / "keys" / "subjects.keys").read_bytes()[:128].strip(b"\0") == b""
        assert journal.expire(clock.now_us(), {}) == 0


def test_expiry_spares_the_key_of_an_entry_on_its_way(tmp_path: Path, clock: FixedClock) -> None:
    with Journal.open(tmp_path, settings=LAZY, clock=clock) as journal:
        journal.vault.put("account:1", "held", "old", CONTENT)
        journal.flush()
        clock.advance_us(31 * DAY_US)
        journal.vault.put("account:1", "held", "new", CONTENT)
        assert journal.vault.expire(clock.now_us()) == 1
        journal.flush()
        assert journal.vault.get("account:1", "held", "new") == CONTENT


def test_many_entries_expire_page_by_page(tmp_path: Path, clock: FixedClock) -> None:
    with Journal.open(tmp_path, settings=LAZY, clock=clock) as journal:
        for number in range(250):
            journal.vault.put(f"account:{number}", "held", "x", b"x")
        clock.advance_us(31 * DAY_US)
        assert journal.expire(clock.now_us(), {}) == 250
    assert (tmp_path / "keys" / "subjects.keys").read_bytes().strip(b"\0") == b""


def test_a_class_that_is_off_keeps_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert not journal.vault.classes["body"].enabled
        assert journal.vault.put("account:1", "body", "m", CONTENT) is None
        journal.vault.classes["body"] = Class(ttl_days=1)
        assert journal.vault.put("account:1", "body", "m", CONTENT) is not None


def test_clear_errors(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        with pytest.raises(ValueError, match="no class 'attic'"):
            journal.vault.put("account:1", "attic", "m", CONTENT)
        with pytest.raises(ValueError, match="no class 'attic'"):
            journal.vault.get("account:1", "attic", "m")
        with pytest.raises(ValueError, match="needs a subject"):
            journal.vault.put("", "update", "m", CONTENT)
        assert isinstance(journal.vault, Vault)


def test_another_folder_key_opens_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY, folder_key_path=tmp_path / "elsewhere" / "folder.key") as journal:
        journal.vault.put("account:1", "update", "m", CONTENT)
    assert not (tmp_path / "keys" / "folder.key").exists()
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert journal.vault.get("account:1", "update", "m") is None
    with Journal.open(tmp_path, settings=LAZY, folder_key_path=tmp_path / "elsewhere" / "folder.key") as journal:
        assert journal.vault.get("account:1", "update", "m") == CONTENT


def test_a_key_that_a_crash_left_behind_is_overwritten(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=LAZY) as journal:
        journal.vault.put("account:1", "update", "m", CONTENT)
        journal.flush()
        orphan = journal.vault._keyring.store(7, journal.vault._keyring.new(7)[1])
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert journal.vault._keyring.load(7, orphan) is None
        assert journal.vault.get("account:1", "update", "m") == CONTENT
