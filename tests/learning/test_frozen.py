"""The frozen model: what goes in comes out, damage is noticed, and it never claims more than its limits."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wardline.learning.frozen import Frozen, FrozenError, freeze, weigh, weigh_numpy
from wardline.learning.ngrams import Rows

ROWS = 1 << 12


def make(keep: int = ROWS, ceiling: float = 0.5) -> Frozen:
    chance = np.random.default_rng(7)
    weights = chance.normal(0, 1, ROWS) * (chance.random(ROWS) < 0.3)
    return freeze(weights, keep=keep, gain=0.5, margin=1.0, floor=2.0, ceiling=ceiling, about={"name": "test-1", "licence": "Apache-2.0"})


def test_what_goes_in_comes_out() -> None:
    model = make()
    again = Frozen.from_bytes(model.to_bytes(), ROWS)
    assert (again.weights == model.weights).all()
    assert (again.name, again.head.gain, again.head.used) == ("test-1", 0.5, np.count_nonzero(model.weights))


def test_the_heaviest_are_kept() -> None:
    full, small = make(), make(keep=100)
    assert np.count_nonzero(small.weights) <= 130
    assert np.abs(small.weights[small.weights != 0].astype(int)).min() >= np.sort(np.abs(full.weights.astype(int)))[-130]
    assert len(small.to_bytes()) < len(full.to_bytes())


@given(st.lists(st.integers(0, ROWS - 1), max_size=50, unique=True))
def test_it_stays_within_its_limits(rows: list[int]) -> None:
    model = make()
    value = model.log_odds((np.array(rows, np.uint32),))
    assert -2.0 <= value <= 0.5
    if not rows:
        assert value == 0.0


@given(st.lists(st.integers(0, ROWS - 1), max_size=100))
def test_the_twins_agree(rows: list[int]) -> None:
    weights, chosen = make().weights, np.array(rows, np.uint32)
    assert weigh(weights, chosen) == weigh_numpy(weights, chosen) == sum(int(weights[row]) for row in rows)


@pytest.mark.parametrize("twin", [weigh, weigh_numpy])
@pytest.mark.parametrize("rows", [[ROWS], [0, 1, ROWS + 5], [2**32 - 1]])
def test_rows_outside_the_table(twin: Callable[[NDArray[np.int16], Rows], int], rows: list[int]) -> None:
    with pytest.raises(IndexError):
        twin(make().weights, np.array(rows, np.uint32))


def test_no_rows_say_nothing() -> None:
    assert make().log_odds((np.zeros(0, np.uint32),)) == 0.0


@pytest.mark.parametrize("at", [0, 12, 40, 200, -40, -1])
def test_a_flipped_bit_is_noticed(at: int) -> None:
    data = bytearray(make().to_bytes())
    data[at] ^= 1
    with pytest.raises(FrozenError):
        Frozen.from_bytes(bytes(data), ROWS)


@pytest.mark.parametrize("data", [b"", b"WLFROZEN1", b"x" * 100, b"WLFROZEN1" + b"\xff" * 100])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(FrozenError):
        Frozen.from_bytes(data, ROWS)


def test_a_model_for_another_table() -> None:
    with pytest.raises(FrozenError, match="rows"):
        Frozen.from_bytes(make().to_bytes(), ROWS * 2)


def test_a_cut_off_model() -> None:
    with pytest.raises(FrozenError):
        Frozen.from_bytes(make().to_bytes()[:-50], ROWS)
