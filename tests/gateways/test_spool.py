"""A message of any size in bounded room; all messages of a door in a bounded budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.gateways.spool import HEAD_FLOOR_BYTES, STEP_BYTES, TAIL_FLOOR_BYTES, Budget, Spool


@given(st.lists(st.binary(max_size=40), max_size=40), st.integers(min_value=8, max_value=400))
def test_head_and_tail_of_anything(chunks: list[bytes], limit: int) -> None:
    spool = Spool(limit, Budget(1 << 30))
    for chunk in chunks:
        spool.write(chunk)
    whole, kept = b"".join(chunks), spool.content()
    assert spool.size_bytes == len(whole)
    if not spool.truncated:
        assert kept == whole
        return
    head, tail = limit - limit // 4, limit // 4
    assert kept == whole[:head] + b"\r\n" + whole[-tail:] and len(whole) > limit


def test_a_hundred_megabytes_byte_for_byte_bounded() -> None:
    budget = Budget(64 << 20)
    spool = Spool(4 << 20, budget)
    chunk = bytes(range(256)) * 256
    for _ in range(1600):
        spool.write(chunk)
        assert len(spool._head) + len(spool._tail) <= 6 << 20
    assert spool.size_bytes == 100 << 20 and spool.truncated
    assert len(spool.content()) == (4 << 20) + 2
    spool.close()
    spool.close()
    assert budget.free_bytes == 64 << 20


def test_an_empty_budget_leaves_the_floor() -> None:
    budget = Budget(STEP_BYTES * 2)
    greedy, late = Spool(1 << 20, budget), Spool(1 << 20, budget)
    for spool in (greedy, late):
        spool.write(b"h" * (512 << 10))
        spool.write(b"t" * (512 << 10))
    assert len(greedy.content()) == HEAD_FLOOR_BYTES + 2 * STEP_BYTES + TAIL_FLOOR_BYTES + 2
    content = late.content()
    assert len(content) == HEAD_FLOOR_BYTES + TAIL_FLOOR_BYTES + 2
    assert content.startswith(b"h" * HEAD_FLOOR_BYTES) and content.endswith(b"t" * TAIL_FLOOR_BYTES)
    greedy.close()
    assert budget.free_bytes == STEP_BYTES * 2


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_silly_limits(limit: int) -> None:
    spool = Spool(limit, Budget(0))
    spool.write(b"abcdefgh")
    assert spool.content().startswith(b"a")
