"""What labels weigh together: independence, reliability, contradiction; and the checks of each field."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.label import (
    KEYLESS,
    UNLISTED,
    LabelError,
    Trust,
    Voice,
    check_abusive,
    check_confidence,
    check_kind,
    check_reason,
    check_source,
    check_times,
    weigh,
)

TRUST = Trust(trusted=frozenset({"desk"}), listed=frozenset({"partner", "bank"}))
YES, NO = Voice(True, 1.0, "takeover"), Voice(False, 1.0)


def test_nothing_said() -> None:
    standing = weigh({}, TRUST)
    assert (standing.abusive, standing.score, standing.sources) == (None, 0.5, 0)
    assert weigh({"desk": []}, TRUST) == standing


@pytest.mark.parametrize(
    ("voices", "abusive", "sources"),
    [
        ({"desk": [YES]}, True, 1),
        ({"desk": [NO]}, False, 1),
        ({"desk": [Voice(True, 0.5)]}, None, 1),
        ({"partner": [YES]}, None, 1),
        ({"partner": [YES] * 500}, None, 1),
        ({"partner": [YES], "bank": [YES]}, True, 2),
        ({"partner": [YES], "bank": [NO]}, None, 2),
        ({"desk": [NO], "partner": [YES]}, False, 2),
        ({"desk": [NO], "partner": [YES], "bank": [YES]}, None, 3),
        ({UNLISTED: [YES], KEYLESS: [Voice(True, 0.5)]}, None, 2),
        ({UNLISTED: [YES], "partner": [YES]}, True, 2),
    ],
)
def test_who_is_enough(voices: dict[str, list[Voice]], abusive: bool | None, sources: int) -> None:
    standing = weigh(voices, TRUST)
    assert (standing.abusive, standing.sources) == (abusive, sources)


def test_two_outside_sources_add_in_log_odds() -> None:
    assert weigh({"partner": [YES], "bank": [YES]}, TRUST).score == pytest.approx(1 / (1 + (0.2 / 0.8) ** 2))


def test_reporters_of_one_source_share_its_one_voice() -> None:
    assert weigh({"partner": [YES, YES, NO, NO]}, TRUST).score == 0.5
    assert weigh({"partner": [YES] * 99 + [NO]}, TRUST).score < weigh({"partner": [YES]}, TRUST).score


def test_the_kind_is_that_of_the_surest() -> None:
    assert weigh({"desk": [Voice(True, 0.9, "spam")], "bank": [Voice(True, 1.0, "takeover")]}, TRUST).kind == "takeover"
    assert weigh({"desk": [NO], "bank": [YES]}, TRUST).kind == ""


_voices = st.builds(Voice, st.booleans(), st.floats(0.01, 1.0), st.sampled_from(["", "spam", "takeover"]))
_said = st.dictionaries(st.sampled_from(["desk", "partner", "bank", KEYLESS]), st.lists(_voices, max_size=4), max_size=4)


@given(_said)
def test_weights_are_probabilities_and_no_single_outsider_decides(said: dict[str, list[Voice]]) -> None:
    standing = weigh(said, TRUST)
    assert 0 < standing.score < 1 and math.isfinite(standing.score) and 0.5 <= standing.confidence < 1
    assert standing == weigh(dict(reversed(said.items())), TRUST)
    if not said.get("desk") and standing.sources < 2:
        assert standing.abusive is None
    if standing.abusive is not None:
        assert standing.abusive == (standing.score > 0.5) and standing.confidence >= TRUST.conclusive


@given(_said)
def test_the_other_side_is_the_mirror(said: dict[str, list[Voice]]) -> None:
    mirrored = {source: [Voice(not voice.abusive, voice.confidence) for voice in voices] for source, voices in said.items()}
    assert weigh(mirrored, TRUST).score == pytest.approx(1 - weigh(said, TRUST).score)


@pytest.mark.parametrize(
    ("source", "keyed", "counts_as"),
    [("desk", True, "desk"), ("bank", True, "bank"), ("somebody", True, UNLISTED), ("desk", False, KEYLESS), ("somebody", False, KEYLESS)],
)
def test_a_name_that_anybody_can_invent_is_no_source(source: str, keyed: bool, counts_as: str) -> None:
    assert TRUST.counts_as(source, keyed=keyed) == counts_as


@pytest.mark.parametrize(
    ("check", "value", "part"),
    [
        (check_source, "", "who says so"),
        (check_source, None, "who says so"),
        (check_source, "The Desk", "who says so"),
        (check_source, "a" * 65, "who says so"),
        (check_kind, "Spam!", "a word"),
        (check_kind, 7, "a word"),
        (check_confidence, 0, "above 0"),
        (check_confidence, -0.1, "above 0"),
        (check_confidence, 1.0001, "above 0"),
        (check_confidence, math.nan, "above 0"),
        (check_confidence, math.inf, "above 0"),
        (check_confidence, True, "above 0"),
        (check_confidence, "0.5", "above 0"),
        (check_abusive, None, "true or false"),
        (check_abusive, 1, "true or false"),
        (check_abusive, "true", "true or false"),
        (check_reason, 7, "a text"),
    ],
)
def test_fields_that_say_nothing(check: Any, value: Any, part: str) -> None:
    with pytest.raises(LabelError, match=part):
        check(value)


def test_what_may_be_left_out() -> None:
    assert (check_kind(None), check_kind(""), check_confidence(None), check_reason(None)) == ("", "", 1.0, "")
    assert check_reason("x" * 1000) == "x" * 320


def test_times() -> None:
    day = 86_400_000_000
    assert check_times(5, 10, None) == 5
    assert check_times(10 + day, 10, None) == 10  # a clock that is ahead gains nothing
    with pytest.raises(LabelError, match="ahead of our clock"):
        check_times(11 + day, 10, None)
    with pytest.raises(LabelError, match="before it was given"):
        check_times(5, 10, 5)
    assert check_times(5, 10, 6) == 5  # it expired before we heard of it, and counts for the time before
