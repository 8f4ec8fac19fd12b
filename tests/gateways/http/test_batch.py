"""A batch: answers in the order of its lines, each after its record is durable; what the storage refuses ends it with a line that says so."""

import asyncio
import json
from collections.abc import Callable

import pytest

from wardline.base.storage import StorageBusy, StorageError, StorageFailed, StorageFull
from wardline.engine.door import Accepted, Pending
from wardline.engine.store.receipt import Receipt, Receipts
from wardline.gateways.http import batch as batch_module
from wardline.gateways.http.batch import Batch, problem_line


class Disk:
    """Receipts that a test advances, and the lines that were admitted."""

    def __init__(self, refuse: Callable[[int], StorageError | None] = lambda number: None) -> None:
        self.receipts = Receipts(0)
        self.seq = 0
        self.refuse = refuse
        self.rooms = 0

    def admit(self, number: int, line: bytes) -> Pending | bytes:
        error = self.refuse(number)
        if error is not None:
            raise error
        if line == b"bad":
            return problem_line(number, 422, "Unprocessable Content", "bad")
        self.seq += 1
        return Pending(Accepted(line.decode()), Receipt(self.receipts, self.seq))

    async def room(self) -> None:
        self.rooms += 1
        self.receipts.advance(self.seq)


async def play(disk: Disk, lines: list[bytes], sent: list[bytes]) -> None:
    async def emit(data: bytes) -> None:
        # Nothing leaves before it is durable.
        answers = [json.loads(line) for line in data.splitlines()]
        sent.extend(data.splitlines())
        assert sum("id" in answer for answer in [json.loads(line) for line in sent]) <= disk.receipts.durable_seq, answers

    batch = Batch(disk.admit, disk.room, emit)
    for number, line in enumerate(lines, 1):
        if not await batch.take(number, line):
            break
    await batch.end()


async def test_many_lines_wait_for_the_disk_once() -> None:
    disk, sent = Disk(), []
    lines = [b"%d" % number for number in range(100)]
    lines[7] = b"bad"
    playing = asyncio.ensure_future(play(disk, lines, sent))
    await asyncio.sleep(0.02)
    assert disk.seq == 99 and not sent
    disk.receipts.advance(99)
    await playing
    answers = [json.loads(line) for line in sent]
    assert answers[7] == {"line": 8, "status": 422, "title": "Unprocessable Content", "detail": "bad"}
    assert [answer["id"] for answer in answers if "id" in answer] == [str(number) for number in range(100) if number != 7]


@pytest.mark.parametrize("mark", [True, False])
async def test_an_id_that_was_taken_before_is_marked_where_that_is_wanted(mark: bool) -> None:
    disk, sent = Disk(), []
    disk.receipts.advance(1)

    async def emit(data: bytes) -> None:
        sent.extend(map(json.loads, data.splitlines()))

    receipt = Receipt(disk.receipts, 1)
    batch = Batch(lambda number, line: Pending(Accepted(line.decode()), receipt, repeated=number == 2), disk.room, emit, mark=mark)
    for number, line in enumerate((b"new", b"old"), 1):
        await batch.take(number, line)
    await batch.end()
    assert sent == [{"id": "new", "accepted": True}, {"id": "old", "accepted": True, **({"repeated": True} if mark else {})}]


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "WINDOW", 10)
    monkeypatch.setattr(batch_module, "PART_BYTES", 1)
    disk, sent = Disk(), []
    playing = asyncio.ensure_future(play(disk, [b"%d" % number for number in range(50)], sent))
    await asyncio.sleep(0.02)
    assert disk.seq == 10
    disk.receipts.advance(5)
    await asyncio.sleep(0.02)
    assert len(sent) == 5 and disk.seq > 10
    while not playing.done():
        disk.receipts.advance(disk.seq)
        await asyncio.sleep(0.001)
    assert len(sent) == 50


async def test_a_busy_journal_is_waited_for() -> None:
    tries = []

    def once(number: int) -> StorageError | None:
        tries.append(number)
        return StorageBusy("full", "here", "wait") if number == 3 and tries.count(3) == 1 else None

    disk, sent = Disk(once), []
    playing = asyncio.ensure_future(play(disk, [b"a", b"b", b"c", b"d"], sent))
    await asyncio.sleep(0.01)
    disk.receipts.advance(4)
    await playing
    assert disk.rooms == 1 and [json.loads(line)["id"] for line in sent] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("error", "status"), [(StorageFull("full", "here", "free it"), 507), (StorageError("broken", "here", "look"), 500)]
)
async def test_a_refusal_ends_it_after_the_answers_of_what_was_taken(error: StorageError, status: int) -> None:
    disk, sent = Disk(lambda number: error if number >= 3 else None), []
    playing = asyncio.ensure_future(play(disk, [b"a", b"b", b"c", b"d"], sent))
    await asyncio.sleep(0.01)
    assert not sent
    disk.receipts.advance(2)
    await playing
    answers = [json.loads(line) for line in sent]
    assert [answer.get("id") for answer in answers] == ["a", "b", None]
    assert (answers[2]["line"], answers[2]["status"]) == (3, status)


async def test_a_failed_disk_answers_only_what_was_durable() -> None:
    disk, sent = Disk(), []
    playing = asyncio.ensure_future(play(disk, [b"a", b"b", b"c"], sent))
    await asyncio.sleep(0.01)
    disk.receipts.advance(1)
    disk.receipts.fail(StorageFailed("the disk refused a write", "here", "restart"))
    await playing
    answers = [json.loads(line) for line in sent]
    assert [answer.get("id") for answer in answers] == ["a", None]
    assert answers[1]["line"] == 2
