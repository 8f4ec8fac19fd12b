"""Platt's calibration: raw scores to log-odds that mean what they say, by two numbers.

    slope, shift = fit(raw, abusive)                      log-odds = slope * raw + shift
    slope, shift = fit(raw, abusive, beside=shipped)      log-odds = shipped + slope * raw + shift: what the raw score adds to what was known

J. Platt, "Probabilistic outputs for support vector machines", 1999, with his smoothed targets, by Newton's method as in Lin, Lin and Weng, "A note on
Platt's probabilistic outputs", Machine Learning 68, 2007. Two numbers need few rows and keep the order of scores; isotonic regression needs
thousands and gives steps.
"""

import numpy as np

STEPS = 100
RIDGE = 1e-6
Floats = np.ndarray


def fit(raw: Floats, abusive: Floats, beside: Floats | None = None, weight: float = 1.0) -> tuple[float, float]:
    """Slope (never below 0: a model that is turned round is wrong, not useful) and shift. weight: how many honest decisions each honest row
    stands for. Raises ValueError without both kinds of rows."""
    bad = int(np.count_nonzero(abusive))
    good = len(abusive) - bad
    if not bad or not good:
        raise ValueError("calibration needs rows of both kinds")
    # Smoothed by the decisions that rows stand for: by the rows alone, a hundred weighty honest ones would be a part abusive each.
    target = np.where(abusive, (bad + 1) / (bad + 2), 1 / (weight * good + 2))
    offset = np.zeros(len(raw)) if beside is None else np.asarray(beside, np.float64)
    scores = np.asarray(raw, np.float64)
    counts = np.where(abusive, 1.0, weight)
    slope, shift = _newton(scores, target, offset, counts)
    return (slope, shift) if slope >= 0 else (0.0, _newton(np.zeros(len(scores)), target, offset, counts)[1])


def _newton(scores: Floats, target: Floats, offset: Floats, counts: Floats) -> tuple[float, float]:
    at = np.array([1.0, 0.0]) if scores.any() else np.zeros(2)
    columns = np.stack([scores, np.ones(len(scores))], axis=1)
    value = _objective(at, columns, target, offset, counts)
    for _ in range(STEPS):
        odds = offset + columns @ at
        chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -60.0, 60.0)))
        gradient = columns.T @ (counts * (chance - target)) + RIDGE * at
        hessian = columns.T @ (columns * (counts * chance * (1.0 - chance))[:, None]) + np.eye(2) * RIDGE
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-10 and (new := _objective(at - size * step, columns, target, offset, counts)) > value:
            size /= 2
        if size <= 1e-10 or value - new < 1e-12 * len(scores):
            break
        at, value = at - size * step, new
    return float(at[0]), float(at[1])


def _objective(at: Floats, columns: Floats, target: Floats, offset: Floats, counts: Floats) -> float:
    odds = offset + columns @ at
    return float(np.sum(counts * (np.logaddexp(0.0, odds) - target * odds)) + RIDGE / 2 * (at @ at))
