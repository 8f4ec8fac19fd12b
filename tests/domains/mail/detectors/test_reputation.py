"""reputation: Beta counts per proven identity; networks never excuse."""

from wardline.domains.mail.detectors.reputation import Reputation, beta_odds
from wardline.engine.feature import Value


def judge(**values: Value) -> float | None:
    return Reputation().judge({f"sender.{name}": value for name, value in values.items()}).score


def test_a_good_past_excuses_and_a_bad_one_condemns() -> None:
    good, bad = judge(dkim_domain=[0.5, 41.0, 118]), judge(from_domain=[20.0, 0.0, 30])
    assert good is not None and good < 0.1
    assert bad is not None and bad > 0.9


def test_one_label_moves_a_little_and_none_is_silent() -> None:
    one = judge(pair=[1.0, 0.0, 1])
    assert one is not None and 0.6 < one < 0.7
    assert judge(pair=[0.0, 0.0, 900]) is None
    assert judge() is None


def test_networks_never_excuse_and_condemn_late() -> None:
    assert judge(network=[0.0, 500.0, 900]) is None or judge(network=[0.0, 500.0, 900]) == 0.5
    assert judge(network=[2.0, 0.0, 9]) in (None, 0.5)
    score = judge(network=[40.0, 0.0, 40])
    assert score is not None and 0.8 < score < 0.9


def test_worst_and_best_meet() -> None:
    mixed = judge(dkim_domain=[0.0, 30.0, 50], network=[90.0, 0.0, 99])
    assert mixed is not None and 0.1 < mixed < 0.3


def test_first_contact_alone_is_silent_but_said() -> None:
    signal = Reputation().judge({"sender.first_contact": True})
    assert signal.score is None and "first mail" in signal.reason


def test_the_estimate_is_bounded() -> None:
    assert beta_odds(1e9, 0) == 4.5 and beta_odds(0, 1e9) == -4.5


def test_a_forged_from_has_no_share_in_the_good_past_of_a_pair() -> None:
    past: dict[str, Value] = {"sender.pair": [0.0, 40.0, 90]}
    assert Reputation().judge({**past, "auth.aligned": True}).score is not None
    for aligned in (False, None):
        assert Reputation().judge({**past, "auth.aligned": aligned}).score is None
    blamed = Reputation().judge({"sender.pair": [9.0, 40.0, 90], "auth.aligned": False}).score
    assert blamed is not None and blamed > 0.5
