"""Which of many address ranges an address lies in: ranges of both families flattened to steps, found by bisection.

    ranges = Ranges.build([(4, 3221225984, 3221226239, 1), (4, 3221225990, 3221225990, 2)])
    ranges.find(4, 3221225984) -> 1        ranges.find(4, 3221225990) -> 2        ranges.find(4, 0) -> 0

Ranges may nest and overlap in any way. The rule: the most specific (smallest) range wins; of equally small ones the one that begins later; of
equal ranges the one that stands later in the file. Time to build: n log n for n ranges; a look-up is one bisection (three at most for IPv6).

Memory: a range makes at most two steps of 4 bytes (IPv6: 16) and an index of 1, 2 or 4 bytes; neighbours with equal values are one step.
"""

import heapq
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from wardline.protocols.ip import BITS
from wardline.sources.reading import SourceError

Array: TypeAlias = "array[int]"
# (4 or 6, first address, last address, value from 1 on)
Row = tuple[int, int, int, int]
# The values of all ranges over one place, most specific first, to the one value that counts there.
Join = Callable[[tuple[int, ...]], int]
DEPTH_LIMIT = 1024  # ranges over one address: networks nest 128 deep at most
_LOW = (1 << 64) - 1


def most_specific(values: tuple[int, ...]) -> int:
    """The usual rule."""
    return values[0]


class Ranges:
    """An immutable map from addresses to small positive integers; 0 where no range lies."""

    def __init__(self) -> None:
        self.count = 0  # ranges, after equal ones became one
        self.families: frozenset[int] = frozenset()
        self._starts_4 = array("I", [0])
        self._values_4 = array("B", [0])
        self._highs_6 = array("Q", [0])
        self._lows_6 = array("Q", [0])
        self._values_6 = array("B", [0])

    @classmethod
    def build(cls, rows: Iterable[Row], join: Join = most_specific) -> "Ranges":
        """From rows in the file's order. Raises SourceError when more than 1,024 ranges lie over one address."""
        made = cls()
        by_family: dict[int, dict[tuple[int, int], int]] = {4: {}, 6: {}}
        repeated: dict[tuple[int, int, int], list[int]] = {}
        for version, low, high, value in rows:
            family, place = by_family[version], (low, high)
            if join is not most_specific and place in family:
                repeated.setdefault((version, low, high), [family[place]]).append(value)
            else:
                family[place] = value
        for (version, low, high), equal in repeated.items():  # at once: one after the other would join a thousand rows a thousand times
            by_family[version][low, high] = join(tuple(reversed(equal)))
        made.count = sum(map(len, by_family.values()))
        made.families = frozenset(version for version, family in by_family.items() if family)
        starts, values = _steps(by_family[4], 1 << BITS[4], join)
        made._starts_4, made._values_4 = array("I", starts), array(_code(values), values)
        starts, values = _steps(by_family[6], 1 << BITS[6], join)
        made._highs_6 = array("Q", (start >> 64 for start in starts))
        made._lows_6 = array("Q", (start & _LOW for start in starts))
        made._values_6 = array(_code(values), values)
        return made

    @classmethod
    def of(cls, arrays: Sequence[Array], count: int, families: frozenset[int]) -> "Ranges":
        """The ranges whose `arrays` these are."""
        made = cls()
        made.count, made.families = count, families
        made._starts_4, made._values_4, made._highs_6, made._lows_6, made._values_6 = arrays
        return made

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Everything that is looked up in: starts and values of IPv4; upper and lower halves and values of IPv6."""
        return self._starts_4, self._values_4, self._highs_6, self._lows_6, self._values_6

    def find(self, version: int, address: int) -> int:
        """The value at an address; 0 where no range lies."""
        return self.finder_4()(address) if version == 4 else self.finder_6()(address)

    def finder_4(self) -> Callable[[int], int]:
        """`find` for IPv4 alone: a function with everything at hand, since this is called for every source of every event."""
        starts, values = self._starts_4, self._values_4

        def find(address: int) -> int:
            return values[bisect_right(starts, address) - 1]

        return find

    def finder_6(self) -> Callable[[int], int]:
        """`find` for IPv6 alone."""
        highs, lows, values = self._highs_6, self._lows_6, self._values_6

        def find(address: int) -> int:
            high = address >> 64
            place = bisect_right(highs, high)
            if highs[place - 1] == high:
                # Several steps begin within the same upper half; before the first of them the step below goes on.
                place = bisect_right(lows, address & _LOW, bisect_left(highs, high, 0, place), place)
            return values[place - 1]

        return find

    @property
    def steps(self) -> int:
        """How many steps of both families are kept."""
        return len(self._starts_4) + len(self._highs_6)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(len(part) * part.itemsize for part in self.arrays)


def _code(values: list[int]) -> str:
    most = max(values)
    return "B" if most < 1 << 8 else "H" if most < 1 << 16 else "I"


def _steps(ranges: dict[tuple[int, int], int], end: int, join: Join) -> tuple[list[int], list[int]]:
    """One sweep from the lowest address up: where a range begins or ends, the value may change."""
    starts, values = [0], [0]
    rows = sorted(ranges.items())
    active: list[tuple[int, int, int]] = []  # (size, -low, value): the most specific first
    closing: list[tuple[int, tuple[int, int, int]]] = []
    place, total = 0, len(rows)
    while place < total or closing:
        at = rows[place][0][0] if place < total else end
        if closing and closing[0][0] < at:
            at = closing[0][0]
        while closing and closing[0][0] == at:
            gone = heapq.heappop(closing)[1]
            del active[bisect_left(active, gone)]
        while place < total and rows[place][0][0] == at:
            (low, high), value = rows[place]
            entry = (high - low, -low, value)
            insort(active, entry)
            heapq.heappush(closing, (high + 1, entry))
            place += 1
        if len(active) > DEPTH_LIMIT:
            raise SourceError(f"more than {DEPTH_LIMIT:,} ranges lie over one address; this is no list of networks")
        value = 0 if not active else active[0][2] if join is most_specific else join(tuple(entry[2] for entry in active))
        if value != values[-1] and at < end:
            if starts[-1] == at:
                values[-1] = value
            else:
                starts.append(at)
                values.append(value)
    return starts, values
