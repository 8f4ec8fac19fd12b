"""The parts that the contract's tests do not see: how a tally is packed, and that it refuses what it did not pack."""

import pytest

from wardline.engine.counting.counter import parse_counter
from wardline.engine.counting.tally import CELLS_LIMIT, HEAD_BYTES, decayed, make_tally, spec_of

KINDS = [
    ({"count": "login"}, 8),
    ({"sum": "amount", "on": "login"}, 12),
    ({"ratio": "amount > 1", "on": "login"}, 12),
    ({"distinct": "account", "on": "login"}, 12),
    ({"first_seen": "login"}, 16),
    ({"last_seen": "login"}, 16),
]
SECOND = 1_000_000


@pytest.mark.parametrize(("fields", "cell_bytes"), KINDS)
def test_packed_and_back(fields: dict[str, str], cell_bytes: int) -> None:
    spec = spec_of(parse_counter("c", {**fields, "window": "10m"}))
    tally, again = make_tally(spec), make_tally(spec)
    assert tally.size() == HEAD_BYTES
    for number in range(3):
        tally.write((1000 + number * 20) * SECOND, number)
    data = tally.pack()
    assert len(data) == tally.size() == HEAD_BYTES + cell_bytes * (3 if cell_bytes < 16 else 1)
    assert again.unpack(data + b"more", 0) == len(data)
    assert again.pack() == data
    for cut in range(len(data)):
        with pytest.raises(ValueError):
            make_tally(spec).unpack(data[:cut], 0)


def test_events_with_clocks_ahead_are_bounded() -> None:
    tally = make_tally(spec_of(parse_counter("c", {"count": "login", "window": "1m"})))
    tally.write(10**6 * SECOND, 1)
    for number in range(1000):
        tally.write((10**6 - 1 - number) * SECOND, 1)
    assert tally.count() <= CELLS_LIMIT


def test_decay_is_exact_at_whole_half_lives() -> None:
    assert [decayed(1 << 24, 64 * lives) for lives in range(4)] == [1 << 24, 1 << 23, 1 << 22, 1 << 21]
    assert decayed((1 << 62) - 1, 10**9) == 0
