"""What the airdrop's tables tell of each account, without labels: counts, times, twins, neighbours, components. Used by signup_groups.py.

data, table = Airdrop(folder), Table(data.count); profile = own(data, table); times(data, table); table.columns
"""

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

Array = NDArray[Any]
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
INNER = 4  # folds of the training side, for the scores that the second stage sees


class Airdrop:
    """The tables as arrays. Participants come first among the nodes, in the order of the labels."""

    def __init__(self, folder: Path) -> None:
        with gzip.open(folder / "labels_dev.csv.gz", "rt") as lines:
            rows = list(csv.DictReader(lines))
        with gzip.open(folder / "edges.csv.gz", "rt") as lines:
            edges = list(csv.DictReader(lines))
        self.count = len(rows)
        self.sybil = np.array([float(row["sybil"]) for row in rows])
        self.group = np.array([row["group"] for row in rows])
        self.fold = np.array([zlib.crc32((row["group"] or row["address"]).encode()) % 5 for row in rows])
        self.inner = np.array([zlib.crc32(("i" + (row["group"] or row["address"])).encode()) % INNER for row in rows])
        self.first = np.array([float(row["first_ts"]) for row in rows])
        self.volume = np.log1p(np.array([float(row["volume_usd"] or 0) for row in rows]))
        places = {row["address"]: place for place, row in enumerate(rows)}
        self.chains = sorted({edge["chain"] for edge in edges})
        self.source, self.target = (np.array([places.setdefault(edge[end], len(places)) for edge in edges]) for end in ("src", "dst"))
        self.chain = np.array([self.chains.index(edge["chain"]) for edge in edges])
        self.times = np.array([float(edge["n"]) for edge in edges])
        self.nodes = len(places)
        self.out = (sp.csr_matrix((np.ones(len(edges)), (self.source, self.target)), shape=(self.nodes,) * 2) > 0).astype(float)
        self.into = self.out.T.tocsr()
        self.near = ((self.out + self.into) > 0).astype(float)
        self.near.setdiag(0)
        self.near.eliminate_zeros()
        self.degree = np.asarray(self.near.sum(1)).ravel()
        self.participant = (np.arange(self.nodes) < self.count).astype(float)
        self.with_participants = self.near @ self.participant


class Table:
    """Columns with their kinds."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.kinds: list[str] = []
        self.columns: list[Array] = []

    def add(self, kind: str, *columns: Array) -> None:
        for column in columns:
            self.kinds.append(kind)
            self.columns.append(np.asarray(column, float)[: self.count])


def ratio(over: Array, under: Array, empty: float) -> Array:
    return np.divide(over, under, out=np.full(len(over), empty), where=under > 0)


def own(data: Airdrop, table: Table) -> Array:
    """Counts by chain; gives them, as the profile by which twins are found."""
    profile = [
        np.bincount(ends[data.chain == chain], weights[data.chain == chain], minlength=data.nodes)
        for chain in range(len(data.chains))
        for ends in (data.source, data.target)
        for weights in (np.ones(len(data.times)), data.times)
    ]
    table.add("own", *profile, np.asarray(data.out.sum(1)).ravel(), np.asarray(data.into.sum(1)).ravel(), data.degree)
    table.add("own", np.asarray(data.out.multiply(data.into).sum(1)).ravel(), sum(np.array(profile[1::2])), data.volume)
    amounts = sp.csr_matrix((data.times, (data.source, data.target)), shape=(data.nodes,) * 2)
    table.add("own", amounts.max(1).toarray().ravel(), amounts.max(0).toarray().ravel(), np.expm1(data.volume) % 1)
    table.add("own", sum((profile[4 * n] + profile[4 * n + 2] > 0).astype(float) for n in range(len(data.chains))))
    sent, got, both = data.out @ data.participant, data.into @ data.participant, data.out.multiply(data.into) @ data.participant
    table.add("degree", data.with_participants, sent, got, both, ratio(data.with_participants, data.degree, -1.0))
    return np.stack(profile, 1)[: data.count]


def times(data: Airdrop, table: Table) -> None:
    """Density around the first-seen time, in units of the week's own density; of all, of accounts without edges, of equal volume."""
    first, volume, count = data.first, data.volume, data.count
    order = np.argsort(first, kind="stable")
    sorted_first, sorted_volume = first[order], volume[order]

    def window(span: float) -> tuple[Array, Array]:
        return np.searchsorted(sorted_first, first - span, "left"), np.searchsorted(sorted_first, first + span, "right")

    for among in (np.ones(count, bool), data.degree[:count] == 0):
        seen = np.sort(first[among])

        def within(span: float, seen: Array = seen, among: Array = among) -> Array:
            return np.searchsorted(seen, first + span, "right") - np.searchsorted(seen, first - span, "left") - among

        rate = (within(WEEK) + 1) / (2 * WEEK)
        table.add("time", *(within(span) / (rate * 2 * span) for span in (600, HOUR, 6 * HOUR, DAY)))
        table.add("time", *(within(span) - rate * 2 * span for span in (60, 300, 1800, 7200)))
        place = np.searchsorted(seen, first)
        for nth in (1, 3, 5, 10, 20):
            around = place[:, None] + np.arange(-nth - 3, nth + 4)
            gaps = np.where((around >= 0) & (around < len(seen)), abs(seen[np.clip(around, 0, len(seen) - 1)] - first[:, None]), 1e9)
            gaps.sort(1)
            table.add("time", np.where(among, gaps[:, nth], gaps[:, nth - 1]) * rate)
    for span in (HOUR, 2 * HOUR, DAY, WEEK):
        low, high = window(span)
        found = np.full((count, 10), 9.0)
        for n in range(count):
            apart = np.sort(abs(sorted_volume[low[n] : high[n]] - volume[n]))
            for column, nth in enumerate((1, 3, 8, 20)):
                if len(apart) > nth:
                    found[n, column], found[n, 4 + column] = apart[nth], apart[nth] * len(apart) / nth
            found[n, 8:] = (np.searchsorted(apart, 0.02) - 1) / len(apart), (np.searchsorted(apart, 0.1) - 1) / len(apart)
        table.add("time", *found.T)
    steps = np.lib.stride_tricks.sliding_window_view(np.pad(np.diff(sorted_first, prepend=sorted_first[0]), 3, mode="edge"), 7)
    back = np.argsort(order)
    table.add("time", (steps.std(1) / (steps.mean(1) + 1))[back])
    low, high = window(WEEK)
    found = np.full((count, 3), -1.0)
    for n in range(count):
        alike = low[n] + np.flatnonzero(abs(sorted_volume[low[n] : high[n]] - volume[n]) < 0.15)
        gaps = np.sort(abs(sorted_first[alike] - first[n]))
        if len(gaps) > 3:
            found[n] = gaps[1] * len(gaps), gaps[3] * len(gaps), gaps[min(8, len(gaps) - 1)] * len(gaps)
    table.add("time", *found.T)


def twins(data: Airdrop, table: Table, profile: Array) -> None:
    """Accounts with the same counts, and with the same partners (cosine weighted by rarity)."""
    same: dict[bytes, list[int]] = defaultdict(list)
    for n in range(data.count):
        same[profile[n].tobytes()].append(n)
    found = np.full((data.count, 4), -1.0)
    for n in np.flatnonzero(profile.sum(1)):
        others = np.array(same[profile[n].tobytes()][:3000])
        gaps = abs(data.first[others] - data.first[n])
        close = (gaps < WEEK) & (abs(data.volume[others] - data.volume[n]) < 0.1)
        found[n] = len(others), (gaps < DAY).sum(), (gaps < WEEK).sum(), close.sum()
    table.add("twin", *found.T)
    whose = np.concatenate([data.source, data.target])
    key = np.concatenate([data.target * 100 + data.chain, (data.nodes + data.source) * 100 + data.chain])[whose < data.count]
    _values, key = np.unique(key, return_inverse=True)
    rows = sp.csr_matrix((np.ones(len(key)), (whose[whose < data.count], key)), shape=(data.count, int(key.max()) + 1))
    seen = np.asarray(rows.sum(0)).ravel()
    rows = rows @ sp.diags(np.log(data.count / seen))
    rows = sp.diags(1 / np.maximum(np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel()), 1e-9)) @ rows
    rows = rows.tocsc()[:, (seen >= 2) & (seen <= 1000)].tocsr()
    alike = (rows @ rows.T).tocsr()
    found = np.zeros((data.count, 7))
    for n, others, cosine in around(alike, data.count):
        best = np.sort(cosine)[::-1]
        top = others[np.argsort(-cosine)[:10]]
        found[n, :5] = best[0], best[4] if len(best) > 4 else 0, (cosine > 0.9).sum(), (cosine > 0.5).sum(), best[:20].sum()
        found[n, 5:] = np.median(abs(data.first[top] - data.first[n])), np.median(abs(data.volume[top] - data.volume[n]))
    table.add("twin", *found.T)


def around(matrix: Any, count: int) -> Iterable[tuple[int, Array, Array]]:
    """(row, columns, values) of every row that has others than itself."""
    for n in range(count):
        start, end = matrix.indptr[n], matrix.indptr[n + 1]
        others, values = matrix.indices[start:end], matrix.data[start:end]
        if (keep := others != n).any():
            yield n, others[keep], values[keep]


def neighbours(data: Airdrop, table: Table) -> None:
    """Mean, least and most of what the neighbours are; then other participants one and two steps away."""
    share = ratio(data.with_participants, data.degree, 0.0)
    for matrix in (data.near, data.out, data.into):
        for of in (data.degree, data.with_participants, share):
            found = np.full((data.count, 3), -1.0)
            for n, others, _values in around(matrix.tocsr(), data.count):
                found[n] = of[others].mean(), of[others].min(), of[others].max()
            table.add("near", *found.T)
    table.add("near", *(ratio(data.near @ (data.degree == nth), data.degree, -1.0) for nth in (1.0, 2.0)))
    table.add("near", data.near @ (1 / np.log(data.degree + 2)), np.asarray((data.near @ data.near).multiply(data.near).sum(1)).ravel() / 2)
    pairs = [data.near[: data.count, : data.count].tocsr()]
    for most in (20, 200):
        through = sp.diags(((data.degree <= most) & (data.degree >= 2)) / np.log(data.degree + 1.5))
        pairs += [(part[: data.count] @ through @ part[: data.count].T).tocsr() for part in (data.near, data.out, data.into)]
    for matrix in pairs:
        found = np.full((data.count, 10), -1.0)
        found[:, 0] = 0
        for n, others, values in around(matrix, data.count):
            gaps = np.sort(abs(data.first[others] - data.first[n]))
            apart = abs(data.volume[others] - data.volume[n])
            found[n, :7] = (
                len(others),
                values.sum(),
                values.max(),
                gaps[0],
                gaps[min(1, len(gaps) - 1)],
                gaps[min(4, len(gaps) - 1)],
                np.median(gaps),
            )
            found[n, 7:] = (gaps < DAY).mean(), np.median(apart), (apart < 0.2).mean()
        table.add("pair", *found.T)


def components(data: Airdrop, table: Table) -> list[Array]:
    """The graph falls apart where busy addresses (bridges, exchanges) are cut out: size, participants and spread of each part. Gives some of the parts."""
    pairs = data.near.tocoo()
    member = data.participant > 0
    cuts = {f"other addresses up to {most}": member | (data.degree <= most) for most in (3, 5, 8, 15, 30, 60, 150)}
    cuts |= {f"all up to {most}": data.degree <= most for most in (15, 60)}
    cuts["participants"] = member
    cuts["mostly of participants"] = member | ((data.with_participants >= 2) & (data.with_participants > 0.5 * data.degree))
    parts: dict[str, Array] = {}
    for name, kept in cuts.items():
        both = kept[pairs.row] & kept[pairs.col]
        graph = sp.csr_matrix((np.ones(both.sum()), (pairs.row[both], pairs.col[both])), shape=(data.nodes,) * 2)
        total, part = connected_components(graph, directed=False)
        size, members = np.bincount(part, minlength=total), np.bincount(part, data.participant, total)
        links = np.bincount(part[pairs.row[both]], minlength=total) / 2
        busiest = np.zeros(total)
        np.maximum.at(busiest, part, np.where(kept, data.degree, 0))
        table.add("component", size[part], members[part], (members / size)[part], (links / size)[part], busiest[part])
        mine = part[: data.count]
        for of in (data.first, data.volume):
            mean = np.bincount(mine, of, total) / np.maximum(members, 1)
            spread = np.sqrt(np.bincount(mine, (of - mean[mine]) ** 2, total) / np.maximum(members, 1))
            table.add("component", spread[mine], of - mean[mine])
        parts[name] = mine
    return [parts[name] for name in ("participants", "other addresses up to 5", "other addresses up to 30", "all up to 15")]


def kernels(data: Airdrop) -> list[Any]:
    """Who is near in time (two hours, a day), and near in time and volume."""
    order = np.argsort(data.first, kind="stable")
    found = []
    for span, width in ((2 * HOUR, 0.05), (DAY, 0.05), (DAY, 1e9), (2 * HOUR, 1e9)):
        low = np.searchsorted(data.first[order], data.first - span, "left")
        high = np.searchsorted(data.first[order], data.first + span, "right")
        rows, columns, values = [], [], []
        for n in range(data.count):
            others = order[low[n] : high[n]]
            value = np.exp(-abs(data.volume[others] - data.volume[n]) / width - abs(data.first[others] - data.first[n]) / (span / 2))
            keep = (others != n) & (value > 0.02)
            rows.append(np.full(keep.sum(), n))
            columns.append(others[keep])
            values.append(value[keep])
        found.append(sp.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(data.count,) * 2))
    return found
