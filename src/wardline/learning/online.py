"""A linear model and a naive Bayes model over the same hashed n-grams, learned one label at a time, in whole numbers.

    model = OnlineModel((Field("subject", bits=19), Field("visible", bits=19)))
    rows = model.rows({"subject": b"cheap pills", "visible": b"order now"})
    model.log_odds(rows)                           0.0: it knows nothing yet
    change = model.propose(rows, abusive=True)     what a label would change; None when the model is sure of it already
    model.add(change); model.subtract(change)      exact twins, in any order and at any distance

Score: z = sum over fields of (W/2^22 + SHARE * B/2^16) / sqrt(n), where n is the number of rows of the field, W the sum of their weights and B
the sum of ln P(row | abusive) - ln P(row | benign) of the rows that were counted, each clipped to ±7. The linear weights learn what the
counts leave over: when the whole is wrong by more than MARGIN (|y - 1/(1+exp(-z))|), every weight of the message moves by
STEP * (y - p) / sqrt(n) * (times it was moved before + 1)^-1/4. Messages wrong by more than COUNT_MARGIN are counted.

Logistic regression trained near the error: Goodman and Yih, "Online discriminative spam filter training", CEAS 2006. Falling rates per weight:
Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 2011. Each choice has its figures in docs/experiments/.

Bound. Fields own disjoint parts of the table and rows are sets, so by Cauchy-Schwarz a change with the steps b_1..b_k moves the linear
score of no message by more than b_1 + ... + b_k (`Change.bound_log_odds`), unless it counts. `ceiling_log_odds` scales a change down to that.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wardline.learning import fixed
from wardline.learning.change import Change
from wardline.learning.ngrams import Rows, grams
from wardline.learning.tables import TableError, pack, unpack

try:
    from wardline.learning import _ngrams as _native
except ImportError:
    _native = None  # type: ignore[assignment]

UNIT = 1 << 22  # one log-odds in the units of a weight: a weight holds ±512
STEP = 6.0
MARGIN = fixed.ONE // 10
COUNT_MARGIN = fixed.ONE // 20
SHARE = 0.04  # of the naive Bayes sum: its n-grams overlap, so their evidence is far from independent
CLIP = 7 * fixed.ONE
QUORUM = 10  # labels of each class before the counts have a say
WEIGHT, UPDATES, ABUSIVE, BENIGN = range(4)

Table = NDArray[np.int32]


class Field(NamedTuple):
    """One field of the input: its n-grams of `size` bytes go to 2^bits rows of their own, under a salt of their own (its place, from 1)."""

    name: str
    bits: int = 19
    size: int = 4


class Layout(NamedTuple):
    """Fields and where their rows begin; the last base is the size of the table."""

    fields: tuple[Field, ...]
    bases: tuple[int, ...]

    def rows(self, texts: Mapping[str, bytes]) -> tuple[Rows, ...]:
        """The rows of a message's fields, in the order of `fields`; a field that is missing has none."""
        return tuple(
            grams(texts.get(field.name, b""), size=field.size, salt=at + 1, bits=field.bits, base=self.bases[at])
            for at, field in enumerate(self.fields)
        )


class OnlineModel:
    """The pair of models. Rows are as `rows` makes them: per field, distinct. Memory: 16 bytes for each row of the table."""

    def __init__(self, fields: Sequence[Field], *, step: float = STEP, share: float = SHARE) -> None:
        self.fields, self.bases = self.layout(fields)
        self.step = step
        self.share = share
        self.labels = [0, 0]  # counted messages: benign, abusive
        self.table: Table = np.zeros((self.bases[-1], 4), np.int32)

    @staticmethod
    def layout(fields: Sequence[Field]) -> Layout:
        """Where the fields' rows lie in the table; to make rows without a model."""
        return Layout(tuple(fields), tuple(int(base) for base in np.cumsum([0, *(1 << field.bits for field in fields)])))

    def rows(self, texts: Mapping[str, bytes]) -> tuple[Rows, ...]:
        """The rows of a message for this model."""
        return Layout(self.fields, self.bases).rows(texts)

    def log_odds(self, rows: Sequence[Rows]) -> float:
        """ln(P(abusive) / P(benign)) as the models see it; 0.0 for a message without rows. IndexError for rows of another model."""
        prior, counted = self._prior()
        total = 0.0
        for field_rows in rows:
            if len(field_rows) == 0:
                continue
            weights, ratios = self._sums(field_rows, prior)
            total += (weights / UNIT + (self.share * (ratios / fixed.ONE) if counted else 0.0)) / math.sqrt(len(field_rows))
        return total

    def propose(
        self,
        rows: Sequence[Rows],
        abusive: bool,
        *,
        weight: float = 1.0,
        counts: bool = True,
        ceiling_log_odds: float | None = None,
        offset: float = 0.0,
    ) -> Change | None:
        """What one label would change; nothing is applied. `weight` scales it (a doubtful label: below 1), `counts`: whether the counts
        may take part (they are not bounded), `ceiling_log_odds`: the most that the change may move any score, `offset`: what else was
        added to the score. None when the model is right already, or when nothing is left under the ceiling.
        """
        error = (fixed.ONE if abusive else 0) - fixed.logistic(self.log_odds(rows) + offset)
        counts = counts and (abs(error) > COUNT_MARGIN or min(self.labels) < QUORUM)
        steps = [0] * len(rows)
        if abs(error) > MARGIN and weight > 0:
            used = sum(1 for field_rows in rows if len(field_rows))
            reach = self.step * min(weight, 1.0) * abs(error) / fixed.ONE
            if ceiling_log_odds is not None and reach * used > ceiling_log_odds:
                reach = max(ceiling_log_odds, 0.0) / used
            steps = [math.floor(reach / math.sqrt(len(field_rows)) * UNIT) if len(field_rows) else 0 for field_rows in rows]
        if not counts and not any(steps):
            return None
        ages = tuple(np.minimum(self.table[field_rows, UPDATES], 255).clip(0).astype(np.uint8) for field_rows in rows)
        return Change(abusive=abusive, counted=counts, steps=tuple(steps), rows=tuple(rows), ages=ages)

    def add(self, change: Change) -> None:
        """Apply a change. IndexError when it was made for another model; then nothing is applied."""
        self._apply(change, 1)

    def subtract(self, change: Change) -> None:
        """Take a change back, to the last unit."""
        self._apply(change, -1)

    def _apply(self, change: Change, sign: int) -> None:
        if any(len(rows) and int(rows.max()) >= len(self.table) for rows in change.rows):
            raise IndexError("the change belongs to another model: a row lies outside the table")
        way = sign if change.abusive else -sign
        for rows, ages, step in zip(change.rows, change.ages, change.steps, strict=True):
            if step:
                # Modulo 2^32, so that adding and subtracting commute whatever happens.
                self.table[rows, WEIGHT] += (way * ((step * fixed.rate_table()[ages]) >> 16)).astype(np.int32)
                self.table[rows, UPDATES] += np.int32(sign)
            if change.counted:
                self.table[rows, ABUSIVE if change.abusive else BENIGN] += np.int32(sign)
        if change.counted:
            self.labels[change.abusive] += sign

    def weigh(self, rows: Rows, count: int) -> NDArray[np.float64]:
        """What each row of a field with `count` distinct rows adds to the score, in log-odds. For explanations, not for scoring."""
        prior, counted = self._prior()
        cells = self.table[rows]
        share = np.zeros(len(rows))
        if counted:
            share = np.array([_ratio(int(a), int(b), prior) for a, b in cells[:, (ABUSIVE, BENIGN)]]) * (self.share / fixed.ONE)
        result: NDArray[np.float64] = (cells[:, WEIGHT] / UNIT + share) / math.sqrt(max(count, 1))
        return result

    def _prior(self) -> tuple[int, bool]:
        benign, abusive = max(self.labels[0], 0), max(self.labels[1], 0)
        return fixed.ln_of(abusive) - fixed.ln_of(benign), min(benign, abusive) >= QUORUM

    def _sums(self, rows: Rows, prior: int) -> tuple[int, int]:
        if _native is not None:
            return _native.sums(self.table, rows, fixed.ln_table(), fixed.LN2, prior, CLIP)
        return sums_numpy(self.table, rows, prior)

    def snapshot(self) -> bytes:
        """The model's state: see tables.py for the form."""
        about = {"fields": [list(field) for field in self.fields], "labels": self.labels}
        return pack(about, self.table)

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`. TableError for anything else, and then nothing changes."""
        about, table = unpack(data, self.bases[-1])
        labels = about.get("labels")
        if about.get("fields") != [list(field) for field in self.fields]:
            raise TableError("the model was made for other fields than this program has: train it anew or use the version that made it")
        if not isinstance(labels, list) or len(labels) != 2 or not all(isinstance(count, int) for count in labels):
            raise TableError("the model does not say how many labels it has seen")
        self.table, self.labels = table, [int(count) for count in labels]

    def digest(self) -> str:
        """SHA-256 of the state, whatever form it is stored in."""
        used = np.flatnonzero(self.table.any(axis=1)).astype("<u4")
        state = hashlib.sha256(repr((self.fields, self.labels)).encode())
        state.update(used.tobytes())
        state.update(self.table[used].astype("<i4").tobytes())
        return state.hexdigest()


def _ratio(abusive: int, benign: int, prior: int) -> int:
    if abusive == 0 and benign == 0:
        return 0
    return min(max(fixed.ln_of(max(abusive, 0)) - fixed.ln_of(max(benign, 0)) - prior, -CLIP), CLIP)


def _ln_numpy(counts: Table) -> NDArray[np.int64]:
    counts, added = np.maximum(counts, 0).copy(), np.zeros(len(counts), np.int64)
    while (large := counts >= fixed.LN_SIZE).any():
        counts[large] >>= 1
        added[large] += fixed.LN2
    return fixed.ln_table()[counts] + added


def sums_numpy(table: Table, rows: Rows, prior: int) -> tuple[int, int]:
    """The twin of the compiled `sums`: the rows' weights together, and their clipped log ratios together."""
    cells = table[rows]
    seen = cells[(cells[:, ABUSIVE] != 0) | (cells[:, BENIGN] != 0)]
    ratios = np.clip(_ln_numpy(seen[:, ABUSIVE]) - _ln_numpy(seen[:, BENIGN]) - prior, -CLIP, CLIP)
    return int(cells[:, WEIGHT].sum(dtype=np.int64)), int(ratios.sum(dtype=np.int64))
