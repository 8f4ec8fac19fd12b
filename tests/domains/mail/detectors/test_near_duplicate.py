"""near_duplicate: labels of copies speak, numbers hardly."""

from wardline.domains.mail.detectors.near_duplicate import NearDuplicate
from wardline.engine.feature import Value


def judge(count: Value, spam: Value = 0, ham: Value = 0) -> float | None:
    return NearDuplicate().judge({"near_duplicate.count": count, "near_duplicate.spam": spam, "near_duplicate.ham": ham}).score


def test_reported_copies_condemn_the_next() -> None:
    one, many = judge(3, 1), judge(400, 9)
    assert one is not None and many is not None
    assert 0.7 < one < many > 0.98


def test_wanted_copies_excuse_less_than_reported_ones_condemn() -> None:
    wanted, disputed = judge(50, 0, 3), judge(50, 3, 3)
    assert wanted is not None and disputed is not None
    assert 0.1 < wanted < 0.3
    assert disputed > 0.5


def test_a_spammer_cannot_vouch_for_himself_without_bound() -> None:
    score = judge(10_000, 0, 10_000)
    assert score is not None and score > 0.1


def test_numbers_alone_are_said_and_not_judged() -> None:
    """A newsletter and a school's circular have many copies too."""
    assert judge(0) is None and judge(100_000) is None
    assert (
        "412 near copies" in NearDuplicate().judge({"near_duplicate.count": 412, "near_duplicate.spam": 0, "near_duplicate.ham": 0}).reason
    )


def test_unknown_is_silent() -> None:
    assert judge(None, 5) is None
