"""Sybil accounts of a real airdrop, from the transfer graph and first-seen times: groups that were not trained on, and later time.

    python benchmarks/signup_real.py FOLDER          # FOLDER holds edges.csv.gz and labels_dev.csv.gz

Two splits: by group (every account of a group on one side, honest ones by hash) and forward in time (trained on the earlier 60 %, tested on later accounts whose group
was not trained on). Rows: degrees alone; everything; own counts, without neighbours and times, which
labels of groups are usually made from. Boosted trees of depth 3 on 32 quantile bins, after J. Friedman (2001), in numpy.
"""

import csv
import gzip
import sys
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wardline.learning.evaluation.intervals import wilson

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


def auc(score: Matrix, y: Matrix) -> float:
    """Area under the curve; ties count half."""
    _values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (counts.cumsum() - (counts - 1) / 2)[inverse]
    good, bad = float((1 - y).sum()), float(y.sum())
    return float((rank[y == 1].sum() - bad * (bad + 1) / 2) / (good * bad))


def told(title: str, score: Matrix, y: Matrix) -> None:
    """Prints the area, and at thresholds that 1 % and 0.1 % of the good reach both kinds of error with their 95 % intervals."""
    bad, good = score[y == 1], score[y == 0]
    line = f"{title}: AUC {auc(score, y):.3f}"
    for rate in (0.01, 0.001):
        limit = np.sort(good)[::-1][int(rate * len(good))]
        hits, harmed = int((bad > limit).sum()), int((good > limit).sum())
        (low, high), (least, most) = wilson(hits, len(bad)), wilson(harmed, len(good))
        line += (
            f"; {hits / len(bad):.3f} ({low:.3f} to {high:.3f}) at {100 * harmed / len(good):.2f} % ({100 * least:.2f} to {100 * most:.2f})"
        )
    print(f"{line}; {len(bad)} bad, {len(good)} good", flush=True)


def features(folder: Path) -> tuple[list[str], Matrix, Matrix, list[str], Matrix]:
    """Names, values, labels, groups, first-seen times."""
    with gzip.open(folder / "labels_dev.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    first = {row["address"]: float(row["first_ts"] or 0) for row in rows}
    volume = {row["address"]: float(row["volume_usd"] or 0) for row in rows}
    out: dict[str, dict[str, int]] = defaultdict(dict)
    into: dict[str, dict[str, int]] = defaultdict(dict)
    chains: dict[str, set[str]] = defaultdict(set)
    by_chain: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(folder / "edges.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            source, target, count = row["src"], row["dst"], int(row["n"])
            out[source][target] = out[source].get(target, 0) + count
            into[target][source] = into[target].get(source, 0) + count
            by_chain[source][row["chain"]] += 1
            by_chain[target][row["chain"]] += 1
            chains[source].add(row["chain"])
            chains[target].add(row["chain"])
    near = {address: set(out.get(address, ())) | set(into.get(address, ())) for address in {*out, *into}}
    degree = {address: len(found) for address, found in near.items()}
    times = np.sort(np.array([value for value in first.values() if value]))
    names = [
        "out",
        "in",
        "out_n",
        "in_n",
        "both",
        "chains",
        "volume",
        "|",
        "near_mean",
        "near_max",
        "near_min",
        "near_once",
        "near_volume",
        "near_gap",
        "near_known",
        "adamic",
        "shared",
        "two_hop",
    ]
    total: Counter[str] = Counter()
    for counted in by_chain.values():
        total.update(counted)
    common = [chain for chain, _count in total.most_common(10)]
    names += ["same_hour", "same_day", "near_same_day", *common]
    values = []
    for row in rows:
        a = row["address"]
        around = near.get(a, set())
        degrees = [degree[b] for b in around] or [0]
        known = [b for b in around if b in first]
        gaps = [abs(first[b] - first[a]) for b in known if first[b] and first[a]]
        pairs: dict[str, int] = defaultdict(int)
        for b in around:
            if degree[b] <= 50:
                for c in near[b]:
                    if c != a:
                        pairs[c] += 1
        values.append(
            [
                len(out.get(a, ())),
                len(into.get(a, ())),
                sum(out.get(a, {}).values()),
                sum(into.get(a, {}).values()),
                len(set(out.get(a, ())) & set(into.get(a, ()))),
                len(chains.get(a, ())),
                volume[a],
                float(np.mean(degrees)),
                max(degrees),
                min(degrees),
                sum(d == 1 for d in degrees) / len(degrees),
                float(np.median([volume[b] for b in known])) if known else -1.0,
                min(gaps) if gaps else 1e12,
                len(known),
                sum(1 / np.log(d + 1.0) for d in degrees if d),
                max(pairs.values(), default=0),
                len(pairs),
                *(int(np.diff(np.searchsorted(times, [first[a] - span, first[a] + span]))[0]) for span in (3600, 86_400)),
                sum(gap < 86_400 for gap in gaps),
                *(by_chain[a][chain] if a in by_chain else 0 for chain in common),
            ]
        )
    labels = np.array([float(row["sybil"]) for row in rows])
    names.remove("|")
    return names, np.array(values, float), labels, [row["group"] for row in rows], np.array([first[row["address"]] for row in rows])


def main() -> None:
    names, x, y, groups, first = features(Path(sys.argv[1]))
    key = [group or address for group, address in zip(groups, (str(n) for n in range(len(groups))), strict=True)]
    fold = np.array([zlib.crc32(one.encode()) % 5 for one in key])
    late = first > np.quantile(first, 0.6)
    early_groups = {group for group, later in zip(groups, late, strict=True) if group and not later}
    unseen = np.array([group not in early_groups for group in groups])
    splits = {"unseen groups": (fold != 0, fold == 0), "unseen groups, later time": (~late, late & unseen)}
    rows = {"degrees alone": range(5), "everything": range(len(names)), "own counts": range(7)}
    print(f"{len(y)} accounts, {int(y.sum())} sybils in {len(set(groups)) - 1} groups")
    for title, (train, test) in splits.items():
        for row, columns in rows.items():
            score = boost(x[train][:, list(columns)], y[train], x[test][:, list(columns)])
            told(f"{title}: {row}", score, y[test])


if __name__ == "__main__":
    main()
