"""The index: rows, look-ups, gaps; blanking in place; checksums that tell a changed byte."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.base.storage import StorageDamaged
from wardline.engine.record import Record, encode
from wardline.engine.sql import index as index_module
from wardline.engine.sql import sql_index
from wardline.engine.sql.index import SAME_WIDTH, Index, decoded
from wardline.engine.sql.sql_index import PAGE, Gap, page_query


def record(
    seq: int,
    *,
    kind: str = "decision",
    subject: str = "account:1",
    keys: tuple[str, ...] = ("k:1",),
    time_us: int = 0,
    body: bytes = b"body",
) -> Record:
    return Record(seq, 0, kind, f"id{seq}", time_us or seq, "mail", subject, keys, 1, body)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.open(tmp_path / "journal.db")


def test_write_is_idempotent_and_remembers_how_far_it_came(index: Index) -> None:
    batch = [record(seq) for seq in range(1, 200)]
    for _ in range(2):
        index.write(batch, through_seq=199)
    assert index.indexed_seq == 199
    assert list(index.read(1, 999)) == batch
    index.close()
    assert Index.open(index.path).indexed_seq == 199


def test_read_pages_through_ranges_and_kinds(index: Index) -> None:
    count = PAGE * 2 + 10
    index.write([record(seq, kind="event" if seq % 2 else "label") for seq in range(1, count + 1)])
    assert [r.seq for r in index.read(1, count)] == list(range(1, count + 1))
    assert [r.seq for r in index.read(5, 9)] == [5, 6, 7, 8, 9]
    assert [r.seq for r in index.read(1, count, ("event",))] == list(range(1, count + 1, 2))
    assert list(index.read(9, 5)) == []


@pytest.mark.parametrize("kinds", [None, ("event", "decision")])
def test_a_page_is_read_in_order_and_nothing_is_sorted(index: Index, kinds: tuple[str, ...] | None) -> None:
    text = str(page_query(50, 5_000, kinds).compile(index.engine, compile_kwargs={"literal_binds": True}))
    plan = " ".join(str(row[-1]) for row in sqlite3.connect(index.path).execute(f"EXPLAIN QUERY PLAN {text}"))
    assert "PRIMARY KEY" in plan and "TEMP B-TREE" not in plan


def test_two_values_with_one_hash_are_told_apart(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (index_module, sql_index):
        monkeypatch.setattr(module, "lookup_hash", lambda what, value: 1)
    monkeypatch.setattr(index_module, "lookup_hashes", lambda record: {1})
    index.write([record(1, keys=("k:1",)), record(2, keys=("k:2",), subject="account:2")])
    found = index.find_id("decision", "id2")
    assert found is not None and found.seq == 2
    assert index.find_id("decision", "id3") is None
    assert [r.seq for r in index.find_key("k:1", 5)] == [1]
    assert [r.seq for r in index.find_subject("account:2", 5)] == [2]
    index.erase("account:2", 0)
    assert [r.seq for r in index.read(1, 9)] == [1]


def test_erasing_notes_ranges_and_spares_others(index: Index) -> None:
    index.write(
        [
            record(seq, subject="account:2" if seq in (3, 4, 7) else "account:1", keys=("account:2",) if seq == 9 else ())
            for seq in range(1, 11)
        ]
    )
    assert index.erase("account:2", at_us=5) == (4, None)
    assert index.erase("account:2", at_us=6) == (0, None)
    assert index.gaps() == [Gap(3, 4, 5, "subject"), Gap(7, 7, 5, "subject"), Gap(9, 9, 5, "subject")]
    assert index.gaps(5, 8) == [Gap(7, 7, 5, "subject")]
    assert [r.seq for r in index.read(1, 99)] == [1, 2, 5, 6, 8, 10]
    assert index.get(3) is None
    assert index.find_id("decision", "id3") is None
    assert index.verify() == (6, [])


def test_erasing_goes_page_by_page(index: Index) -> None:
    count = PAGE + 10
    index.write([record(seq, keys=("account:1",)) for seq in range(1, count + 1)])
    assert index.erase("account:1", 1) == (PAGE, PAGE)
    assert index.erase("account:1", 1, PAGE) == (10, None)
    assert list(index.read(1, count)) == []


def test_blanking_moves_no_byte_of_the_file(index: Index) -> None:
    """In place at the same size: the file has the same length, and every other row lies where it lay."""
    index.write(
        [
            record(seq, subject=f"account:{seq % 5}", keys=(f"k:{seq}é",), body=bytes([seq % 250 + 1]) * (seq * 37 % 3000))
            for seq in range(1, 300)
        ]
    )
    index.checkpoint(truncate=True)
    before = index.path.read_bytes()
    index.erase("account:3", 1)
    index.checkpoint(truncate=True)
    after = index.path.read_bytes()
    assert len(after) == len(before)
    for survivor in index.read(1, 999):
        if len(survivor.body) > 200:
            assert before.find(survivor.body) == after.find(survivor.body)


@given(st.integers(0, (1 << 32) - 1))
def test_a_blanked_checksum_takes_as_many_bytes(crc: int) -> None:
    def width(value: int) -> int:
        return 0 if value in (0, 1) else next(size for size in (1, 2, 3, 4, 6, 8) if -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1))

    assert width(next(same for limit, same in SAME_WIDTH if crc <= limit)) == width(crc)


def test_expiry_is_by_kind_and_time(index: Index) -> None:
    count = PAGE + 50
    index.write([record(seq, kind="event" if seq % 2 else "label", time_us=1000 + seq) for seq in range(1, 2 * count + 1)])
    first, after = index.expire("event", 1000 + 2 * count)
    second, after = index.expire("event", 1000 + 2 * count, after)
    assert (first, second) == (PAGE, 50)
    assert index.expire("event", 1000 + 2 * count, after) == (0, after)
    assert index.expire("event", 1000 + 2 * count)[0] == 0
    assert {r.kind for r in index.read(1, 9999)} == {"label"}
    assert index.expired_before_us() == {"event": 1000 + 2 * count}


def test_reclaiming_deletes_the_blank_beginning_but_a_margin(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "MARGIN_ROWS", 10)
    index.write([record(seq, time_us=seq) for seq in range(1, 101)], through_seq=100)
    assert index.reclaim() == 0
    index.expire("decision", 51)
    assert index.reclaim() == 40
    assert [r.seq for r in index.read(1, 999)] == list(range(51, 101))
    index.expire("decision", 999)
    assert index.reclaim() == 50
    index.compact()
    assert index.reclaim() == 0
    assert list(index.read(1, 999)) == []


def test_verify_tells_a_changed_row(index: Index) -> None:
    index.write([record(seq) for seq in range(1, 20)])
    assert index.verify() == (19, [])
    connection = sqlite3.connect(index.path)
    connection.execute("UPDATE records SET body = 'bodY' WHERE seq = 7")
    connection.execute("UPDATE records SET keys = 'nonsense' WHERE seq = 9")
    connection.commit()
    connection.close()
    count, defects = index.verify()
    assert count == 19
    assert defects == ["record 7: the checksum does not match", "record 9: the checksum does not match"]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageDamaged, match="cannot be opened"):
        Index.open(tmp_path / "journal.db")


def test_bytes_that_are_no_record_are_told() -> None:
    assert decoded(encode(record(1))) == record(1)
    with pytest.raises(StorageDamaged, match="cannot be read"):
        decoded(b"\xc1nonsense")
