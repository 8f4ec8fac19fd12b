"""How many different members were seen since a tile: a HyperLogLog that slides over time, in integers alone.

    cells: list[int] = []
    insert(cells, tile=100, member=0x9E3779B97F4A7C15)
    estimate(cells, first_tile=41)      -> about how many different members fell into tile 41 and later

P. Flajolet, É. Fusy, O. Gandouet and F. Meunier, "HyperLogLog" (2007), with 512 registers: the standard error is 4.6 %. Each register keeps
the list of its possible future maxima after Y. Chabchoub and G. Hébrail, "Sliding HyperLogLog" (2010): (tile, rank) pairs by ascending tile
and strictly descending rank, so that one sketch serves every moment within the window, three or four pairs to a register. The estimate is
O. Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6), which needs no table of
corrections; here in fixed point, so that it is equal on every machine.

A cell is register << 40 | tile << 8 | rank, and the list of cells is sorted. A member is the 64-bit number of `engine.counting.keytable.member_of`:
its upper 9 bits are the register, the rest give the rank.
"""

from bisect import bisect_left
from decimal import Context, Decimal
from itertools import pairwise

REGISTER_BITS = 9
REGISTERS = 1 << REGISTER_BITS
RANK_LIMIT = 32
SHIFT = 32
_REST_BITS = 64 - REGISTER_BITS
_REST = (1 << _REST_BITS) - 1


def _sigma_table() -> tuple[int, ...]:
    """REGISTERS * sigma(empty / REGISTERS) in fixed point for every number of empty registers but all of them."""
    context = Context(prec=40)
    table = []
    for empty in range(REGISTERS):
        x = context.divide(Decimal(empty), Decimal(REGISTERS))
        y, z = Decimal(1), x
        while True:
            x = context.multiply(x, x)
            added = context.multiply(x, y)
            if added < Decimal(10) ** -30:
                break
            z = context.add(z, added)
            y = context.add(y, y)
        table.append(int((z * REGISTERS * (1 << SHIFT)).to_integral_value()))
    return tuple(table)


SIGMA = _sigma_table()
# REGISTERS^2 / (2 ln 2), in 1/256.
ALPHA = int((Decimal(REGISTERS * REGISTERS * 256) / (2 * Decimal(2).ln())).to_integral_value())


def place(member: int) -> tuple[int, int]:
    """The register and the rank (1 to 32) of a member."""
    rest = member & _REST
    return member >> _REST_BITS, min(_REST_BITS - rest.bit_length() + 1, RANK_LIMIT)


def insert(cells: list[int], tile: int, member: int) -> None:
    """Count a member in a tile, earlier or later than those before."""
    register, rank = place(member)
    base = register << 40
    at = bisect_left(cells, base | tile << 8)
    # Whatever lies at this tile or later with at least this rank makes the new pair useless; the first of those has the highest rank.
    if at < len(cells) and cells[at] >> 40 == register and cells[at] & 0xFF >= rank:
        return
    end = at + 1 if at < len(cells) and cells[at] >> 8 == (base | tile << 8) >> 8 else at
    start = at
    while start > 0 and cells[start - 1] >> 40 == register and cells[start - 1] & 0xFF <= rank:
        start -= 1
    cells[start:end] = [base | tile << 8 | rank]


def estimate(cells: list[int], first_tile: int) -> int:
    """The number of different members in `first_tile` and later."""
    counts = [0] * (RANK_LIMIT + 1)
    used, last = 0, -1
    for cell in cells:
        register = cell >> 40
        if register != last and (cell >> 8 & 0xFFFFFFFF) >= first_tile:
            last = register
            used += 1
            counts[cell & 0xFF] += 1
    if not used:
        return 0
    total = SIGMA[REGISTERS - used]
    for rank in range(1, RANK_LIMIT + 1):
        total += counts[rank] << (SHIFT - rank)
    return ((ALPHA << (SHIFT - 8)) + total // 2) // total


def prune(cells: list[int], bound: int) -> int:
    """Drop what lies before tile `bound`; gives the newest tile that was dropped, -1 for none."""
    dropped = -1
    kept = []
    for cell in cells:
        tile = cell >> 8 & 0xFFFFFFFF
        if tile < bound:
            dropped = max(dropped, tile)
        else:
            kept.append(cell)
    if dropped >= 0:
        cells[:] = kept
    return dropped


def check(cells: list[int]) -> None:
    """Raises ValueError for cells that `insert` did not make."""
    for cell in cells:
        if cell >> 40 >= REGISTERS or not 1 <= cell & 0xFF <= RANK_LIMIT:
            raise ValueError("a sketch has a register or a rank out of range")
    for earlier, later in pairwise(cells):
        if later <= earlier or (later >> 40 == earlier >> 40 and (later & 0xFF >= earlier & 0xFF or later >> 8 == earlier >> 8)):
            raise ValueError("a sketch is out of order")
