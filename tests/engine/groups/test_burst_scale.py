"""One scale of a burst sketch: surprise, halving, and the compiled twin equal to the plain one to the last bit."""

import random
from array import array

import pytest

from wardline.engine.groups.burst_scale import FULL, Scale, native, surprise


def test_surprise_is_that_of_a_poisson_ratio() -> None:
    assert surprise(1, 1) == surprise(1, 5) == 0.0
    assert surprise(10, 1) == pytest.approx(20.23, abs=0.01)


def test_the_past_counts_half_when_it_is_twice_as_long() -> None:
    scale = Scale(10, 2, 4, blocks=1, width=64, plain=True)
    for tick in range(1, 9):
        scale.roll(tick)
        scale.count([5])
    (cell,) = [cell for cell in range(64) if scale.seen[cell] == 8]
    assert scale.past[cell] == 7.0 and scale.ticks(8) == 7
    scale.roll(9)
    scale.count([5])
    assert scale.past[cell] == 4.0 and scale.ticks(9) == 4


@pytest.mark.skipif(native is None, reason="built without a C compiler")
def test_the_twins_are_equal() -> None:
    draw = random.Random(3)
    one, other = (Scale(10, 3, 7, blocks=3, width=32, plain=plain) for plain in (True, False))
    tick = 1
    for _ in range(6000):
        tick += draw.choice((0, 0, 0, 0, 1, 1, 2, 30, 300) if draw.random() < 0.1 else (0,))
        numbers = [None if draw.random() < 0.1 else int(draw.paretovariate(0.5)) % (1 << 64) for _ in range(3)]
        busy = 1.0 + draw.random()
        ahead = max(tick, one.tick) + draw.randrange(2)
        if one.ticks(ahead):
            assert one.look(numbers, ahead, busy) == other.look(numbers, ahead, busy)
        for scale in (one, other):
            scale.roll(tick)
            scale.count(numbers)
    assert (one.seen, one.now, one.past) == (other.seen, other.now, other.past)


@pytest.mark.skipif(native is None, reason="built without a C compiler")
def test_too_few_cells_are_refused() -> None:
    scale = Scale(10, 3, 7, blocks=1, width=32)
    with pytest.raises(ValueError, match="fewer cells"):
        scale.count([1, 2])


@pytest.mark.skipif(native is None, reason="built without a C compiler")
@pytest.mark.parametrize("width", [0, -3, 1 << 60, 1 << 61, (1 << 61) + 1, 1 << 62, (1 << 63) - 1])
def test_a_width_that_no_memory_has_is_refused(width: int) -> None:
    cells, past = array("i", bytes(32)), array("d", bytes(64))
    for blocks in ([(1 << 63) + 7], [1, (1 << 64) - 1]):
        with pytest.raises(ValueError, match="fewer cells"):
            native.look(cells, cells, past, blocks, width, 1, 1, 1.0, 0.25)
        with pytest.raises(ValueError, match="fewer cells"):
            native.count(cells, cells, past, blocks, width, 1, 1, 4, 2)


@pytest.mark.skipif(native is None, reason="built without a C compiler")
@pytest.mark.parametrize("times", [(1 << 31, 0, 1, 1), (5, 0, 0, 1), (5, -(1 << 63), 1, 1), (5, 0, (1 << 63) - 1, 1)])
def test_times_that_no_clock_shows_are_refused(times: tuple[int, int, int, int]) -> None:
    cells, past = array("i", bytes(8)), array("d", bytes(16))
    with pytest.raises(ValueError, match="out of range"):
        native.count(cells, cells, past, [1], 1, *times)


@pytest.mark.parametrize("plain", [True] if native is None else [True, False])
def test_a_cell_that_is_full_stays_full(plain: bool) -> None:
    scale = Scale(10, 3, 7, blocks=1, width=1, plain=plain)
    scale.roll(1)
    scale.count([1])
    scale.now = array("i", [FULL, FULL])
    scale.count([1])
    assert list(scale.now) == [FULL, FULL]
