"""weighing: cues to one signal."""

import pytest

from wardline.domains.mail.weighing import Cue, number, opinion, strings, summed, whole
from wardline.engine.signal import log_odds

CUES = {"a": Cue(2.0, "A is."), "b": Cue(1.0, "B is."), "c": Cue(0.2, "C is."), "good": Cue(-3.0, "Good is.")}


def test_the_strongest_counts_whole_the_next_half() -> None:
    assert summed(["b", "a"], CUES) == 2.5
    assert summed(["a", "good"], CUES) == -2.0
    assert summed([], CUES) == 0.0


def test_an_opinion_names_the_strongest_first() -> None:
    signal = opinion(["c", "a", "unheard of", "a"], CUES)
    assert signal.score is not None and abs(log_odds(signal.score) - 2.1) < 1e-6
    assert signal.reason == "A is. C is."
    assert signal.evidence == {"cues": ["a", "c"]}


@pytest.mark.parametrize("flags", [None, [], ["unheard of"], "a", 3, [None, 1], ["c"]])
def test_silence(flags: object) -> None:
    assert opinion(flags, CUES, "Nothing.").score is None  # type: ignore[arg-type]
    assert opinion(flags, CUES, "Nothing.").reason == "Nothing."  # type: ignore[arg-type]


def test_values_of_another_kind_are_unknown() -> None:
    assert whole(True) is None and whole("1") is None and whole(3) == 3
    assert number(True) is None and number(float("nan")) is None and number(10**400) is None and number(2) == 2.0
    assert strings("abc") == [] and strings(["a", 1, None]) == ["a"]
