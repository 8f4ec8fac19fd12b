"""The report on streams whose figures can be counted by hand."""

from typing import Any

import pytest

from wardline.learning.evaluation.judged import Judged
from wardline.learning.evaluation.report import detection, report


def row(number: int, attack: bool = False, verdict: str = "allow", score: float = 0.1, **more: Any) -> Judged:
    given: dict[str, Any] = {"account": f"a{number}", "network": f"n{number // 3}"} | more
    return Judged(id=f"e{number}", at_s=float(number), attack=attack, verdict=verdict, score=score, **given)


def test_shares_rates_groups_and_curves() -> None:
    honest = [row(number, score=number / 1000, history=number % 40, tags=("tor",) if number < 10 else ()) for number in range(100)]
    honest[5] = row(5, verdict="challenge", score=0.005, history=5, tags=("tor",))
    honest[6] = row(6, verdict="reject", score=0.006, history=6, tags=("tor",))
    bad = [
        row(
            200 + number,
            True,
            "challenge" if number < 8 else "allow",
            0.9 if number < 8 else 0.0975,
            kind="naive",
            campaign="naive-1",
            history=20,
        )
        for number in range(10)
    ]
    guess = row(300, True, kind="naive", campaign="naive-1", entered=False, history=20)
    found = report([*honest, *bad, guess], "login")
    assert (found.honest, found.attacks) == (100, 11)
    assert (found.challenged.hits, found.severe.hits, found.accounts_harmed.hits) == (2, 1, 1)
    kind = found.kinds["naive"]
    assert (kind.attempts, kind.stopped.share, kind.stopped.of, kind.stopped_all.of) == (11, 0.8, 10, 11)
    # At 1 % one honest score of a hundred may lie above, 0.099: the threshold is just over 0.098, and two attempts stay below it.
    assert (kind.at["1.0%"].hits, kind.at["3.0%"].hits) == (8, 10)
    assert kind.at_history["1.0%"].of == 10
    assert found.groups["tor"].challenged.hits == 2 and found.groups["tor"].times == 10.0
    assert [step.history for step in found.curves] == [0, 1, 3, 6, 12, 25]
    assert found.curves[4].stopped["1.0%"].share == 0.8
    assert found.curves[4].kinds["naive"]["1.0%"].hits == 8 and not found.curves[3].kinds
    assert found.campaigns["all"].detected.hits == 1 and found.verdicts["attack"] == {"challenge": 8, "allow": 3}


def test_a_judge_that_knows_nothing_has_an_area_of_one_half() -> None:
    rows = [row(number, number % 2 == 0, score=0.3, campaign="c" if number % 2 == 0 else "", network="n") for number in range(50)]
    found = report(rows, "signup")
    assert (found.area, found.cluster_area) == (0.5, 0.5)
    assert all(share.hits == 0 for share in found.kinds[""].at.values())


@pytest.mark.parametrize(
    ("verdicts", "detected", "before"),
    [
        ("acacc", True, 4),  # the third stop, three of five
        ("cc", False, 2),  # two stops may be chance
        ("aaaaaaaaaaccc", False, 13),  # three of thirteen are no half
        ("a" * 30 + "c" * 12, True, 39),  # ten of the last twenty
    ],
)
def test_when_a_campaign_is_detected(verdicts: str, detected: bool, before: int) -> None:
    rows = [row(number, True, "allow" if said == "a" else "challenge", campaign="c") for number, said in enumerate(verdicts)]
    found = detection(rows)
    assert (found.detected, found.before) == (detected, before)
    assert found.entered_before == verdicts[:before].count("a")
