"""What an index is the same in every database: rows and back, ranges, pages whose work stays in proportion. With real servers: tests/contract."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.record import Record
from wardline.engine.sql import sql_index
from wardline.engine.sql.index import Index
from wardline.engine.sql.sql_index import PAGE, WINDOW, Gap, bytes_of, intact, joined, record_of, row_of


def record(seq: int, *, kind: str = "event", subject: str = "account:1", keys: tuple[str, ...] = ()) -> Record:
    return Record(seq, 0, kind, f"id{seq}", seq, "mail", subject, keys, 1, b"body")


def test_a_record_is_a_row_and_back() -> None:
    written = Record(7, 1, "label", "id\0é", -5, "mail", "account:é", ("k:1", "\U0001f600"), 300, b"\0\xff")
    row = row_of(written)
    assert record_of(row) == written and intact(row)
    assert bytes_of(row)[2:6] == (b"label", "id\0é".encode(), -5, b"mail")
    for place, changed in ((3, "id"), (7, "nonsense"), (10, b"")):
        assert not intact((*row[:place], changed, *row[place + 1 :]))


@given(st.sets(st.integers(1, 60)))
def test_places_join_to_ranges(seqs: set[int]) -> None:
    ranges = joined(sorted(seqs))
    assert [seq for first, last in ranges for seq in range(first, last + 1)] == sorted(seqs)
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(ranges))


def spread(count: int, every: int) -> list[Record]:
    return [record(seq, kind="label" if seq % every == 0 else "event") for seq in range(1, count + 1)]


@pytest.mark.parametrize(("every", "count"), [(1, 3000), (10, 20_000), (400, 20_000)])
def test_reading_looks_at_no_place_many_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, count: int) -> None:
    index = Index.open(tmp_path / "journal.db")
    index.write(spread(count, every))
    asked: list[tuple[int, int]] = []
    query = sql_index.page_query

    def watched(from_seq: int, to_seq: int, kinds: Sequence[str] | None) -> object:
        asked.append((from_seq, to_seq))
        return query(from_seq, to_seq, kinds)

    monkeypatch.setattr(sql_index, "page_query", watched)
    assert [r.seq for r in index.read(1, count, ("label",))] == list(range(every, count + 1, every))
    assert sum(last - first + 1 for first, last in asked) <= 4 * count + WINDOW
    asked.clear()
    assert [r.seq for r in index.read(count - 5, 1 << 40, ("label", "event"))] == list(range(count - 5, count + 1))
    assert len(asked) < 40, "what is not there is passed over in few steps"
    index.close()


def test_erasing_goes_through_subject_and_keys_together(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "journal.db")
    count = 3 * PAGE
    index.write(
        [
            record(seq, subject="account:9" if seq % 3 == 0 else "account:1", keys=("account:9",) if seq % 2 else ())
            for seq in range(1, count + 1)
        ]
    )
    kept = [seq for seq in range(1, count + 1) if seq % 3 and not seq % 2]
    after: int | None = 0
    pages = []
    while after is not None:
        removed, after = index.erase("account:9", 5, after)
        pages.append(removed)
    assert pages == [PAGE, PAGE, 0]
    assert [r.seq for r in index.read(1, count)] == kept
    assert index.gaps()[:2] == [Gap(1, 1, 5, "subject"), Gap(3, 3, 5, "subject")]
    index.close()
