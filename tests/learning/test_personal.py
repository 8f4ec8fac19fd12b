"""What one person may move: an own offset within ±2, and a budget for what is shared."""

import pytest

from wardline.learning.online import Field
from wardline.learning.personal import DAY_LOG_ODDS, OFFSET_LIMIT, TOTAL_LOG_ODDS, Budgets, Offsets
from wardline.learning.tables import TableError

FIELD = Field("personal", bits=10)
LETTER = Offsets(FIELD)._new().rows({"personal": b"news@example.com|example.com|news|weekly offers"})
FRIEND = Offsets(FIELD)._new().rows({"personal": b"jo@example.net|example.net|jo|lunch on friday?"})


def report(offsets: Offsets, subject: str, times: int, abusive: bool = True) -> None:
    for _ in range(times):
        change = offsets.propose(subject, LETTER, abusive, log_odds=-3.0 if abusive else 3.0)
        if change:
            offsets.add(subject, change)


def test_an_own_offset_within_its_limit() -> None:
    offsets = Offsets(FIELD)
    report(offsets, "account:a", 50)
    assert 1.5 < offsets.value("account:a", LETTER) <= OFFSET_LIMIT
    assert abs(offsets.value("account:a", FRIEND)) < 0.7
    assert offsets.value("account:b", LETTER) == 0.0


def test_a_change_of_mind() -> None:
    offsets = Offsets(FIELD)
    report(offsets, "account:a", 50)
    report(offsets, "account:a", 10, abusive=False)
    assert offsets.value("account:a", LETTER) < 0


def test_taking_back_is_exact_and_leaves_nothing() -> None:
    offsets = Offsets(FIELD)
    empty = offsets.digest()
    change = offsets.propose("account:a", LETTER, True, log_odds=0.0)
    assert change is not None
    offsets.add("account:a", change)
    assert offsets.digest() != empty
    offsets.subtract("account:a", change)
    assert offsets.digest() == empty
    assert offsets.users == {}


def test_users_beyond_the_limit_get_no_offset() -> None:
    offsets = Offsets(FIELD, users_limit=1)
    report(offsets, "account:a", 1)
    assert offsets.propose("account:b", LETTER, True, log_odds=0.0) is None
    assert offsets.propose("account:a", LETTER, True, log_odds=0.0) is not None
    offsets.forget("account:a")
    assert offsets.propose("account:b", LETTER, True, log_odds=0.0) is not None


def test_budgets() -> None:
    budgets = Budgets()
    assert budgets.left("account:a", 1) == DAY_LOG_ODDS
    budgets.move("account:a", 1, 0.2, 1)
    assert budgets.left("account:a", 1) == pytest.approx(DAY_LOG_ODDS - 0.2, abs=1e-5)
    assert budgets.left("account:a", 2) == DAY_LOG_ODDS
    budgets.move("account:a", 2, 0.25, 1)
    assert budgets.left("account:a", 3) == pytest.approx(TOTAL_LOG_ODDS - 0.45, abs=1e-5)
    budgets.move("account:a", 3, 0.06, 1)
    assert budgets.left("account:a", 4) == 0.0
    assert budgets.left("account:b", 4) == DAY_LOG_ODDS
    budgets.move("account:a", 2, 0.25, -1)
    assert budgets.left("account:a", 4) == pytest.approx(0.24, abs=1e-5)


def test_snapshots() -> None:
    offsets, budgets = Offsets(FIELD), Budgets()
    report(offsets, "account:a", 3)
    budgets.move("account:a", 1, 0.2, 1)
    other_offsets, other_budgets = Offsets(FIELD), Budgets()
    other_offsets.restore(offsets.snapshot())
    other_budgets.restore(budgets.snapshot())
    assert other_offsets.digest() == offsets.digest()
    assert other_budgets.digest() == budgets.digest()


@pytest.mark.parametrize("state", [Offsets(FIELD), Budgets()])
@pytest.mark.parametrize("data", [b"", b"\xff", b"\x93" * 3000, b"\x81\xa1a\xc4\x01x"])
def test_a_damaged_snapshot_is_refused(state: Offsets | Budgets, data: bytes) -> None:
    with pytest.raises(TableError):
        state.restore(data)
