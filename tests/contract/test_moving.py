"""A journal moves to a server and back, row for row; what is cut short is repeated; a database that has something is left alone."""

from pathlib import Path

import pytest
from databases import DatabaseServer

from wardline.base.storage import StorageDamaged, StorageError
from wardline.engine.record import Record
from wardline.engine.servers.index import on_server
from wardline.engine.sql.indices import ELSEWHERE, EMBEDDED
from wardline.engine.sql.sql_index import Gap
from wardline.engine.store import moving
from wardline.engine.store.backup import migrate
from wardline.engine.store.journal import Journal, Settings
from wardline.engine.store.moving import LEFT, move

LAZY = Settings(segment_bytes=1 << 20, index_interval_seconds=3600, min_free_bytes=0)


def filled(path: Path) -> list[Record]:
    """A journal with an erased subject, vault entries, retention, and records that only the log holds."""
    with Journal.open(path, settings=LAZY) as journal:
        for number in range(1, 41):
            subject = f"account:{number % 3}"
            journal.append(Record(0, number, "event", f"id{number}\0é", number, "mail", subject, ("k:1", f"k:{number}"), 1, b"\0\xff" * 9))
        journal.vault.put("account:1", "update", "a", b"content")
        journal.vault.put("account:2", "update", "b", b"erased")
        journal.erase("account:2")
        journal.expire(1 << 50, {"label": 1})
        return list(journal.read())


def test_there_and_back(server: DatabaseServer, tmp_path: Path) -> None:
    server.fresh()
    written = filled(tmp_path)
    steps: list[tuple[str, int, int]] = []
    moved = move(tmp_path, None, server.address(), lambda *step: steps.append(step))
    assert moved.rows["records"] == len(written) == 27 and moved.rows["vault"] == 1 and moved.damaged == 0
    assert {what for what, _, _ in steps} == {"copying", "comparing"} and steps[-1][1] == steps[-1][2] == sum(moved.rows.values())
    assert not (tmp_path / EMBEDDED).exists() and (tmp_path / LEFT).exists() and moved.left == str(tmp_path / LEFT)
    with Journal.open(tmp_path, settings=LAZY, index=on_server(server.address())) as journal:
        assert list(journal.read()) == written and journal.verify() == (27, [])
        assert journal.vault.get("account:1", "update", "a") == b"content"
        assert [gap.reason for gap in journal.gaps()] and journal.find_id("event", "id1\0é") == written[0]
        journal.append(Record(0, 0, "event", "more", 50))
        written = list(journal.read())
    assert migrate(tmp_path, server.address()) == (1, 1)
    with pytest.raises(StorageError, match="in a database server"):
        migrate(tmp_path)
    back = move(tmp_path, server.address(), None)
    assert back.rows["records"] == 28 and not (tmp_path / ELSEWHERE).exists()
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert list(journal.read()) == written and journal.verify() == (28, [])
        assert journal.vault.get("account:1", "update", "a") == b"content"
        assert journal.gaps()[0] == Gap(2, 2, journal.gaps()[0].at_us, "subject")
        assert journal.append(Record(0, 0, "event", "again", 60)).result(30) == written[-1].seq + 1
    with pytest.raises(StorageError, match="there is a journal in this database"):
        move(tmp_path, None, server.address())
    with pytest.raises(StorageError, match="is there already"):
        move(tmp_path, None, None)


def test_a_move_that_was_cut_short_is_repeated(server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fresh()
    written = filled(tmp_path)

    def torn(what: str, done: int, total: int) -> None:
        if what == "comparing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(tmp_path, None, server.address(), torn)
    with pytest.raises(StorageError, match="was cut short"):
        Journal.open(tmp_path / "other", settings=LAZY, index=on_server(server.address()))
    with Journal.open(tmp_path, settings=LAZY) as journal:
        assert list(journal.read()) == written
    with monkeypatch.context() as patch:
        # A copy that differs is found, and nothing is switched over.
        kept = moving.ServerSide.write
        patch.setattr(
            moving.ServerSide, "write", lambda self, table, rows: kept(self, table, rows[:-1] if table.name == "lookups" else rows)
        )
        with pytest.raises(StorageDamaged, match="the copy of the table lookups differs"):
            move(tmp_path, None, server.address())
    with monkeypatch.context() as patch:
        patch.setattr(moving.FolderSide, "leave", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            move(tmp_path, None, server.address())
    for index in (None, on_server(server.address())):
        with pytest.raises(StorageError):
            Journal.open(tmp_path, settings=LAZY, **({} if index is None else {"index": index}))
    assert move(tmp_path, None, server.address()).where == str(server.address())
    with Journal.open(tmp_path, settings=LAZY, index=on_server(server.address())) as journal:
        assert list(journal.read()) == written
