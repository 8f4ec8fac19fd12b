"""Ranges against a slow, obvious oracle: all that contain the address, the smallest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.sources.ranges import DEPTH_LIMIT, Ranges, Row
from wardline.sources.reading import SourceError

END = {4: 1 << 32, 6: 1 << 128}


def oracle(rows: list[Row], version: int, address: int) -> list[int]:
    last = {(row[0], row[1], row[2]): row[3] for row in rows}
    over = [(high - low, -low, value) for (family, low, high), value in last.items() if family == version and low <= address <= high]
    return [value for _, _, value in sorted(over)]


@st.composite
def row(draw: st.DrawFn) -> Row:
    version = draw(st.sampled_from((4, 6)))
    # Small neighbourhoods at the edges of the space and of the upper half of IPv6, so that ranges meet.
    base = draw(st.sampled_from((0, END[version] - 40, 1 << 64 if version == 6 else 1 << 16)))
    low = base + draw(st.integers(0, 39))
    high = min(low + draw(st.sampled_from((0, 1, 3, 7, 20, 1 << 20, 1 << 70))), END[version] - 1)
    return version, low, high, draw(st.integers(1, 400))


@given(st.lists(row(), max_size=40))
def test_every_address_has_the_value_of_its_most_specific_range(rows: list[Row]) -> None:
    ranges = Ranges.build(rows)
    for version in (4, 6):
        edges = {0, END[version] - 1, *(edge + step for row in rows if row[0] == version for edge in row[1:3] for step in (-1, 0, 1))}
        for address in edges:
            if 0 <= address < END[version]:
                assert ranges.find(version, address) == next(iter(oracle(rows, version, address)), 0)


@given(st.lists(row(), max_size=20))
def test_joined_values_come_most_specific_first(rows: list[Row]) -> None:
    distinct = list({entry[:3]: entry for entry in rows}.values())
    seen: dict[int, tuple[int, ...]] = {}

    def join(values: tuple[int, ...]) -> int:
        seen[len(seen) + 1000] = values
        return len(seen) + 999

    ranges = Ranges.build(distinct, join)
    for entry in distinct:
        found = ranges.find(entry[0], entry[1])
        assert list(seen[found]) == oracle(distinct, entry[0], entry[1])


def test_nothing_at_all() -> None:
    ranges = Ranges.build([])
    assert (ranges.find(4, 5), ranges.find(6, 5), ranges.count, ranges.families) == (0, 0, 0, frozenset())


def test_neighbours_with_equal_values_are_one_step() -> None:
    ranges = Ranges.build([(4, 16 * place, 16 * place + 15, 1) for place in range(1, 100)])
    assert ranges.steps == 4  # nothing, the hundred, nothing; and IPv6's nothing
    assert ranges.memory_bytes < 64


def test_a_file_that_piles_ranges_up_is_refused() -> None:
    with pytest.raises(SourceError, match="lie over one address"):
        Ranges.build([(4, place, (1 << 31) + place, 1) for place in range(DEPTH_LIMIT + 1)])


def test_memory_per_range_stays_within_what_is_stated() -> None:
    ranges = Ranges.build([(4, place * 8, place * 8 + 3, 1 + place % 200) for place in range(1000)])
    assert ranges.memory_bytes <= 1000 * 2 * 5 + 64
    ranges = Ranges.build([(6, place << 70, (place << 70) + 3, 1 + place % 60_000) for place in range(1000)])
    assert ranges.memory_bytes <= 1000 * 2 * 18 + 64
