"""Records are found wherever they are: in the tail, in the index, and on the way from one to the other."""

import threading
from pathlib import Path

from engine.journaling import LAZY, SMALL, record

from wardline.engine.store.journal import Journal
from wardline.engine.store.lookup import VAIN_LOOKUPS


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


def test_a_journal_from_before_knows_its_ids(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        for number in range(300):
            journal.append(record(f"id-{number}"))
        journal.flush()
        assert all(journal.find_id("decision", f"id-{number}") for number in range(300))
        assert journal.find_id("event", "id-1") is None
    with Journal.open(tmp_path) as journal:
        for number in range(VAIN_LOOKUPS):
            assert journal.find_id("decision", f"unknown-{number}") is None
        assert journal._lookup._maker is not None
        journal._lookup.await_filter()
        assert journal._lookup.seen.ready
        journal.append(record("id-1000"))
        assert journal.find_id("decision", "id-1000") is not None
        journal.flush()
        assert all(journal.find_id("decision", f"id-{number}") for number in (*range(300), 1000))
        assert journal.find_id("decision", "id-1001") is None
        journal.erase("account:1")
        assert journal.find_id("decision", "id-7") is None


def test_an_id_is_found_while_its_record_moves_to_the_index(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        missed: list[int] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                last = journal.last_seq
                if last and journal.find_id("decision", f"id-{last - 1}") is None:
                    missed.append(last)

        looker = threading.Thread(target=look)
        looker.start()
        for number in range(600):
            journal.append(record(f"id-{number}"))
            if number % 20 == 0:
                journal.flush()
        done.set()
        looker.join()
        assert not missed
