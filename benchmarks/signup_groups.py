"""Sybil accounts of a real airdrop by trees over graph, times and amounts: groups that were not trained on, later time, and both at once.

    python benchmarks/signup_groups.py FOLDER            # FOLDER holds edges.csv.gz and labels_dev.csv.gz; needs the extra `train`, and scipy
    python benchmarks/signup_groups.py FOLDER --dev      # the inner splits that everything was chosen on; looks at nothing of the test

Every feature is computed without labels on the whole graph, of later accounts too: a graph that is complete is looked at afterwards, as a campaign is. So "later
time" means labels of the past and not a graph of the past. `participant`: an account that took part and is judged here, sybil or not.

Kinds of features: `own` counts by chain and volume; `degree` among participants; `time` density of first-seen times and of equal volumes; `twin` accounts with equal counts or equal
partners; `near` averages over neighbours; `pair` other participants one or two steps away, in time and volume; `component` of the graph without busy addresses.
Two stages: the second sees the first's score of the account and, averaged, of those around it (out of fold on the training side), and how many accounts around it are known to be
honest and ten days older. Three kinds of trees are averaged. A group weighs at most as ten accounts.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from signup_graph import DAY, INNER, Airdrop, Array, Table, components, kernels, neighbours, own, ratio, times, twins
from signup_scores import told

TREES = {
    "objective": "binary", "num_threads": 1, "verbose": -1, "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 40,
    "feature_fraction": 0.4, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5,
}  # fmt: skip
EXTRA = {**TREES, "extra_trees": True}
ROUNDS, ROUNDS_SECOND, GROUP_WEIGHT = 250, 200, 10


class Judge:
    """Two stages of trees over chosen columns. graph, time: whether the second stage may look along edges and components, and along times."""

    def __init__(self, data: Airdrop, x: Array, near: list[Any], parts: list[Array], kernel: list[Any], stages: int = 2) -> None:
        self.data, self.x, self.near, self.parts, self.kernel, self.stages = data, x, near, parts, kernel, stages

    def weights(self, train: Array) -> Array:
        sizes = Counter(self.data.group[train])
        return np.array([min(1.0, GROUP_WEIGHT / max(sizes[group], 1)) if group else 1.0 for group in self.data.group])

    def trees(self, x: Array, train: Array, test: Array, rounds: int, seeds: Iterable[int], every: bool = True) -> Array:
        """Probabilities for `test`. every: the mean of three kinds of trees: plain, with random cuts, and apart for accounts with and without edges."""
        weight, edgeless = self.weights(train), self.data.degree[: self.data.count] == 0
        said = []
        for seed in seeds:

            def fit(params: dict[str, Any], some: Array, count: int, seed: int = seed) -> Array:
                kept = train & some
                table = lightgbm.Dataset(x[kept], self.data.sybil[kept], weight=weight[kept])
                found = np.zeros(self.data.count)
                found[test & some] = lightgbm.train({**params, "seed": seed}, table, count).predict(x[test & some])
                return found

            everyone = np.ones(self.data.count, bool)
            said.append(fit(TREES, everyone, rounds))
            if every:
                said.append(fit(EXTRA, everyone, 3 * rounds // 2))
                said.append(fit(TREES, ~edgeless, rounds) + fit({**TREES, "num_leaves": 7}, edgeless, rounds // 2))
        return np.asarray(np.mean(said, 0))[test]

    def score(self, train: Array, test: Array, seeds: tuple[int, ...]) -> Array:
        """Scores of all accounts; only those of `test` are those of accounts that the trees have not seen."""
        score = np.full(self.data.count, np.nan)
        if self.stages == 1:
            score[test] = self.trees(self.x, train, test, ROUNDS, seeds, every=False)
            return score
        x = np.column_stack([self.x, self.honest(train)])
        for fold in range(INNER):
            rest, part = train & (self.data.inner != fold), train & (self.data.inner == fold)
            score[part] = self.trees(x, rest, part, ROUNDS, seeds[:1], every=False)
        score[test] = self.trees(x, train, test, ROUNDS, seeds[:1], every=False)
        again = np.column_stack([x, score, self.spread(score)])
        score[test] = (self.trees(again, train, test, ROUNDS_SECOND, seeds) + self.trees(x, train, test, ROUNDS, seeds)) / 2
        return score

    def honest(self, train: Array) -> Array:
        """How many accounts of the training side that are known to be honest are around and ten days older. Sybils' labels are not used, so that a group says nothing of itself."""
        known, first = train & (self.data.sybil == 0), self.data.first
        found = [np.zeros(self.data.count)]
        for near in self.near:
            pairs = near.tocoo()
            older = known[pairs.col] & (first[pairs.col] < first[pairs.row] - 10 * DAY)
            count = np.bincount(pairs.row[older], minlength=self.data.count).astype(float)
            found += [count, ratio(count, np.bincount(pairs.row, minlength=self.data.count), -1.0)]
        for part in self.parts:
            order = np.lexsort((first, part))
            key = part[order] * 1e10 + first[order]
            so_far = np.concatenate([[0], np.cumsum(known[order])])
            start = np.searchsorted(key, part * 1e10)
            count = so_far[np.maximum(np.searchsorted(key, part * 1e10 + first - 10 * DAY), start)] - so_far[start]
            found += [count, count / np.bincount(part)[part]]
        return np.stack(found, 1)

    def spread(self, score: Array) -> Array:
        """The scores of those around, without their labels."""
        known = (~np.isnan(score)).astype(float)
        score = np.nan_to_num(score)
        alone = known * (self.data.degree[: self.data.count] == 0)
        found = []
        for kernel in self.kernel:
            found += [(kernel @ (score * some) + 0.15) / (kernel @ some + 0.5) for some in (known, alone)] + [kernel @ score]
        for near in self.near:
            found += [ratio(near @ score, near @ known, -1.0), near @ score]
        for part in self.parts:
            found.append(ratio(np.bincount(part, score)[part] - score, np.bincount(part, known)[part] - known, -1.0))
        return np.stack(found, 1)


def judges(data: Airdrop) -> dict[str, Callable[[], Judge]]:
    """The rows: everything, and what is left without what the labels were made from."""
    table = Table(data.count)
    profile = own(data, table)
    times(data, table)
    twins(data, table, profile)
    neighbours(data, table)
    parts, kernel = components(data, table), kernels(data)
    x, kinds = np.stack(table.columns, 1), np.array(table.kinds)
    near = data.near[: data.count, : data.count].tocsr()
    twice = (near @ near).tolil()
    twice.setdiag(0)
    steps = [near, twice.tocsr()]
    print(f"{data.count} accounts, {int(data.sybil.sum())} sybils; features: {dict(Counter(table.kinds))}", flush=True)

    def of(*chosen: str) -> Array:
        return x[:, np.isin(kinds, chosen)]

    plain = np.column_stack([np.asarray(m.sum(1)).ravel()[: data.count] for m in (data.out, data.into, data.near)])
    return {
        "degrees: in, out, both": lambda: Judge(data, plain, [], [], [], 1),
        "degrees: and among participants": lambda: Judge(data, np.column_stack([plain, of("degree")[:, :3]]), [], [], [], 1),
        "degrees: and counts by chain": lambda: Judge(data, of("own", "degree"), [], [], [], 1),
        "everything, one stage": lambda: Judge(data, x, [], [], [], 1),
        "everything": lambda: Judge(data, x, steps, parts, kernel),
        "without components": lambda: Judge(data, of("own", "degree", "time", "twin", "near", "pair"), steps, [], kernel),
        "without neighbours": lambda: Judge(data, of("own", "time"), [], [], kernel),
        "without neighbours and times": lambda: Judge(data, of("own"), [], [], [], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--row", default="", help="these rows alone, with ; between them")
    asked = parser.parse_args()
    data = Airdrop(asked.folder)
    late = data.first > np.quantile(data.first, 0.6)
    rows = {name: judge for name, judge in judges(data).items() if not asked.row or name in asked.row.split(";")}

    def unseen(train: Array) -> Array:
        return ~np.isin(data.group, list(set(data.group[train]) - {""}))

    if asked.dev:
        dev = data.fold != 0
        splits = {f"inner groups {fold}": (dev & (data.fold != fold), dev & (data.fold == fold)) for fold in (1, 3)}
        for share in (0.5, 0.65, 0.8):
            cut = np.quantile(data.first[dev & ~late], share)
            train = dev & ~late & (data.first <= cut)
            splits[f"inner later time {share}"] = (train, dev & ~late & (data.first > cut) & unseen(train))
        for row, make in rows.items():
            for title, (train, test) in splits.items():
                told(f"{title}: {row}", make().score(train, test, (1,))[test], data.sybil[test])
        return
    seeds = (1, 2, 3)
    for row, make in rows.items():
        judge = make()
        test = data.fold == 0
        told(f"unseen groups: {row}", judge.score(~test, test, seeds)[test], data.sybil[test])
        if judge.stages == 1:
            pooled = [judge.score(data.fold != fold, data.fold == fold, seeds)[data.fold == fold] for fold in range(5)]
            whose = np.concatenate([data.sybil[data.fold == fold] for fold in range(5)])
            told(f"unseen groups, all five folds: {row}", np.concatenate(pooled), whose)
        score, fresh = judge.score(~late, late, seeds), late & unseen(~late)
        told(f"later time: {row}", score[late], data.sybil[late])
        told(f"unseen groups, later time: {row}", score[fresh], data.sybil[fresh])
        told(f"the same, of the fold that nothing was chosen on: {row}", score[fresh & test], data.sybil[fresh & test])


if __name__ == "__main__":
    sys.exit(main())
