"""The text models of mail together: labels in and out, people's bounds, explanations, and what they are stored as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domains.mail.builders import address, mail
from wardline.domains.mail.text.model import Features, TextModel, Update, features_of
from wardline.learning.personal import DAY_LOG_ODDS, OFFSET_LIMIT, TOTAL_LOG_ODDS
from wardline.learning.tables import TableError


def spam(number: int) -> Features:
    return features_of(
        mail(
            subject=f"Cheap pills {number}",
            text=f"Order your cheap pills now, offer {number * 7919}, no prescription",
            sender=address(f"shop{number}@example.org"),
        )
    )


def ham(number: int) -> Features:
    return features_of(
        mail(
            subject=f"Minutes {number}",
            text=f"The minutes of our meeting are attached, see point {number * 31}",
            sender=address("anna@example.com"),
        )
    )


def taught(count: int = 30) -> TextModel:
    model = TextModel()
    for number in range(count):
        for features, abusive in ((spam(number), True), (ham(number), False)):
            update = model.propose(features, abusive)
            if update:
                model.add(update)
    return model


def test_it_learns_and_says_how_much() -> None:
    model = taught()
    assert model.score(spam(99)).text_log_odds > 1
    assert model.score(ham(99)).text_log_odds < -1
    assert model.score(ham(99)).trained >= 20


def test_an_empty_model_has_no_opinion() -> None:
    score = TextModel().score(spam(1))
    assert (score.text_log_odds, score.shape_log_odds, score.trained) == (0.0, None, 0)


def test_features_travel() -> None:
    features = spam(1)
    copy = Features.from_bytes(features.to_bytes())
    assert copy.to_bytes() == features.to_bytes()
    assert taught(5).score(copy) == taught(5).score(features)


@given(st.binary(max_size=100))
def test_other_bytes_are_no_features(data: bytes) -> None:
    try:
        assert Features.from_bytes(data).to_bytes() == data
    except ValueError as error:
        assert "no features" in str(error)


def test_every_label_can_be_taken_back_exactly() -> None:
    model = taught(12)
    before = model.digest()
    updates = []
    for number, subject in enumerate(["", "user:a", "user:b", "", "user:a"]):
        update = model.propose(spam(500 + number), number % 2 > 0, subject, day=number // 2)
        if update:
            model.add(update)
            updates.append(update.to_bytes())
    assert len(updates) >= 4
    assert model.digest() != before
    for data in (updates[2], updates[0], *updates[3:], updates[1]):
        model.subtract(Update.from_bytes(data))
    assert model.digest() == before


def test_proposing_changes_nothing() -> None:
    model = taught(5)
    before = model.digest()
    assert model.propose(spam(77), False, "user:a") is not None
    assert model.digest() == before


def test_one_account_cannot_poison_the_model_for_others() -> None:
    """All labels of one account are aimed at one honest sender, for a year; nobody else's verdict moves beyond the stated bound."""
    model = taught()
    before = {number: model.score(ham(number)).text_log_odds for number in range(90, 100)}
    spam_before = model.score(spam(99)).text_log_odds
    for day in range(365):
        for number in range(90, 94):
            update = model.propose(ham(number), True, "user:mallory", day=day)
            if update:
                model.add(update)
    moved = [abs(model.score(ham(number)).text_log_odds - score) for number, score in before.items()]
    assert max(moved) <= TOTAL_LOG_ODDS + 1e-3
    assert abs(model.score(spam(99)).text_log_odds - spam_before) <= TOTAL_LOG_ODDS + 1e-3
    assert model.offset("user:other", ham(90)) == 0.0
    assert 0 < model.offset("user:mallory", ham(90)) <= OFFSET_LIMIT


def test_the_daily_budget() -> None:
    model = taught()
    for number in range(40):
        update = model.propose(ham(200 + number), True, "user:mallory", day=5)
        if update:
            model.add(update)
    assert model.budgets.left("user:mallory", 5) < DAY_LOG_ODDS / 100
    assert model.budgets.left("user:mallory", 6) > DAY_LOG_ODDS / 2


def test_many_accounts_together_do_move_it() -> None:
    model = taught()
    before = model.score(ham(90)).text_log_odds
    for user in range(60):
        update = model.propose(ham(90), True, f"user:{user}", day=1)
        if update:
            model.add(update)
    assert model.score(ham(90)).text_log_odds > before + 1


def test_the_words_that_weighed_most() -> None:
    model = taught()
    message = mail(
        subject="Cheap pills", text="Order your cheap pills now or read the minutes of the meeting", sender=address("shop@example.org")
    )
    words = model.explain(message, top=8)
    visible = {word: weight for word, weight, field in words if field == "visible"}
    assert any(weight > 0 for word, weight in visible.items() if word in ("cheap", "pills", "order"))
    assert [abs(weight) for _word, weight, _field in words] == sorted((abs(weight) for _word, weight, _field in words), reverse=True)
    assert len(words) <= 16
    everything = model.explain(message, top=10_000)
    total = model.score(features_of(message)).text_log_odds
    assert sum(weight for _word, weight, _field in everything) == pytest.approx(total, rel=0.1, abs=0.3)


def test_an_empty_model_explains_nothing() -> None:
    assert TextModel().explain(mail()) == []


def test_snapshot() -> None:
    model, copy = taught(6), TextModel()
    update = model.propose(spam(3), False, "user:a", day=3)
    assert update is not None
    model.add(update)
    copy.restore(model.snapshot())
    assert copy.digest() == model.digest()
    assert copy.score(spam(50)) == model.score(spam(50))
    assert copy.offset("user:a", spam(3)) == model.offset("user:a", spam(3))


@pytest.mark.parametrize("cut", [0, 4, 30, 500])
def test_a_damaged_snapshot_is_refused_and_changes_nothing(cut: int) -> None:
    model = taught(4)
    before, data = model.digest(), model.snapshot()
    damaged = bytearray(data)
    damaged[-200] ^= 1
    for form in (data[:cut], bytes(damaged), data + b"x"):
        with pytest.raises(TableError):
            model.restore(form)
    assert model.digest() == before


@given(st.binary(max_size=100))
def test_other_bytes_are_no_update(data: bytes) -> None:
    with pytest.raises(ValueError):
        Update.from_bytes(data)
