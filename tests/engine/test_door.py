"""A pending answer: known at once, timed and counted when it is durable, and only once."""

import asyncio

import pytest

from wardline.base.storage import StorageFailed
from wardline.engine.door import Accepted, Answer, Pending
from wardline.engine.store.receipt import Receipt, Receipts

ANSWER = Answer(id="e-1", verdict="allow", score=0.1)


async def test_it_waits_for_its_record() -> None:
    receipts = Receipts(0)
    counted: list[tuple[str, float]] = []
    pending = Pending(ANSWER, Receipt(receipts, 2), started_s=0.0, count=lambda verdict, seconds: counted.append((verdict, seconds)))

    async def wait() -> Answer | Accepted:
        return await pending

    task = asyncio.ensure_future(wait())
    receipts.advance(1)
    await asyncio.sleep(0.01)
    assert not task.done() and not counted and pending.answer == ANSWER
    receipts.advance(2)
    answer = await task
    assert isinstance(answer, Answer) and answer.id == "e-1" and answer.ms > 0
    assert [verdict for verdict, _ in counted] == ["allow"]


async def test_what_is_durable_is_answered_without_a_turn_of_the_loop() -> None:
    pending = Pending(ANSWER, Receipt(Receipts(5), 5), started_s=0.0)
    with pytest.raises(StopIteration) as answered:
        pending.__await__().send(None)
    assert answered.value.value.verdict == "allow"


async def test_a_first_answer_given_again_is_not_counted() -> None:
    assert await Pending(ANSWER, Receipt(Receipts(5), 5)) == ANSWER
    assert await Pending(Accepted("e-2"), Receipt(Receipts(5), 5), started_s=0.0) == Accepted("e-2")


async def test_a_refused_record_has_no_answer() -> None:
    receipts = Receipts(0)
    receipts.fail(StorageFailed("the disk refused a write", "here", "restart"))
    with pytest.raises(StorageFailed):
        await Pending(ANSWER, Receipt(receipts, 1), started_s=0.0)
