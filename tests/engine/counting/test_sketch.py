"""The sliding HyperLogLog against plain registers, and its error against what the papers say."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.counting import sketch


def member(number: int) -> int:
    return int.from_bytes(blake2b(str(number).encode(), digest_size=8).digest(), "little")


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5000))), st.integers(0, 45))
def test_every_window_reads_what_plain_registers_hold(inserted: list[tuple[int, int]], first: int) -> None:
    cells: list[int] = []
    registers: dict[int, int] = {}
    for tile, number in inserted:
        # Few registers, so that they meet.
        found = member(number) & ~(0x7C << 57)
        sketch.insert(cells, tile, found)
        register, rank = sketch.place(found)
        if tile >= first:
            registers[register] = max(registers.get(register, 0), rank)
    assert cells == sorted(cells)
    held: dict[int, int] = {}
    for cell in cells:
        if cell >> 8 & 0xFFFFFFFF >= first:
            held.setdefault(cell >> 40, cell & 0xFF)
    assert held == registers
    plain = [register << 40 | 50 << 8 | rank for register, rank in sorted(registers.items())]
    assert sketch.estimate(cells, first) == sketch.estimate(plain, 0)


def test_the_error_is_the_papers() -> None:
    squares, runs = 0.0, 40
    for run in range(runs):
        cells: list[int] = []
        for number in range(1000):
            sketch.insert(cells, number, member(run * 1000 + number))
        squares += (sketch.estimate(cells, 0) / 1000 - 1) ** 2
    assert 0.02 < (squares / runs) ** 0.5 < 0.07


def test_pruning_gives_the_newest_that_went() -> None:
    cells: list[int] = []
    for number in range(200):
        sketch.insert(cells, number, member(number))
    kept = sketch.estimate(cells, 150)
    assert 0 <= sketch.prune(cells, 100) < 100
    assert sketch.estimate(cells, 150) == kept
    assert sketch.prune(cells, 100) == -1
    assert sketch.prune(cells, 1000) == 199
    assert cells == [] and sketch.estimate(cells, 0) == 0
