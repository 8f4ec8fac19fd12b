"""Trees for the benchmarks of real sign-up data, and the line in which each of their figures is told. Used by signup_groups.py and signup_profiles.py.

told("unseen groups", boost(x, y, test), labels)      unseen groups: AUC 0.927; 0.403 (0.384 to 0.422) at 0.99 % (0.72 to 1.35); …

Boosted trees of depth 3 on 32 quantile bins, after J. Friedman (2001), in numpy.
"""

import numpy as np
from numpy.typing import NDArray

from wardline.learning.evaluation.intervals import area, wilson

Matrix = NDArray[np.float64]
BINS, ROUNDS, RATE, LEAST, RIDGE = 32, 150, 0.1, 20.0, 1.0


def boost(x: Matrix, y: Matrix, test: Matrix) -> Matrix:
    """Log-odds for the rows of `test`, by 150 trees of depth 3."""
    edges = [np.unique(np.quantile(x[:, f], np.linspace(0, 1, BINS + 1)[1:-1])) for f in range(x.shape[1])]
    bins = np.stack([np.searchsorted(e, x[:, f], side="right") for f, e in enumerate(edges)], 1)
    tests = np.stack([np.searchsorted(e, test[:, f], side="right") for f, e in enumerate(edges)], 1)
    start = float(np.log(y.mean() / (1 - y.mean())))
    score, out = np.full(len(x), start), np.full(len(test), start)
    for _round in range(ROUNDS):
        p = 1 / (1 + np.exp(-score))
        gradient, weight = y - p, p * (1 - p)
        node, node_test = np.zeros(len(x), np.int64), np.zeros(len(test), np.int64)
        for _depth in range(3):
            width = int(node.max()) + 1
            best = np.zeros(width)
            chosen = [(0, BINS)] * width
            for f in range(x.shape[1]):
                place = node * BINS + bins[:, f]
                g = np.bincount(place, gradient, width * BINS).reshape(width, BINS).cumsum(1)
                h = np.bincount(place, weight, width * BINS).reshape(width, BINS).cumsum(1)
                rest_g, rest_h = g[:, -1:] - g, h[:, -1:] - h
                gain = g**2 / (h + RIDGE) + rest_g**2 / (rest_h + RIDGE) - g[:, -1:] ** 2 / (h[:, -1:] + RIDGE)
                gain[(h < LEAST / 4) | (rest_h < LEAST / 4)] = 0
                cut = gain.argmax(1)
                for n in range(width):
                    if gain[n, cut[n]] > best[n]:
                        best[n], chosen[n] = gain[n, cut[n]], (f, int(cut[n]))
            features, cuts = np.array([f for f, _cut in chosen]), np.array([cut for _f, cut in chosen])
            node = 2 * node + (bins[np.arange(len(x)), features[node]] > cuts[node])
            node_test = 2 * node_test + (tests[np.arange(len(test)), features[node_test]] > cuts[node_test])
        leaf = np.bincount(node, gradient, 8) / (np.bincount(node, weight, 8) + RIDGE)
        score += RATE * leaf[node]
        out += RATE * leaf[node_test]
    return out


def told(title: str, score: Matrix, y: Matrix) -> None:
    """Prints the area, and at thresholds that 1 % and 0.1 % of the good reach both kinds of error with their 95 % intervals."""
    bad, good = score[y == 1], score[y == 0]
    line = f"{title}: AUC {area(bad.tolist(), good.tolist()):.3f}"
    for rate in (0.01, 0.001):
        limit = np.sort(good)[::-1][int(rate * len(good))]
        hits, harmed = int((bad > limit).sum()), int((good > limit).sum())
        (low, high), (least, most) = wilson(hits, len(bad)), wilson(harmed, len(good))
        line += (
            f"; {hits / len(bad):.3f} ({low:.3f} to {high:.3f}) at {100 * harmed / len(good):.2f} % ({100 * least:.2f} to {100 * most:.2f})"
        )
    print(f"{line}; {len(bad)} bad, {len(good)} good", flush=True)
