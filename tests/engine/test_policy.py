"""Policies: what is accepted, what is refused and why, and the threshold that the lines state."""

from pathlib import Path

import pytest

from wardline.engine.policy import PolicyError, Weight, load_policy, parse_policy
from wardline.engine.signal import Signal, log_odds

GOOD = b"""
point: mail.in
version: 3
verdicts: [allow, junk, hold, reject]
threshold: spam
on_detector_error: hold
combine:
  bias: -0.5
  scale: 2.0
  detectors: {text: {weight: 0.5, ceiling: 1.0, floor: 0.25}}
lines:
  - {name: blocked, when: "count(list.block) > 0", verdict: reject}
  - {name: spam, when: "score > 0.75", verdict: junk}
"""
NAMES = {"list.block"}


def test_a_policy_is_read() -> None:
    policy = parse_policy(GOOD, NAMES, "test")
    assert policy.label == "mail.in@3"
    assert policy.severer("junk", "hold") == "hold"
    assert policy.milder("junk", "hold") == "junk"
    assert policy.threshold_score == pytest.approx(0.75, abs=1e-9)


def test_contributions_are_weighted_limited_and_scaled() -> None:
    policy = parse_policy(GOOD, NAMES, "test")
    found = policy.document.combine.contributions({"text": Signal(0.9999), "url": Signal(0.9), "silent": Signal(None)})
    assert found == {"text": 2.0, "url": pytest.approx(2 * log_odds(0.9))}
    assert policy.document.combine.contributions({"text": Signal(0.0001)}) == {"text": -0.5}


def test_weight_limits_both_ways() -> None:
    assert Weight(1.0, ceiling=0.5).contribution(0.99) == 0.5
    assert Weight(1.0, floor=0.5).contribution(0.01) == -0.5


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ((b"verdict: junk", b"verdict: burn"), "verdict 'burn' is not one of"),
        ((b"score > 0.75", b"scoer > 0.75"), "did you mean score"),
        ((b"on_detector_error: hold", b"on_detector_error: reject"), "condemns nobody"),
        ((b"on_detector_error: hold", b"on_detector_error: burn"), "is not one of"),
        ((b"name: spam", b"name: blocked"), "same name"),
        ((b"threshold: spam", b"threshold: ham"), "no line named ham"),
        ((b"[allow, junk, hold, reject]", b"[allow, allow]"), "without repetition"),
        ((b"version: 3", b"version: three"), "int"),
        ((b"version: 3", b"version: 3\nvresion: 4"), "vresion"),
        ((b"point: mail.in", b"point: &a mail.in\nfail_mode: *a"), "aliases"),
        ((b"lines:", b"lines: ["), "not valid YAML"),
    ],
)
def test_refused_with_file_and_place(change: tuple[bytes, bytes], part: str) -> None:
    with pytest.raises(PolicyError, match=part) as error:
        parse_policy(GOOD.replace(*change), NAMES, "mine.yaml")
    assert "mine.yaml" in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "none.yaml", NAMES)


def test_a_huge_file_is_not_parsed() -> None:
    with pytest.raises(PolicyError, match="at most"):
        parse_policy(GOOD + b"#" * 300_000, NAMES, "test")


def test_a_date_that_is_none_is_told() -> None:
    with pytest.raises(PolicyError, match="policy"):
        parse_policy(b"point: 2026-99-99\nversion: 1\nverdicts: [allow]\nlines: []\n", (), "policy")
