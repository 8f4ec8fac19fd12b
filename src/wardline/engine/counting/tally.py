"""What one counter knows of one key: a few cells of integers, by tiles of event time. The pure-Python twin of the tallies in `_counters.c`.

    tally = make_tally(spec)                         # spec: kind, tile_us, tiles, window_us
    tally.write(t_us, amount)                        # one event; amount: 1, units, 0/1, or a member's number
    tally.read(t_us, since_us)                       # the value as of t, None for unknown
    tally.pack() -> bytes; tally.unpack(bytes)       # 12 bytes of head, then the cells

Tile of a moment: t_us // tile_us. The window [t - w, t) is read as the tiles from (t - w) // tile_us to t // tile_us, both included: never
less than the window, at most one tile more. When a write opens a new newest tile, cells that the tile before it could no longer
see are dropped, and `floor` remembers up to where: whoever reads further back gets None, never a number that is too small. Pruning lags one
tile behind on purpose: one event with a clock that jumped ahead drops nothing that the next on-time reader needs.

`since_us`: whatever happened at or before it may be missing (the key was evicted once, the counter was added later); -1: nothing is missing.
"""

import struct
from decimal import Context, Decimal
from itertools import pairwise
from typing import ClassVar

import msgspec

from wardline.engine.counting import sketch
from wardline.engine.counting.counter import Counter
from wardline.engine.feature import Value

TIME_LIMIT_US = 4_000_000_000 * 1_000_000 - 1  # the year 2096: tiles stay below 2^32
EXACT_MEMBERS = 64
CELLS_LIMIT = 128  # of one counter and key: 61 serve a window, the rest is for events with clocks that run ahead
UNIT = 1_000_000  # a sum is kept in millionths
SUM_LIMIT = (1 << 63) - 1
AMOUNT_LIMIT = 10**12
COUNT_LIMIT = (1 << 32) - 1
DECAY_STEPS = 64  # of one half-life
DECAY_SHIFT = 32
RATE_ONE = 1 << 24
RATE_LIMIT = (1 << 62) - 1
RATE_HALF_LIVES = 10  # after so many half-lives less than a thousandth is left of what is not known

_HEAD = struct.Struct("<IIHBB")
HEAD_BYTES = _HEAD.size


class Spec(msgspec.Struct, frozen=True):
    """A counter in the numbers that the tables work with. kind: a place in KIND_CODES."""

    kind: int
    tile_us: int
    tiles: int
    window_us: int


KIND_CODES = ("count", "sum", "ratio", "distinct", "first_seen", "last_seen", "rate")
COUNT, SUM, RATIO, DISTINCT, FIRST_SEEN, LAST_SEEN, RATE = range(7)


def spec_of(counter: Counter) -> Spec:
    """The numbers of a declaration."""
    kind = KIND_CODES.index(counter.kind)
    if kind == RATE:
        return Spec(
            kind, counter.half_life_seconds * (1_000_000 // DECAY_STEPS), 0, counter.half_life_seconds * RATE_HALF_LIVES * 1_000_000
        )
    window_us, tile_us = counter.window_seconds * 1_000_000, counter.tile_seconds * 1_000_000
    return Spec(kind, tile_us, -(-window_us // tile_us) if tile_us else 0, window_us)


def _decay_table() -> tuple[int, ...]:
    context = Context(prec=40)
    return tuple(
        int(context.multiply(context.power(Decimal(2), Decimal(-step) / DECAY_STEPS), Decimal(1 << DECAY_SHIFT)).to_integral_value())
        for step in range(DECAY_STEPS)
    )


DECAY = _decay_table()


def decayed(value: int, steps: int) -> int:
    """What is left of a value after so many 64ths of a half-life."""
    return (value * DECAY[steps % DECAY_STEPS] >> DECAY_SHIFT) >> min(steps // DECAY_STEPS, 63)


class Tally:
    """The common part: floor, the newest tile, and whether a reader asks for more than is known."""

    cell: ClassVar[struct.Struct]

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.floor = 0
        self.newest = 0
        self.form = 0

    def size(self) -> int:
        """Bytes of this tally as packed."""
        return HEAD_BYTES + self.count() * self.cell.size

    def count(self) -> int:
        """Cells in use."""
        raise NotImplementedError

    def write(self, t_us: int, amount: int) -> None:
        """One event."""
        raise NotImplementedError

    def read(self, t_us: int, since_us: int) -> Value:
        """The value as of t."""
        raise NotImplementedError

    def pack(self) -> bytes:
        """Head and cells."""
        return _HEAD.pack(self.floor, self.newest, self.count(), self.form, 0) + b"".join(self.pack_cells())

    def pack_cells(self) -> list[bytes]:
        """The cells alone."""
        raise NotImplementedError

    def unpack(self, data: bytes, at: int) -> int:
        """Read back what `pack` wrote; gives where it ended. Raises ValueError."""
        try:
            self.floor, self.newest, count, self.form, zero = _HEAD.unpack_from(data, at)
            at += HEAD_BYTES
            cell = self.cell
            if zero or self.form > (self.spec.kind == DISTINCT):
                raise ValueError("a tally has an unknown form")
            self.unpack_cells([cell.unpack_from(data, at + index * cell.size) for index in range(count)])
        except struct.error:
            raise ValueError("a tally is cut off") from None
        return int(at + count * cell.size)

    def unpack_cells(self, cells: list[tuple[int, ...]]) -> None:
        """Take the cells."""
        raise NotImplementedError

    def first(self, t_us: int) -> int:
        """The first tile of the window that ends at t."""
        return max(t_us - self.spec.window_us, 0) // self.spec.tile_us

    def hidden(self, first: int, since_us: int) -> bool:
        """Whether something that a reader from tile `first` on needs may be missing."""
        return first < self.floor or (since_us >= 0 and since_us // self.spec.tile_us >= first)

    def bound(self, tile: int) -> int:
        """What a write to `tile` may drop: everything before the tile given back; 0 for nothing."""
        return max(self.newest - self.spec.tiles, 0) if tile > self.newest else 0


class Cells(Tally):
    """Count, sum and ratio: (tile, value) or (tile, hits, all) by ascending tile."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.cells: list[list[int]] = []
        self.cell = struct.Struct({COUNT: "<II", SUM: "<Iq", RATIO: "<III"}[spec.kind])  # type: ignore[misc]

    def count(self) -> int:
        """Cells in use."""
        return len(self.cells)

    def write(self, t_us: int, amount: int) -> None:
        """Add to the tile of t. What is older than anything a reader could still be answered is passed over."""
        tile = t_us // self.spec.tile_us
        if tile < self.floor:
            return
        cells = self.cells
        bound = self.bound(tile)
        while cells and cells[0][0] < bound:
            self.floor = cells.pop(0)[0] + 1
        self.newest = max(self.newest, tile)
        at = len(cells)
        while at > 0 and cells[at - 1][0] >= tile:
            at -= 1
        if at == len(cells) or cells[at][0] != tile:
            cells.insert(at, [tile, 0, 0] if self.spec.kind == RATIO else [tile, 0])
        found = cells[at]
        if self.spec.kind == COUNT:
            found[1] = min(found[1] + 1, COUNT_LIMIT)
        elif self.spec.kind == SUM:
            found[1] = max(-SUM_LIMIT, min(found[1] + amount, SUM_LIMIT))
        elif found[2] < COUNT_LIMIT:
            found[1] += amount
            found[2] += 1
        if len(cells) > CELLS_LIMIT:
            self.floor = cells.pop(0)[0] + 1

    def read(self, t_us: int, since_us: int) -> Value:
        """The count, the sum, or the share; None for unknown and for the share of nothing."""
        first, last = self.first(t_us), t_us // self.spec.tile_us
        if self.hidden(first, since_us):
            return None
        seen = [cell for cell in self.cells if first <= cell[0] <= last]
        total = sum(cell[1] for cell in seen)
        if self.spec.kind == COUNT:
            return total
        if self.spec.kind == SUM:
            total = max(-SUM_LIMIT, min(total, SUM_LIMIT))
            return total // UNIT if total % UNIT == 0 else total / UNIT
        events = sum(cell[2] for cell in seen)
        return total / events if events else None

    def pack_cells(self) -> list[bytes]:
        """The cells alone."""
        return [self.cell.pack(*cell) for cell in self.cells]

    def unpack_cells(self, cells: list[tuple[int, ...]]) -> None:
        """Take the cells."""
        _ordered([cell[0] for cell in cells], CELLS_LIMIT)
        self.cells = [list(cell) for cell in cells]


class Members(Tally):
    """Distinct: up to 64 members with the newest tile of each, by ascending number; beyond that a sliding HyperLogLog until all has passed."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.members: dict[int, int] = {}
        self.registers: list[int] = []

    @property
    def cell(self) -> struct.Struct:  # type: ignore[override]
        """Of a member, or of a register's pair."""
        return _REGISTER if self.form else _MEMBER

    def count(self) -> int:
        """Cells in use."""
        return len(self.registers) if self.form else len(self.members)

    def write(self, t_us: int, amount: int) -> None:
        """A member in the tile of t."""
        tile = t_us // self.spec.tile_us
        if tile < self.floor:
            return
        if bound := self.bound(tile):
            self._prune(bound)
        self.newest = max(self.newest, tile)
        if not self.form:
            self.members[amount] = max(self.members.get(amount, 0), tile)
            if len(self.members) <= EXACT_MEMBERS:
                return
            self.form = 1
            for member, newest in sorted(self.members.items()):
                sketch.insert(self.registers, newest, member)
            self.members = {}
        else:
            sketch.insert(self.registers, tile, amount)

    def _prune(self, bound: int) -> None:
        if self.form:
            self.floor = max(self.floor, sketch.prune(self.registers, bound) + 1)
            if not self.registers:
                self.form = 0
            return
        gone = [member for member, tile in self.members.items() if tile < bound]
        for member in gone:
            self.floor = max(self.floor, self.members.pop(member) + 1)

    def read(self, t_us: int, since_us: int) -> Value:
        """How many members were last seen in the window or after it."""
        first = self.first(t_us)
        if self.hidden(first, since_us):
            return None
        if self.form:
            return sketch.estimate(self.registers, first)
        return sum(1 for tile in self.members.values() if tile >= first)

    def pack_cells(self) -> list[bytes]:
        """The cells alone."""
        if self.form:
            return [_REGISTER.pack(cell) for cell in self.registers]
        return [_MEMBER.pack(tile, member) for member, tile in sorted(self.members.items())]

    def unpack_cells(self, cells: list[tuple[int, ...]]) -> None:
        """Take the cells."""
        self.members, self.registers = {}, []
        if self.form:
            self.registers = [cell[0] for cell in cells]
            sketch.check(self.registers)
        else:
            _ordered([cell[1] for cell in cells], EXACT_MEMBERS)
            self.members = {cell[1]: cell[0] for cell in cells}


_MEMBER = struct.Struct("<IQ")
_REGISTER = struct.Struct("<Q")


class Seen(Tally):
    """First and last seen: the run of events with no silence longer than the window. Ages in whole seconds."""

    cell = struct.Struct("<qq")

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.run: tuple[int, int] | None = None

    def count(self) -> int:
        """Cells in use."""
        return 0 if self.run is None else 1

    def write(self, t_us: int, amount: int) -> None:
        """Lengthen the run, or begin a new one after a silence. What came before the silence is forgotten."""
        if self.run is None:
            self.run = (t_us, t_us)
            return
        first, last = self.run
        if t_us > last:
            self.run = (t_us if t_us - last > self.spec.window_us else first, t_us)
        elif t_us < first and first - t_us <= self.spec.window_us:
            self.run = (t_us, last)

    def read(self, t_us: int, since_us: int) -> Value:
        """first_seen: 0 for a key that is new, at most the window. last_seen: None for a key that is new."""
        window = self.spec.window_us
        whole = since_us < 0 or since_us < t_us - window
        if self.spec.kind == LAST_SEEN:
            if self.run is None or since_us > self.run[1] or t_us - self.run[1] > window:
                return None
            return max(t_us - self.run[1], 0) // 1_000_000
        if self.run is None or self.run[0] >= t_us or t_us - self.run[1] > window:
            return 0 if whole else None
        age = t_us - self.run[0]
        if age >= window:
            return window // 1_000_000
        return age // 1_000_000 if since_us < 0 or since_us < self.run[0] - window else None

    def pack_cells(self) -> list[bytes]:
        """The cells alone."""
        return [] if self.run is None else [self.cell.pack(*self.run)]

    def unpack_cells(self, cells: list[tuple[int, ...]]) -> None:
        """Take the cells."""
        if len(cells) > 1 or (cells and not 0 <= cells[0][0] <= cells[0][1] <= TIME_LIMIT_US):
            raise ValueError("a tally has too many cells or a time out of range")
        self.run = (cells[0][0], cells[0][1]) if cells else None


class Rate(Tally):
    """Decayed count: an event counts 1, and half of that after every half-life. Steps of a 64th of the half-life; `newest` is as of when."""

    cell = struct.Struct("<Q")

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.value: int | None = None

    def count(self) -> int:
        """Cells in use."""
        return 0 if self.value is None else 1

    def write(self, t_us: int, amount: int) -> None:
        """One event; a late one adds what would be left of it."""
        tile = t_us // self.spec.tile_us
        value = self.value or 0
        if tile > self.newest:
            value, self.newest, added = decayed(value, tile - self.newest), tile, RATE_ONE
        else:
            added = decayed(RATE_ONE, self.newest - tile)
        self.value = min(value + added, RATE_LIMIT)

    def read(self, t_us: int, since_us: int) -> Value:
        """In thousandths."""
        if since_us >= 0 and since_us >= t_us - self.spec.window_us:
            return None
        left = decayed(self.value or 0, max(t_us // self.spec.tile_us - self.newest, 0))
        return (left * 1000 + RATE_ONE // 2 >> 24) / 1000

    def pack_cells(self) -> list[bytes]:
        """The cells alone."""
        return [] if self.value is None else [self.cell.pack(self.value)]

    def unpack_cells(self, cells: list[tuple[int, ...]]) -> None:
        """Take the cells."""
        if len(cells) > 1 or (cells and cells[0][0] > RATE_LIMIT):
            raise ValueError("a tally has too many cells or a value out of range")
        self.value = cells[0][0] if cells else None


def _ordered(numbers: list[int], limit: int) -> None:
    if len(numbers) > limit or any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError("the cells of a tally are too many or out of order")


def make_tally(spec: Spec) -> Tally:
    """An empty tally of the kind; it reads what a key that was never seen reads."""
    if spec.kind in (COUNT, SUM, RATIO):
        return Cells(spec)
    return {DISTINCT: Members, FIRST_SEEN: Seen, LAST_SEEN: Seen, RATE: Rate}[spec.kind](spec)
