"""A new score beside the present one: won, lost, worst, and what is refused."""

import msgspec
import numpy as np
import pytest

from wardline.learning.evaluation.comparison import Figures, Scores, compare, refusals

ABUSIVE = np.array([False] * 200 + [True] * 100)


def scores(present: np.ndarray, new: np.ndarray, unseen: np.ndarray | None = None, acts_from: float | None = None) -> Figures:
    return compare(
        Scores(
            ids=[f"e{place}" for place in range(len(present))],
            abusive=ABUSIVE,
            unseen=np.zeros(len(present), bool) if unseen is None else unseen,
            detectors=present,
            present=present,
            alone=new,
            new=new,
            acts_from=acts_from,
        )
    )


def ramp(found: int) -> np.ndarray:
    """Honest ones between -4 and -2; of the abusive ones `found` at 3, the others at -3."""
    return np.concatenate([np.linspace(-4, -2, 200), np.full(found, 3.0), np.full(100 - found, -3.0)])


def test_what_is_won_lost_and_tied() -> None:
    figures = scores(ramp(60), ramp(80))
    assert (figures.won, figures.lost, figures.tied) == (20, 0, 280)
    assert figures.present.found["1.0%"].share == 0.6 and figures.new.found["1.0%"].share == 0.8
    assert refusals(figures) == []


def test_the_worst_new_mistakes_are_named() -> None:
    new = ramp(60)
    new[7], new[205] = 9.0, -5.0
    figures = scores(ramp(60), new)
    assert [(mistake.id, mistake.abusive) for mistake in figures.worst] == [("e7", False), ("e205", True)]


def test_what_is_worse_is_refused_and_says_why() -> None:
    said = " ".join(refusals(scores(ramp(80), ramp(60))))
    assert "loses 20 decisions and wins 0" in said and "area under the curve falls" in said and "log loss" in said
    assert refusals(scores(ramp(70), ramp(70))) == []


def test_too_few_rows_are_refused() -> None:
    figures = msgspec.structs.replace(scores(ramp(60), ramp(80)), abusive=29)
    assert any("at least 30 of each" in reason for reason in refusals(figures))


@pytest.mark.parametrize(("first", "reported"), [(150, True), (190, False)])
def test_unseen_groups_count_apart_where_there_are_enough(first: int, reported: bool) -> None:
    unseen = np.zeros(300, bool)
    unseen[first:240] = True
    new = ramp(100)
    new[200:240] = -4.5
    figures = scores(ramp(60), new, unseen)
    assert (figures.unseen_new is not None) is reported
    assert any("groups that it has not seen" in reason for reason in refusals(figures)) is reported


@pytest.mark.parametrize(("raised", "refused"), [(0, False), (2, False), (12, True)])
def test_who_would_ask_many_honest_ones_for_something_is_refused(raised: int, refused: bool) -> None:
    """Better in order, worse for people: more is found, and more honest ones lie where the policy asks for something."""
    new = ramp(80)
    new[200 - raised : 200] += 1.0
    new[200:280] += 2.0
    figures = scores(ramp(60), new, acts_from=-1.9)
    assert figures.asked_present is not None and figures.asked_new is not None
    assert (figures.asked_present.hits, figures.asked_new.hits) == (0, raised)
    assert any("of honest ones for something" in reason for reason in refusals(figures)) is refused
