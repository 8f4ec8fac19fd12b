"""The linear and counting models: they learn, exactly take back, stay within bounds, and are equal with and without the compiled loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.learning import online
from wardline.learning.change import Change
from wardline.learning.online import BENIGN, Field, OnlineModel, sums_numpy
from wardline.learning.tables import TableError

FIELDS = (Field("head", bits=12), Field("body", bits=12))
# What the models say after the labels of `taught`: it changes only when the specification does.
DIGEST = "6b046b6202a66afc1604c58fdacb10e81ceb55c5eb86316174f468c4b0feab76"


def message(number: int, abusive: bool) -> dict[str, bytes]:
    topic = b"cheap pills, order now " if abusive else b"minutes of the meeting "
    return {"head": b"Subject: " + topic + b"%d" % (number * 7919), "body": topic * 2 + b"see number %d and %d" % (number, number * number)}


def taught(count: int = 40) -> OnlineModel:
    model = OnlineModel(FIELDS)
    for number in range(count):
        abusive = number % 3 > 0
        change = model.propose(model.rows(message(number, abusive)), abusive)
        if change:
            model.add(change)
    return model


def test_it_learns() -> None:
    model = taught()
    for number in range(1000, 1050):
        assert model.log_odds(model.rows(message(number, True))) > 1
        assert model.log_odds(model.rows(message(number, False))) < -1


def test_an_empty_model_has_no_opinion() -> None:
    model = OnlineModel(FIELDS)
    assert model.log_odds(model.rows(message(1, True))) == 0.0
    assert model.log_odds(model.rows({})) == 0.0


def test_what_it_is_sure_of_changes_nothing() -> None:
    model = taught(300)
    assert model.propose(model.rows(message(5000, True)), True) is None


def test_equal_on_every_machine() -> None:
    assert taught().digest() == DIGEST


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=60), st.binary(max_size=60), st.booleans()), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_unlearning_in_any_order_is_exact(labels: list[tuple[bytes, bytes, bool]], chance) -> None:  # type: ignore[no-untyped-def]
    model = taught(10)
    before = model.digest()
    changes = []
    for head, body, abusive in labels:
        change = model.propose(model.rows({"head": head, "body": body}), abusive)
        if change:
            model.add(change)
            changes.append(change.to_bytes())
    chance.shuffle(changes)
    for change in changes:
        model.subtract(Change.from_bytes(change))
    assert model.digest() == before
    assert model.labels == taught(10).labels


def test_the_order_of_adding_does_not_matter() -> None:
    model = OnlineModel(FIELDS)
    changes = [model.propose(model.rows(message(number, number % 2 > 0)), number % 2 > 0) for number in range(6)]
    one, other = OnlineModel(FIELDS), OnlineModel(FIELDS)
    for change in changes:
        assert change is not None
        one.add(change)
    for change in reversed(changes):
        assert change is not None
        other.add(change)
    assert one.digest() == other.digest()


def test_the_twins_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = taught()
    monkeypatch.setattr(online, "_native", None)
    slow = taught()
    assert quick.digest() == slow.digest()
    for number in range(100, 120):
        rows = quick.rows(message(number, True))
        assert quick.log_odds(rows) == slow.log_odds(rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=6, max_size=6), min_size=1, max_size=20), st.integers(-(2**20), 2**20))
def test_sums_agree_for_any_table(cells: list[list[int]], prior: int) -> None:
    model = OnlineModel((Field("only", bits=6),))
    model.table[: len(cells)] = np.array(cells, np.int32)
    rows = np.arange(len(cells), dtype=np.uint32)
    assert model._sums(rows, prior) == sums_numpy(model.table, rows, prior)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=4, max_size=200), st.binary(min_size=4, max_size=200), st.booleans(), st.floats(0, 1))
def test_a_change_moves_no_score_beyond_its_bound(learned: bytes, judged: bytes, abusive: bool, ceiling: float) -> None:
    model = taught(12)
    rows = model.rows({"head": judged, "body": judged})
    before = model.log_odds(rows)
    change = model.propose(model.rows({"head": learned, "body": learned}), abusive, counts=False, ceiling_log_odds=ceiling)
    if change is None:
        return
    assert model.bound_log_odds(change) <= ceiling + 1e-9
    model.add(change)
    assert abs(model.log_odds(rows) - before) <= model.bound_log_odds(change) + 1e-3  # rounding of each weight, 2^-22


def test_nothing_is_left_under_a_ceiling_of_zero() -> None:
    model = OnlineModel(FIELDS)
    assert model.propose(model.rows(message(1, True)), True, counts=False, ceiling_log_odds=0.0) is None


def test_a_doubtful_label_weighs_less() -> None:
    model = OnlineModel(FIELDS)
    rows = model.rows(message(1, True))
    whole, half = model.propose(rows, True, counts=False), model.propose(rows, True, counts=False, weight=0.5)
    assert whole is not None and half is not None
    assert model.bound_log_odds(half) == pytest.approx(model.bound_log_odds(whole) / 2, rel=1e-4)


@pytest.mark.parametrize("count", [5, 400])
def test_snapshot(count: int) -> None:
    model, copy = taught(count), OnlineModel(FIELDS)
    copy.restore(model.snapshot())
    assert copy.digest() == model.digest()
    assert copy.log_odds(copy.rows(message(7, True))) == model.log_odds(model.rows(message(7, True)))


def test_a_snapshot_of_other_fields_is_refused_and_changes_nothing() -> None:
    other = OnlineModel((Field("head", bits=12), Field("elsewhere", bits=12)))
    model = taught()
    before = model.digest()
    with pytest.raises(TableError, match="other fields"):
        model.restore(other.snapshot())
    assert model.digest() == before


def test_a_change_of_another_model_is_refused_and_changes_nothing() -> None:
    large = OnlineModel((Field("head", bits=16), Field("body", bits=16)))
    change = large.propose(large.rows(message(3, True)), True)
    assert change is not None
    model = taught()
    before = model.digest()
    with pytest.raises(IndexError, match="another model"):
        model.add(change)
    assert model.digest() == before


def test_rows_outside_the_table_are_refused() -> None:
    model = OnlineModel(FIELDS)
    with pytest.raises(IndexError):
        model.log_odds((np.array([1 << 30], np.uint32),))


def test_what_each_row_weighs_adds_up_to_the_score() -> None:
    model = taught()
    rows = model.rows(message(77, True))
    assert sum(float(model.weigh(field, len(field)).sum()) for field in rows) == pytest.approx(model.log_odds(rows), abs=1e-9)


def test_counts_never_below_zero_confuse_nothing() -> None:
    model = taught()
    rows = model.rows(message(1, False))
    model.table[rows[0], BENIGN] = -5
    assert model._sums(rows[0], 0) == sums_numpy(model.table, rows[0], 0)


def test_a_model_that_nothing_was_added_to_says_what_its_sums_say() -> None:
    blank, model = OnlineModel(FIELDS), OnlineModel(FIELDS)
    rows = model.rows({"text": b"some words of a message", "subject": b"hello"})
    model._blank = False
    assert blank.parts(rows) == model.parts(rows)
