"""What an index on a database server keeps besides: exact bytes, one writer, its own folder; and what happens when the server goes away.

The same walks through PostgreSQL and MariaDB. What all journals have in common is in test_journal.py.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import DatabaseServer
from sqlalchemy import Connection, text

from wardline.base.clock import FixedClock
from wardline.base.storage import StorageBusy, StorageDamaged, StorageError, StorageLocked
from wardline.engine.record import Record
from wardline.engine.servers.address import read_address
from wardline.engine.servers.index import ServerIndex, on_server
from wardline.engine.sql import schema
from wardline.engine.sql.indices import ELSEWHERE
from wardline.engine.sql.sql_index import PAGE, Gap, Sealed
from wardline.engine.store.backup import backup, restore
from wardline.engine.store.journal import Journal, Settings

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
LAZY = Settings(segment_bytes=4 << 20, index_interval_seconds=3600, min_free_bytes=0)
QUICK = Settings(segment_bytes=64 << 10, index_interval_seconds=0.01, min_free_bytes=0, tail_limit_bytes=64 << 10)


def open_journal(server: DatabaseServer, folder: Path, settings: Settings = LAZY, *, accept_damage: bool = False) -> Journal:
    index = on_server(server.address_for(folder))
    return Journal.open(folder, settings=settings, clock=FixedClock(NOW_US), index=index, accept_damage=accept_damage)


def index_of(journal: Journal) -> ServerIndex:
    assert isinstance(journal._index, ServerIndex)
    return journal._index


def record(seq: int, *, id: str = "", subject: str = "account:1", keys: tuple[str, ...] = ("k:1",), body: bytes = b"body") -> Record:
    return Record(seq, 0, "event", id or f"id{seq}", NOW_US + seq, "mail", subject, keys, 1, body)


def until(what: Callable[[], bool]) -> None:
    for _ in range(2000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def test_every_text_and_every_byte_comes_back(server: DatabaseServer, tmp_path: Path) -> None:
    hard = ["", " ", "A", "a", "é", "e\u0301", "a ", "\0", "a\0b", "'\"\\%s:x{}", "\U0001f600", "\uffff", "x" * 256, "\U0001f600" * 256]
    written = [
        Record(seq, seq, "label", value, -(1 << 62) + seq, value, value, (value, "k"), 32_767, bytes(range(256)) * seq)
        for seq, value in enumerate(hard, 1)
    ]
    written.append(
        Record(len(hard) + 1, 0, "event", "large", 1, body=b"\xff" * (1 << 20), keys=tuple("\U0001f600" * 255 + str(n) for n in range(9)))
    )
    with open_journal(server, tmp_path) as journal:
        for each in written:
            journal.append(each)
        journal.flush()
        assert list(journal.read()) == written
        for value in hard:
            found = journal.find_id("label", value)
            assert found is not None and found.id == value
            assert [r.id for r in journal.find_key(value)] == [value]
        assert journal.verify() == (len(written), [])


def test_repeated_batches_change_nothing(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        index = index_of(journal)
        batch = [record(seq) for seq in range(1, 601)]
        sealed = [Sealed(seq, -(1 << 63) + seq, "update", (1 << 63) - seq, 9, b"sealed") for seq in range(700, 710)]
        for _ in range(2):
            index.write(batch, sealed, [(-(1 << 63), 4)], through_seq=600)
        index.write((), (), [(-(1 << 63), 5)])
        assert list(index.read(1, 999)) == batch
        assert [r.seq for r in index.read(5, 300, ("label",))] == []
        assert [r.seq for r in index.find_subject("account:1", 3)] == [600, 599, 598]
        assert index.vault.slot(-(1 << 63)) == 5
        assert list(index.vault.slots()) == [5]
        filed = index.filed(-(1 << 63), 10_000)
        assert filed == sorted(set(filed))
        assert len(filed) == 602
        pages, first = [], filed[0]
        while page := index.filed(first, 50):
            assert len(page) <= 50
            pages += page
            first = page[-1] + 1
        assert pages == filed
        assert list(index.read(7, 7)) == [batch[6]]
        assert list(index.read(601, 601)) == []


def test_what_is_erased_is_in_no_row(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        index = index_of(journal)
        count = PAGE + 30
        index.write([record(seq, subject="account:2" if seq <= count else "account:1", keys=()) for seq in range(1, count + 11)])
        journal._next_seq = count + 11
        assert index.erase("account:2", 7) == (PAGE, PAGE)
        assert index.erase("account:2", 7, PAGE) == (30, None)
        assert index.gaps() == [Gap(1, PAGE, 7, "subject"), Gap(PAGE + 1, count, 7, "subject")]
        assert server.execute("SELECT COUNT(*) FROM records", database="wardline")[0][0] == 10
        assert server.execute("SELECT COUNT(*) FROM lookups", database="wardline")[0][0] == 20
        assert index.checkpoint(truncate=True)
        index.compact()
        assert index.reclaim() == 0
        assert [r.seq for r in index.read(1, 999)] == list(range(count + 1, count + 11))


def test_a_damaged_row_is_found(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        for seq in range(1, 20):
            journal.append(record(seq))
        journal.flush()
        broken = r"'\xfffe'" if index_of(journal)._link.dialect.name == "postgresql" else "x'fffe'"
        for change in ("body = 'bodY' WHERE seq = 7", "subject = 'nobody' WHERE seq = 9", f"id = {broken} WHERE seq = 11"):
            server.execute(f"UPDATE records SET {change}", database="wardline")
        count, defects = journal.verify()
        assert count == 19
        assert defects == [f"record {seq}: the checksum does not match" for seq in (7, 9, 11)]


def test_the_vault_keeps_and_forgets(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        journal.vault.put("account:1", "update", "a", b"\0\xffone")
        journal.vault.put("account:2", "held", "b", b"two")
        journal.flush()
        assert journal.vault.get("account:1", "update", "a") == b"\0\xffone"
    with open_journal(server, tmp_path) as journal:
        assert journal.vault.get("account:1", "update", "a") == b"\0\xffone"
        assert journal.erase("account:1") == 1
        assert journal.vault.get("account:1", "update", "a") is None
        assert journal.expire(NOW_US + 31 * DAY_US, {}) == 1
        assert server.execute("SELECT COUNT(*) FROM vault_keys", database="wardline")[0][0] == 0
    assert (tmp_path / "keys" / "subjects.keys").read_bytes().strip(b"\0") == b""


def test_the_server_goes_away_and_comes_back(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path, QUICK) as journal:
        journal.append(record(0, id="before")).result(30)
        journal.flush()
        server.stop()
        try:
            taken = 0
            with pytest.raises(StorageBusy, match="goes on by itself"):
                for number in range(200):
                    journal.append(record(0, id=f"while{number}", body=bytes(1000))).result(30)
                    taken += 1
            assert 20 < taken < 100
            assert journal.find_id("event", "while3") is not None
            assert journal.find_id("event", "never seen") is None, "an unknown id needs no database"
            until(lambda: index_of(journal)._link.away is not None)
            with pytest.raises(StorageBusy, match="does not serve"):
                journal.find_id("event", "before")
            with pytest.raises(StorageBusy):
                journal.erase("account:1")
            with pytest.raises(StorageBusy):
                list(journal.read())
        finally:
            server.start()
        until(lambda: not journal._tail)
        found = journal.find_id("event", "before")
        assert found is not None
        journal.append(record(0, id="after")).result(30)
        journal.flush()
        assert [r.id for r in journal.read()] == ["before", *(f"while{number}" for number in range(taken)), "after"]
        assert journal.verify() == (taken + 2, [])


def test_what_waits_in_the_log_survives_a_stop_during_an_outage(server: DatabaseServer, tmp_path: Path) -> None:
    journal = open_journal(server, tmp_path)
    server.stop()
    try:
        journal.append(record(0, id="waits")).result(30)
        journal.close()
        with pytest.raises(StorageError, match=r"does not serve.*Start the server") as told:
            open_journal(server, tmp_path)
        assert "password" not in str(told.value).replace("its password", "")
    finally:
        server.start()
    with open_journal(server, tmp_path) as journal:
        assert [r.id for r in journal.read()] == ["waits"]


def test_a_restart_of_the_server_between_two_reads_is_not_noticed(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        journal.append(record(0, id="a"))
        journal.flush()
        assert journal.find_key("k:1")
        server.stop()
        server.start()
        assert journal.find_key("k:1")


def test_two_processes_on_one_database_are_refused(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path / "one"):
        other = on_server(server.address())
        with pytest.raises(StorageLocked, match="another process uses this database"):
            Journal.open(tmp_path / "two", settings=LAZY, index=other)
    with pytest.raises(StorageError, match="belongs to another data folder"):
        Journal.open(tmp_path / "two", settings=LAZY, index=on_server(server.address()))


def test_whoever_lost_the_database_to_another_never_writes_again(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path, QUICK) as journal:
        journal.append(record(0, id="a"))
        journal.flush()
        server.execute("UPDATE facts SET value = 1 WHERE " + where_name(journal, "writer"), database="wardline")
        journal.append(record(0, id="b")).result(30)
        until(lambda: isinstance(journal._indexer.error, StorageLocked))
        with pytest.raises(StorageLocked, match="taken this database over"):
            journal.append(record(0, id="c"))
        with pytest.raises(StorageLocked):
            journal.find_key("k:1")
    assert server.execute("SELECT COUNT(*) FROM records", database="wardline")[0][0] == 1


def where_name(journal: Journal, name: str) -> str:
    return f"name = '{name}'" if index_of(journal)._link.dialect.name == "mariadb" else f"name = convert_to('{name}', 'UTF8')"


def test_a_database_that_went_back_is_told_and_the_log_gives_what_it_still_holds(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path) as journal:
        for number in range(1, 11):
            journal.append(record(0, id=f"id{number}"))
        journal.flush()
        back = ["DELETE FROM records WHERE seq > 6", "DELETE FROM lookups WHERE seq > 6"]
        server.execute(*back, "UPDATE facts SET value = 6 WHERE " + where_name(journal, "indexed_seq"), database="wardline")
        journal.append(record(0, id="id11")).result(30)
        with pytest.raises(StorageDamaged, match="gone back: it ends at record 6 and had 10"):
            journal.flush()
    with open_journal(server, tmp_path) as journal:
        assert [r.seq for r in journal.read()] == list(range(1, 12)), "the segment was not used again yet"
        journal.append(record(0, id="id12")).result(30)
        journal.flush()
        where = where_name(journal, "indexed_seq")
    server.execute(*back, f"UPDATE facts SET value = 6 WHERE {where}", database="wardline")
    with pytest.raises(StorageDamaged, match="records 7 to 12 were answered"):
        open_journal(server, tmp_path)
    with open_journal(server, tmp_path, accept_damage=True) as journal:
        assert journal.gaps() == [Gap(7, 12, NOW_US, "damage")]
        assert journal.next_seq == 13


def test_a_backup_names_the_database_and_a_lost_folder_is_replaced(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path / "data") as journal:
        journal.append(record(0, id="a"))
        journal.vault.put("account:1", "update", "a", b"content")
        manifest = backup(journal, tmp_path / "copy", 1)
        assert manifest.last_seq == 2
        assert not (tmp_path / "copy" / "journal.db").exists()
        journal.append(record(0, id="b"))
        journal.vault.put("account:9", "update", "a", b"newer than the copy")
    restore(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(StorageError, match="holds a journal already"):
        restore(tmp_path / "copy", tmp_path / "again")
    index = on_server(server.address())
    with Journal.open(tmp_path / "again", settings=LAZY, index=index, clock=FixedClock(NOW_US)) as journal:
        assert [r.id for r in journal.read()] == ["a", "b"]
        assert journal.vault.get("account:1", "update", "a") == b"content"
        assert journal.vault.get("account:9", "update", "a") is None, "its key was newer than the copy"
        journal.vault.put("account:2", "update", "b", b"new")
        journal.flush()
        journal.erase("account:9")
        assert journal.vault.get("account:2", "update", "b") == b"new"
    adopting = on_server(server.address(), adopt=True)
    with Journal.open(tmp_path / "third", settings=LAZY, index=adopting) as journal:
        assert [r.id for r in journal.read()] == ["a", "b"]
        assert journal.vault.get("account:1", "update", "a") is None


def test_a_folder_keeps_to_the_database_it_has(server: DatabaseServer, tmp_path: Path) -> None:
    with open_journal(server, tmp_path / "data") as journal:
        journal.append(record(0, id="a"))
    with pytest.raises(StorageError, match="in a database server"):
        Journal.open(tmp_path / "data", settings=LAZY)
    server.fresh()
    with pytest.raises(StorageDamaged, match="the database is empty"):
        open_journal(server, tmp_path / "data")
    with Journal.open(tmp_path / "embedded", settings=LAZY):
        pass
    with pytest.raises(StorageError, match="is embedded"):
        Journal.open(tmp_path / "embedded", settings=LAZY, index=on_server(server.address()))
    (tmp_path / "data" / ELSEWHERE).write_text("{")
    with pytest.raises(StorageDamaged, match="cannot be read"):
        open_journal(server, tmp_path / "data")


def test_an_older_schema_is_brought_up_to_date_and_a_newer_one_refused(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_journal(server, tmp_path) as journal:
        journal.append(record(0, id="a"))

    def change(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE expired ADD COLUMN why INTEGER"))

    with monkeypatch.context() as patch:
        patch.setattr(schema, "SCHEMA_VERSION", 2)
        patch.setattr(schema, "migrations", {1: change})
        with open_journal(server, tmp_path) as journal:
            assert [r.id for r in journal.read()] == ["a"]
    assert server.execute("SELECT why FROM expired", database="wardline") == []
    with pytest.raises(StorageError, match="schema version 2, this program knows 1"):
        open_journal(server, tmp_path)
    server.anew()


def test_a_wrong_address_is_told_without_the_password(server: DatabaseServer, tmp_path: Path) -> None:
    secret = "not-to-be-shown"
    for wrong in ("wardline", "missing"):
        url = server.url(wrong).replace("a-password-of-the-tests", secret).replace("root@", f"root:{secret}@")
        index = on_server(read_address(url, environment={}))
        if wrong == "wardline":
            server.execute("DROP DATABASE IF EXISTS wardline")
        with pytest.raises(StorageError, match="does not serve") as told:
            Journal.open(tmp_path / wrong, settings=LAZY, index=index)
        assert secret not in str(told.value)
        assert told.value.__cause__ is None
    server._shown = None


def test_databases_with_long_and_like_names_are_locked_apart(server: DatabaseServer, tmp_path: Path) -> None:
    name = "w" * 60
    others = [f"{name}a", f"{name}b", "Wardline"]
    for other in others:
        server.execute(f'CREATE DATABASE "{other}"' if "postgres" in server.url("") else f"CREATE DATABASE `{other}`")
    with open_journal(server, tmp_path / "one"), contextlib.ExitStack() as opened:
        for other in others:
            index = on_server(read_address(server.url(other), environment={}))
            opened.enter_context(Journal.open(tmp_path / other, settings=LAZY, index=index))
        with pytest.raises(StorageLocked, match="another process uses this database"):
            Journal.open(tmp_path / "two", settings=LAZY, index=index)
