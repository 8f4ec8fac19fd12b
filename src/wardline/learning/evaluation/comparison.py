"""A new score beside the present one, on the same held rows: what it finds, what it wins and loses, and whether it may take over.

    figures = compare(rows, present, new, …)        Figures(present=Score(area=0.93, …), new=Score(area=0.97, …), won=41, lost=3, tied=1956, …)
    refusals(figures)                               [] when it is not worse; else a sentence for each reason

A row is right when an abusive one lies at or above the threshold that FALSE_POSITIVES of the honest held rows reach, or an honest one below it, each score by
its own threshold. won: right now and wrong before; lost: the reverse.
"""

import msgspec
import numpy as np

from wardline.learning.evaluation.intervals import Share, area, threshold

RATES = (0.001, 0.01)
COMPARED_AT = 0.01
LEAST_ROWS = 30
HONEST_ASKED = 0.01  # so many honest ones may be asked for something by a new score, or as many as by the present one
SHOWN = 2

Floats = np.ndarray


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One score on the held rows. area: under the ROC curve. found: share of abusive rows at each share of honest ones. loss: mean log loss, in nats."""

    area: float | None
    found: dict[str, Share]
    loss: float


class Mistake(msgspec.Struct, frozen=True):
    """A row that the new score gets wrong and the present one right, by its id. Log-odds before and after."""

    id: str
    abusive: bool
    before: float
    after: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. detectors: without any model; alone: the model without the detectors; unseen: on rows of groups that no abusive row of the
    training belongs to, None where there are too few. asked: honest rows that the policy's costs would ask for something, as they are set now; None without costs."""

    honest: int
    abusive: int
    detectors: Score
    present: Score
    alone: Score
    new: Score
    won: int
    lost: int
    tied: int
    asked_present: Share | None = None
    asked_new: Share | None = None
    worst: list[Mistake] = []
    unseen_honest: int = 0
    unseen_abusive: int = 0
    unseen_present: Score | None = None
    unseen_new: Score | None = None


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """The same rows by each score, in log-odds. weight: how many decisions an honest row stands for; counts in the loss alone.
    acts_from: log-odds from which the policy asks for something."""

    ids: list[str]
    abusive: Floats
    unseen: Floats
    detectors: Floats
    present: Floats
    alone: Floats
    new: Floats
    weight: float = 1.0
    acts_from: float | None = None


def compare(scores: Scores) -> Figures:
    """All figures of held rows."""
    abusive, unseen = scores.abusive, scores.unseen
    before, after = _right(scores.present, abusive), _right(scores.new, abusive)
    won, lost = int(np.sum(after & ~before)), int(np.sum(before & ~after))
    change = np.where(abusive, scores.present - scores.new, scores.new - scores.present)
    wrong = np.flatnonzero(before & ~after)
    worst = sorted(wrong.tolist(), key=lambda place: (-change[place], scores.ids[place]))[:SHOWN]
    unseen_abusive, unseen_honest = int(np.sum(unseen & abusive)), int(np.sum(unseen & ~abusive))
    enough = min(unseen_abusive, unseen_honest) >= LEAST_ROWS
    return Figures(
        honest=int(np.sum(~abusive)),
        abusive=int(np.sum(abusive)),
        detectors=_score(scores.detectors, abusive, scores.weight),
        present=_score(scores.present, abusive, scores.weight),
        alone=_score(scores.alone, abusive, scores.weight),
        new=_score(scores.new, abusive, scores.weight),
        won=won,
        lost=lost,
        tied=len(abusive) - won - lost,
        asked_present=_asked(scores.present, scores),
        asked_new=_asked(scores.new, scores),
        worst=[
            Mistake(scores.ids[place], bool(abusive[place]), round(float(scores.present[place]), 4), round(float(scores.new[place]), 4))
            for place in worst
        ],
        unseen_honest=unseen_honest,
        unseen_abusive=unseen_abusive,
        unseen_present=_score(scores.present[unseen], abusive[unseen], scores.weight) if enough else None,
        unseen_new=_score(scores.new[unseen], abusive[unseen], scores.weight) if enough else None,
    )


def refusals(figures: Figures) -> list[str]:
    """Why the new score may not take over: it must be judged on enough rows, and be worse in nothing."""
    found = []
    if min(figures.honest, figures.abusive) < LEAST_ROWS:
        found.append(
            f"it was judged on {figures.honest} honest and {figures.abusive} abusive decisions; at least {LEAST_ROWS} of each are needed"
        )
    found += _worse(figures.present, figures.new, "")
    if figures.won < figures.lost:
        found.append(f"it loses {figures.lost} decisions and wins {figures.won}, where {COMPARED_AT:.0%} of honest ones are stopped")
    if figures.new.loss > figures.present.loss:
        found.append(f"its probabilities are worse: a log loss of {figures.new.loss:.4f} after {figures.present.loss:.4f}")
    if figures.asked_present is not None and figures.asked_new is not None:
        before, after = figures.asked_present.share or 0.0, figures.asked_new.share or 0.0
        if figures.asked_new.low > max(before, HONEST_ASKED):
            found.append(f"it would ask {after:.1%} of honest ones for something, after {before:.1%}; {HONEST_ASKED:.0%} may be")
    if figures.unseen_present is not None and figures.unseen_new is not None:
        found += _worse(figures.unseen_present, figures.unseen_new, " on groups that it has not seen")
    return found


def _worse(present: Score, new: Score, where: str) -> list[str]:
    found = []
    if present.area is not None and new.area is not None and new.area < present.area:
        found.append(f"the area under the curve falls from {present.area:.4f} to {new.area:.4f}{where}")
    strictest = f"{RATES[0]:.1%}"
    # So few honest rows lie above that threshold that chance moves it: the interval counts.
    if (share := new.found[strictest].share) is not None and share < present.found[strictest].low:
        found.append(f"where {strictest} of honest ones are stopped it finds {share:.3f} after {present.found[strictest].share:.3f}{where}")
    return found


def _asked(log_odds: Floats, scores: Scores) -> Share | None:
    if scores.acts_from is None:
        return None
    honest = log_odds[~scores.abusive]
    return Share.of_all(int(np.sum(honest >= scores.acts_from)), len(honest))


def _right(log_odds: Floats, abusive: Floats) -> Floats:
    above = log_odds >= threshold(log_odds[~abusive].tolist(), COMPARED_AT)
    return np.asarray(above == abusive)


def _score(log_odds: Floats, abusive: Floats, weight: float) -> Score:
    bad, good = log_odds[abusive], log_odds[~abusive]
    whole = area(bad.tolist(), good.tolist())
    total = np.sum(np.logaddexp(0.0, -bad)) + weight * np.sum(np.logaddexp(0.0, good))
    return Score(
        area=None if whole is None else round(whole, 5),
        found={f"{rate:.1%}": Share.of_all(int(np.sum(bad >= threshold(good.tolist(), rate))), len(bad)) for rate in RATES},
        loss=round(float(total / max(len(bad) + weight * len(good), 1.0)), 6),
    )
