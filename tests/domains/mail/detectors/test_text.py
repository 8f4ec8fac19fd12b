"""text: the model's log-odds in words, and when they do not count."""

import pytest

from wardline.domains.mail.detectors.text import Text, in_words
from wardline.engine.signal import log_odds


def test_the_score_is_the_models() -> None:
    signal = Text().judge({"text.log_odds": 4.2, "text.trained": 3_100})
    assert signal.score is not None and abs(log_odds(signal.score) - 4.2) < 1e-6
    assert "67 to 1" in signal.reason and "abuse" in signal.reason


def test_benign_words_are_said_to_be_wanted() -> None:
    signal = Text().judge({"text.log_odds": -3.0, "text.trained": 10, "text.user_offset": 0.0, "mail.limits": []})
    assert signal.score is not None and signal.score < 0.1
    assert "wanted" in signal.reason


def test_the_recipients_offset_is_added_and_said() -> None:
    signal = Text().judge({"text.log_odds": 1.0, "text.trained": 10, "text.user_offset": -2.0})
    assert signal.score is not None and abs(log_odds(signal.score) + 1.0) < 1e-6
    assert "recipient" in signal.reason


@pytest.mark.parametrize("limit", ["size", "parts", "text", "html_tags"])
def test_what_was_not_read_earns_no_trust(limit: str) -> None:
    assert Text().judge({"text.log_odds": -5.0, "text.trained": 10, "mail.limits": [limit]}).score is None
    abusive = Text().judge({"text.log_odds": 5.0, "text.trained": 10, "mail.limits": [limit]})
    assert abusive.score is not None and abusive.score > 0.9


def test_silent_before_the_first_label_and_without_an_answer() -> None:
    assert Text().judge({"text.log_odds": 3.0, "text.trained": 0}).score is None
    assert Text().judge({"text.log_odds": None, "text.trained": 9}).score is None
    assert Text().judge({"text.log_odds": float("nan"), "text.trained": 9}).score is None


def test_odds_in_words() -> None:
    assert in_words(2.3) == "10 to 1"
    assert in_words(-0.1) == "about even"
