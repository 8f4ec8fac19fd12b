"""Snapshots: replaced as a whole, damage passed over, tail applied once, equal digest by digest."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.forgetful_disk import Crash, ForgetfulDisk
from wardline.base.storage import Folder
from wardline.engine.record import Record
from wardline.engine.states.snapshot import Snapshots, State, advance, bring_up


class Sum:
    """A state: the sum of the numbers in the bodies, and how often it was told."""

    name = "sum"

    def __init__(self) -> None:
        self.applied_seq = 0
        self.total = 0
        self.applied = 0

    def apply(self, record: Record) -> None:
        self.total += int(record.body)
        self.applied += 1

    def snapshot(self) -> bytes:
        return msgspec.json.encode([self.total])

    def restore(self, data: bytes) -> None:
        self.total = msgspec.json.decode(data, type=list[int])[0]

    def digest(self) -> str:
        return str(self.total)


class Product(Sum):
    name = "product"

    def __init__(self) -> None:
        super().__init__()
        self.total = 1

    def apply(self, record: Record) -> None:
        self.total *= int(record.body)
        self.applied += 1


RECORDS = [Record(seq, 0, "event", str(seq), seq, body=str(seq % 7 + 1).encode()) for seq in range(1, 40)]


def read(from_seq: int) -> Iterator[Record]:
    return (record for record in RECORDS if record.seq >= from_seq)


def after(count: int, state: Sum) -> Sum:
    for record in RECORDS[:count]:
        advance(state, record)
    return state


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open(tmp_path) as opened:
        yield opened


def test_a_record_is_applied_once() -> None:
    state: State = Sum()
    assert advance(state, RECORDS[0])
    assert not advance(state, RECORDS[0])
    assert state.digest() == "2"


def test_snapshot_and_tail_equal_the_whole(folder: Folder) -> None:
    snapshots = Snapshots(folder)
    snapshots.save(after(10, Sum()))
    snapshots.save(after(25, Product()))
    states = [Sum(), Product()]
    origins = bring_up(states, snapshots, read, last_seq=39)
    assert [(o.name, o.snapshot_seq, o.applied_seq, o.damaged) for o in origins] == [("sum", 10, 39, ()), ("product", 25, 39, ())]
    assert [state.applied for state in states] == [29, 14]
    assert [state.digest() for state in states] == [after(39, Sum()).digest(), after(39, Product()).digest()]


def test_without_a_snapshot_everything_is_applied(folder: Folder) -> None:
    state = Sum()
    assert bring_up([state], Snapshots(folder), read)[0].snapshot_seq == 0
    assert state.applied == 39
    assert bring_up([], Snapshots(folder), read) == []


@pytest.mark.parametrize("offset", [0, 5, 14, 30, 53, -1])
def test_a_damaged_snapshot_gives_way_to_the_one_before(folder: Folder, offset: int) -> None:
    snapshots = Snapshots(folder)
    snapshots.save(after(10, Sum()))
    snapshots.save(after(20, Sum()))
    path = folder.path / "snapshots" / "sum.snap"
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    state = Sum()
    origin = bring_up([state], snapshots, read)[0]
    assert (origin.snapshot_seq, origin.damaged) == (10, ("sum.snap",))
    assert state.digest() == after(39, Sum()).digest()


@pytest.mark.parametrize("content", [b"", b"WLS1", b"x" * 100])
def test_what_is_no_snapshot_is_passed_over(folder: Folder, content: bytes) -> None:
    snapshots = Snapshots(folder)
    folder.write_atomic("snapshots/sum.snap", content)
    state = Sum()
    origin = bring_up([state], snapshots, read)[0]
    assert origin.damaged == ("sum.snap",) and origin.outdated == ()
    assert state.digest() == after(39, Sum()).digest()


def test_content_that_the_state_refuses_leaves_it_as_new(folder: Folder) -> None:
    snapshots = Snapshots(folder)
    snapshots.write("product", 10, b'["another version"]')
    state = Product()
    origin = bring_up([state], snapshots, read)[0]
    assert origin.damaged == origin.outdated == ("product.snap",), "whole, and of another version: no damage of the disk's"
    assert state.digest() == after(39, Product()).digest()


def test_a_snapshot_from_the_future_is_passed_over(folder: Folder) -> None:
    snapshots = Snapshots(folder)
    snapshots.write("sum", 99, b"[1000]")
    state = Sum()
    assert bring_up([state], snapshots, read, last_seq=39)[0].damaged == ("sum.snap",)
    assert state.digest() == after(39, Sum()).digest()


@pytest.mark.parametrize("good_first", [True, False])
def test_a_snapshot_from_the_future_is_not_taken_when_the_journal_has_grown_past_it(folder: Folder, good_first: bool) -> None:
    snapshots = Snapshots(folder)
    for seq, content in ((10, after(10, Sum()).snapshot()), (30, b"[1000]")) if good_first else ((30, b"[1000]"), (10, b"[11]")):
        snapshots.write("sum", seq, content)
    bring_up([Sum()], snapshots, read, last_seq=20)  # a journal that was restored from an older backup
    assert [seq for _, seq, _ in snapshots.files("sum")] == [10]
    damaged = folder.path / "snapshots" / "sum.snap"
    state = Sum()
    if not good_first:
        damaged.write_bytes(b"torn")
    origin = bring_up([state], snapshots, read, last_seq=39)[0]
    assert origin.snapshot_seq == (10 if good_first else 0)
    assert state.digest() == after(39, Sum()).digest()


def test_a_snapshot_of_another_state_under_this_name_is_damaged(folder: Folder) -> None:
    snapshots = Snapshots(folder)
    snapshots.save(after(10, Product()))
    (folder.path / "snapshots" / "product.snap").rename(folder.path / "snapshots" / "sum.snap")
    assert snapshots.load(Sum()).damaged == ("sum.snap",)


def test_erasing_leaves_no_file(folder: Folder) -> None:
    snapshots = Snapshots(folder)
    for state in (Sum(), Product()):
        snapshots.save(state)
        snapshots.save(state)
    assert snapshots.names() == ["product", "sum"]
    snapshots.erase("sum")
    assert snapshots.names() == ["product"]
    snapshots.erase()
    assert snapshots.names() == []
    assert list((folder.path / "snapshots").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "x" * 65])
def test_names_are_checked(folder: Folder, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a snapshot"):
        Snapshots(folder).write(name, 1, b"")


def test_a_crash_at_every_operation_leaves_a_good_snapshot() -> None:
    for crash_at in range(1, 16):
        for seed in range(15):
            disk = ForgetfulDisk(random.Random(seed))
            snapshots = Snapshots(Folder(Path("/nowhere"), disk, None))
            for count in (5, 10):
                snapshots.save(after(count, Sum()))
            disk.crash_at = disk.operations + crash_at
            finished = True
            try:
                snapshots.save(after(20, Sum()))
            except Crash:
                finished = False
            state = Sum()
            origin = bring_up([state], Snapshots(Folder(Path("/nowhere"), disk.after_power_loss(), None)), read)[0]
            assert origin.snapshot_seq == 20 if finished else origin.snapshot_seq in (5, 10, 20)
            assert state.digest() == after(39, Sum()).digest()
