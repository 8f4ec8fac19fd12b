"""The tail: found at once, taken in order, let go of exactly once."""

from wardline.engine.record import Record
from wardline.engine.store.tail import Tail


def record(seq: int, id: str = "", kind: str = "event") -> Record:
    return Record(seq, 0, kind, id or str(seq), seq)


def filled() -> Tail:
    tail = Tail()
    for seq in range(1, 7):
        tail.add(record(seq, kind="vault" if seq == 3 else "event"), 100)
    return tail


def test_found_by_id_and_in_order_without_vault_entries() -> None:
    tail = filled()
    assert tail.find("event", "2") == record(2)
    assert tail.find("decision", "2") is None
    assert [r.seq for r in tail.records()] == [1, 2, 4, 5, 6]
    assert (len(tail), tail.size_bytes) == (6, 600)


def test_batches_end_at_what_is_durable_at_a_count_or_at_a_size() -> None:
    tail = filled()
    assert [r.seq for r in tail.first(4, 99, 9999)] == [1, 2, 3, 4]
    assert [r.seq for r in tail.first(9, 2, 9999)] == [1, 2]
    assert [r.seq for r in tail.first(9, 99, 250)] == [1, 2, 3]
    assert tail.first(0, 99, 9999) == []


def test_what_is_let_go_is_gone() -> None:
    tail = filled()
    assert tail.remove(tail.first(4, 99, 9999)) == 400
    assert [r.seq for r in tail.records()] == [5, 6]
    assert tail.find("event", "2") is None
    assert tail.size_bytes == 200


def test_of_two_records_with_one_id_the_first_is_found() -> None:
    tail = Tail()
    tail.add(record(1, "same"), 1)
    tail.add(record(2, "same"), 1)
    assert tail.find("event", "same") == record(1, "same")
    tail.remove([record(1, "same")])
    tail.remove([record(2, "same")])
    assert tail.find("event", "same") is None
    assert len(tail) == 0
