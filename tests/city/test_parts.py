"""Streams, weeks, clients, names and plans: each small and sure of itself."""

from datetime import UTC, datetime

import pytest

from wardline.city.agents import TEMPLATES, TRAIN_DAY, agent, make_device
from wardline.city.names import email_address, farm_name, pattern_word, person_name, user_name
from wardline.city.plan import Plan, PlanError
from wardline.city.streams import Weighted, between, exponential, lognormal, normal, pick, stream, token, whole
from wardline.city.week import CURVES, SHARES, WEEK_SECONDS


def test_a_stream_is_pinned_by_its_name() -> None:
    assert [whole(stream(7, "a"), 0, 9), token(stream(7, "a"))] == [whole(stream(7, "a"), 0, 9), token(stream(7, "a"))]
    assert token(stream(7, "a")) != token(stream(7, "b")) != token(stream(8, "b"))
    r = stream(1, "pinned")
    assert (round(exponential(r), 6), round(normal(r), 6), round(lognormal(r, 10, 0.5), 6)) == (0.299964, -2.339935, 11.76397)


def test_draws_have_the_means_that_they_state() -> None:
    r = stream(2, "means")
    assert abs(sum(exponential(r) for _ in range(20_000)) / 20_000 - 1) < 0.03
    assert abs(sum(normal(r) for _ in range(20_000)) / 20_000) < 0.03
    assert abs(sorted(lognormal(r, 40, 1.0) for _ in range(9_999))[5_000] - 40) < 3
    assert all(2 <= between(r, 2, 3) <= 3 and whole(r, 1, 3) in (1, 2, 3) and pick(r, "ab") in "ab" for _ in range(200))
    drawn = [Weighted({"a": 3, "b": 1}).draw(r) for _ in range(4_000)]
    assert 0.70 < drawn.count("a") / 4_000 < 0.80


def test_a_week_is_run_through_from_end_to_end() -> None:
    assert CURVES.keys() == SHARES.keys()
    for curve in CURVES.values():
        seconds = [curve.second(step / 1000) for step in range(1001)]
        assert seconds == sorted(seconds)
        assert seconds[0] == 0
        assert seconds[-1] == WEEK_SECONDS
    # Few people are up at four on a Monday.
    night = [share / 10_000 for share in range(10_000) if 3 * 3600 <= CURVES["office"].second(share / 10_000) < 5 * 3600]
    assert len(night) / 10_000 < 0.002


def test_clients_grow_older_and_are_updated() -> None:
    for template in TEMPLATES:
        first, until = agent(template, TRAIN_DAY + 100, "Pixel 7")
        again, _ = agent(template, until - 0.01, "Pixel 7")
        assert first == again
        assert "{" not in first
    assert agent("win_chrome", TRAIN_DAY + 100, "")[0] != agent("win_chrome", TRAIN_DAY + 160, "")[0]
    device = make_device(stream(3, "device"), "phone", "de-AT,de;q=0.9", "Europe/Vienna")
    assert '"timezone":"Europe/Vienna"' in device.fragment(TRAIN_DAY + 400.5)
    assert device.fragment(TRAIN_DAY + 400.5) == device.fragment(TRAIN_DAY + 400.6)


def test_names_belong_to_nobody() -> None:
    r = stream(4, "names")
    made = set()
    for number in range(500):
        first, last = person_name(r)
        name = user_name(r, first, last)
        made.add(name)
        assert email_address(r, first, last, name).endswith(".example")
        for style in ("counted", "padded", "random", "written"):
            assert 3 <= len(farm_name(style, r, pattern_word(r), number)) < 40
    assert len(made) > 480


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"users": 0}, "users: 0"),
        ({"days": 1000}, "days: 1000"),
        ({"attacks": ("stufing",)}, "attacks: 'stufing' is none; use some of stuffing"),
    ],
)
def test_a_plan_says_what_is_wrong_with_it(given: dict[str, object], told: str) -> None:
    with pytest.raises(PlanError, match=told):
        Plan(**given)  # type: ignore[arg-type]


def test_the_first_week_begins_on_a_monday() -> None:
    assert Plan(start=datetime(2026, 1, 8, 15, tzinfo=UTC)).monday == datetime(2026, 1, 5, tzinfo=UTC)
