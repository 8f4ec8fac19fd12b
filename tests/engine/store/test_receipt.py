"""Receipts: awaited on a loop, waited for without one, refused when the log stopped."""

import asyncio
import threading

import pytest

from wardline.base.storage import StorageFailed
from wardline.engine.store.receipt import Receipt, Receipts


def failure() -> StorageFailed:
    return StorageFailed("the disk refused a write", "log", "Restart.")


async def test_a_durable_receipt_needs_no_waiting() -> None:
    receipts = Receipts(5)
    assert Receipt(receipts, 5).done
    assert await Receipt(receipts, 5) == 5
    assert Receipt(receipts, 3).result(timeout=0) == 3


async def test_waiters_are_woken_in_any_order_by_another_thread() -> None:
    receipts = Receipts(0)
    tasks = [asyncio.ensure_future(Receipt(receipts, seq)) for seq in (3, 1, 2, 4)]
    await asyncio.sleep(0)
    threading.Thread(target=receipts.advance, args=(3,)).start()
    assert await asyncio.gather(*tasks[:3]) == [3, 1, 2]
    assert not tasks[3].done()
    receipts.advance(4)
    assert await tasks[3] == 4


async def test_one_wake_up_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = Receipts(0)
    loop = asyncio.get_running_loop()
    wake_ups = []
    original = loop.call_soon_threadsafe

    def counted(callback: object, *rest: object) -> object:
        wake_ups.append(callback)
        return original(callback, *rest)  # type: ignore[arg-type]

    tasks = [asyncio.ensure_future(Receipt(receipts, seq)) for seq in range(1, 101)]
    await asyncio.sleep(0)
    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    receipts.advance(100)
    assert await asyncio.gather(*tasks) == list(range(1, 101))
    assert len(wake_ups) == 1


async def test_a_cancelled_waiter_harms_nobody() -> None:
    receipts = Receipts(0)
    first, second = (asyncio.ensure_future(Receipt(receipts, seq)) for seq in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    receipts.advance(2)
    assert await second == 2


async def test_a_stopped_log_tells_those_who_wait_and_those_who_come() -> None:
    receipts = Receipts(0)
    waiting = [asyncio.ensure_future(Receipt(receipts, seq)) for seq in (1, 2)]
    await asyncio.sleep(0)
    receipts.advance(1)
    receipts.fail(failure())
    assert await waiting[0] == 1
    with pytest.raises(StorageFailed):
        await waiting[1]
    with pytest.raises(StorageFailed):
        await Receipt(receipts, 3)
    with pytest.raises(StorageFailed):
        Receipt(receipts, 3).result(timeout=1)
    assert await Receipt(receipts, 1) == 1


def test_without_a_loop_it_blocks_until_durable() -> None:
    receipts = Receipts(0)
    thread = threading.Thread(target=receipts.advance, args=(2,))
    thread.start()
    assert Receipt(receipts, 2).result(timeout=30) == 2
    thread.join()
    with pytest.raises(TimeoutError, match="record 3"):
        Receipt(receipts, 3).result(timeout=0)


def test_a_closed_loop_is_forgotten() -> None:
    receipts = Receipts(0)
    loop = asyncio.new_event_loop()

    async def register() -> None:
        receipts.wait_on_loop(1)

    loop.run_until_complete(register())
    loop.close()
    receipts.advance(1)
    assert receipts.durable_seq == 1
    assert receipts._waiting == {}
