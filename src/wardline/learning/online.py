"""Linear models and a naive Bayes model over the same hashed n-grams, learned one label at a time, in whole numbers.

    model = OnlineModel((Field("head"), Field("visible")))
    rows = model.rows({"head": b"Subject: cheap pills", "visible": b"order now"})
    model.log_odds(rows)                           0.0: it knows nothing yet
    change = model.propose(rows, abusive=True)     what a label would change; None when the model is sure of it already
    model.add(change); model.subtract(change)      exact twins, in any order and at any distance

With n rows in a field, W and O the sums of their weights and own weights, and B the sum of ln P(row | abusive) - ln P(row | benign) of the
rows that were counted, each clipped to ±7:

    whole = sum over fields of (W + SHARE * B) / sqrt(n)        its weights learn what the whole got wrong
    own   = (O + SHARE * B) / sqrt(n), for each field           its weights learn what this field alone got wrong
    score = whole + OWN_SHARE * (sum of own)

A part that is wrong by more than MARGIN (|y - 1/(1+exp(-z))|) moves every one of its weights in the message by STEP * (y - p) / sqrt(n) *
(times it was moved before + 1)^-1/4. A message is counted when the whole is wrong by more than COUNT_MARGIN or a field of its own by
more than MARGIN. The whole makes the fewest mistakes where labels come at once; fields that stand for themselves hold where they do not.

Logistic regression trained near the error: Goodman and Yih, "Online discriminative spam filter training", CEAS 2006. Falling rates per weight:
Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 2011. Each choice has its figures in docs/experiments/.

Bound. Fields own disjoint parts of the table and rows are sets, so by Cauchy-Schwarz a linear change with the reaches b_1..b_k (step times
sqrt(n)) moves the score of no message by more than b_1 + ... + b_k (`bound_log_odds`). `ceiling_log_odds` scales a change down to that.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wardline.learning import fixed
from wardline.learning.change import Ages, Change
from wardline.learning.ngrams import Rows, grams
from wardline.learning.tables import COLUMNS, TableError, pack, unpack

try:
    from wardline.learning import _ngrams as _native
except ImportError:
    _native = None  # type: ignore[assignment]

UNIT = 1 << 22  # one log-odds in the units of a weight: a weight holds ±512
STEP = 5.0
MARGIN = fixed.ONE // 10
COUNT_MARGIN = fixed.ONE // 32
SHARE = 0.045  # of the naive Bayes sum: its n-grams overlap, so their evidence is far from independent
CLIP = 7 * fixed.ONE
QUORUM = 10  # labels of each class before the counts have a say
BALANCE_LIMIT = 4.0  # between kinds of labels: the rarer weighs no more than so many times the even weight
OWN_SHARE = 0.3
WEIGHT, OWN, UPDATES, OWN_UPDATES, ABUSIVE, BENIGN = range(COLUMNS)

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


def class_balance(labels: Sequence[int], abusive: bool) -> float:
    """How much a label of this kind weighs so that both kinds weigh alike, after `labels` (benign, abusive): 1/4 to 4; 1.0 before the first.

    Without it the n-grams that all mail has in common take on the odds of the mail that happened to be labelled, and carry them elsewhere.
    """
    mine, both = max(labels[abusive], 0) + 2, max(labels[0], 0) + max(labels[1], 0) + 4
    return min(max(both / (2 * mine), 1 / BALANCE_LIMIT), BALANCE_LIMIT)


class OnlineModel:
    """The pair of models. Rows are as `rows` makes them: per field, distinct, ascending. Memory: 24 bytes for each row of the table."""

    def __init__(self, fields: Sequence[Field], *, step: float = STEP, share: float = SHARE, own_share: float = OWN_SHARE) -> None:
        self.fields, self.bases = self.layout(fields)
        self.step = step
        self.share = share
        self.own_share = own_share if len(self.fields) > 1 else 0.0  # a single field is the whole
        self.labels = [0, 0]  # counted messages: benign, abusive
        self.table: Table = np.zeros((self.bases[-1], COLUMNS), np.int32)
        self._blank = True  # nothing was ever added: every sum is zero, and the table's pages need not even be there

    @staticmethod
    def layout(fields: Sequence[Field]) -> Layout:
        """Where the fields' rows lie in the table; to make rows without a model."""
        return Layout(tuple(fields), tuple(int(base) for base in np.cumsum([0, *(1 << field.bits for field in fields)])))

    def rows(self, texts: Mapping[str, bytes]) -> tuple[Rows, ...]:
        """The rows of a message for this model."""
        return Layout(self.fields, self.bases).rows(texts)

    def log_odds(self, rows: Sequence[Rows]) -> float:
        """ln(P(abusive) / P(benign)) as the models see it; 0.0 for a message without rows. IndexError for rows of another model."""
        whole, own = self.parts(rows)
        return whole + self.own_share * sum(own)

    def parts(self, rows: Sequence[Rows]) -> tuple[float, list[float]]:
        """The whole's answer, and each field's own."""
        if self._blank:
            # Rows ascend: the last is the largest. Asked of numpy it would cost more than all sums of a small message.
            if any(len(field_rows) and int(field_rows[-1]) >= len(self.table) for field_rows in rows):
                raise IndexError("the rows belong to another model: one lies outside the table")
            return 0.0, [0.0] * len(rows)
        prior, counted = self._prior()
        whole, own = 0.0, []
        for field_rows in rows:
            if len(field_rows) == 0:
                own.append(0.0)
                continue
            weights, own_weights, ratios = self._sums(field_rows, prior)
            root = math.sqrt(len(field_rows))
            counts = self.share * (ratios / fixed.ONE) if counted else 0.0
            whole += (weights / UNIT + counts) / root
            own.append((own_weights / UNIT + counts) / root)
        return whole, own

    def propose(
        self,
        rows: Sequence[Rows],
        abusive: bool,
        *,
        weight: float = 1.0,
        counts: bool = True,
        ceiling_log_odds: float | None = None,
        offset: float = 0.0,
        own_weight: float = 1.0,
    ) -> Change | None:
        """What one label would change; nothing is applied. `weight` scales it (a doubtful label: below 1), `counts`: whether the counts
        may take part (they are not bounded), `ceiling_log_odds`: the most that the change may move any score, `offset`: what else was
        added to the score, `own_weight`: scales once more what the fields' own weights learn (see `class_balance`). None when the model is right already, or when nothing is left under the ceiling.
        """
        whole, own = self.parts(rows)
        truth = fixed.ONE if abusive else 0
        error = abs(truth - fixed.logistic(whole + offset))
        own_errors = [
            abs(truth - fixed.logistic(part + offset)) if len(field_rows) and self.own_share else 0
            for part, field_rows in zip(own, rows, strict=True)
        ]
        counts = counts and (error > COUNT_MARGIN or max(own_errors, default=0) > MARGIN or min(self.labels) < QUORUM)
        scale = self.step * min(max(weight, 0.0), 1.0) / fixed.ONE
        reaches = [scale * error if error > MARGIN and len(field_rows) else 0.0 for field_rows in rows]
        own_reaches = [scale * own_weight * own_error if own_error > MARGIN else 0.0 for own_error in own_errors]
        bound = sum(reaches) + self.own_share * sum(own_reaches)
        shrink = 1.0 if ceiling_log_odds is None or bound <= ceiling_log_odds else max(ceiling_log_odds, 0.0) / bound
        steps = _steps(reaches, rows, shrink)
        own_steps = _steps(own_reaches, rows, shrink)
        if not counts and not any(steps) and not any(own_steps):
            return None
        ages, own_ages = self._ages(rows, UPDATES), self._ages(rows, OWN_UPDATES)
        return Change(abusive=abusive, counted=counts, rows=tuple(rows), steps=steps, own_steps=own_steps, ages=ages, own_ages=own_ages)

    def bound_log_odds(self, change: Change) -> float:
        """The most that the linear part of a change can move the score of any message."""
        roots = [math.sqrt(len(rows)) / UNIT for rows in change.rows]
        own = sum(step * root for step, root in zip(change.own_steps, roots, strict=True))
        return sum(step * root for step, root in zip(change.steps, roots, strict=True)) + self.own_share * own

    def _ages(self, rows: Sequence[Rows], column: int) -> tuple[Ages, ...]:
        return tuple(self.table[field_rows, column].clip(0, 255).astype(np.uint8) for field_rows in rows)

    def add(self, change: Change) -> None:
        """Apply a change. IndexError when it was made for another model; then nothing is applied."""
        self._apply(change, 1)

    def subtract(self, change: Change) -> None:
        """Take a change back, to the last unit."""
        self._apply(change, -1)

    def _apply(self, change: Change, sign: int) -> None:
        if len(change.rows) != len(self.fields) or any(len(rows) and int(rows.max()) >= len(self.table) for rows in change.rows):
            raise IndexError("the change belongs to another model: a row lies outside the table")
        self._blank = False
        way = sign if change.abusive else -sign
        parts = ((WEIGHT, UPDATES, change.steps, change.ages), (OWN, OWN_UPDATES, change.own_steps, change.own_ages))
        for column, updates, steps, ages in parts:
            for rows, step, age in zip(change.rows, steps, ages, strict=True):
                if step:
                    # Modulo 2^32, so that adding and subtracting commute whatever happens.
                    self.table[rows, column] += (way * ((step * fixed.rate_table()[age]) >> 16)).astype(np.int32)
                    self.table[rows, updates] += np.int32(sign)
        if change.counted:
            for rows in change.rows:
                self.table[rows, ABUSIVE if change.abusive else BENIGN] += np.int32(sign)
            self.labels[change.abusive] += sign

    def weigh(self, rows: Rows, count: int) -> NDArray[np.float64]:
        """What each row of a field with `count` distinct rows adds to the score, in log-odds. For explanations, not for scoring."""
        prior, counted = self._prior()
        cells = self.table[rows]
        share = np.zeros(len(rows))
        if counted:
            share = np.array([_ratio(int(a), int(b), prior) for a, b in cells[:, (ABUSIVE, BENIGN)]]) * (self.share / fixed.ONE)
        linear = (cells[:, WEIGHT] + self.own_share * cells[:, OWN]) / UNIT
        result: NDArray[np.float64] = (linear + (1.0 + self.own_share) * share) / math.sqrt(max(count, 1))
        return result

    def _prior(self) -> tuple[int, bool]:
        benign, abusive = max(self.labels[0], 0), max(self.labels[1], 0)
        return fixed.ln_of(abusive) - fixed.ln_of(benign), min(benign, abusive) >= QUORUM

    def _sums(self, rows: Rows, prior: int) -> tuple[int, int, int]:
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
        self._blank = False
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


def _steps(reaches: Sequence[float], rows: Sequence[Rows], shrink: float) -> tuple[int, ...]:
    """How far one weight moves in each field, so that the field as a whole reaches that far; rounded down."""
    return tuple(
        math.floor(reach * shrink / math.sqrt(len(field)) * UNIT) if len(field) else 0 for reach, field in zip(reaches, rows, strict=True)
    )


def sums_numpy(table: Table, rows: Rows, prior: int) -> tuple[int, int, int]:
    """The twin of the compiled `sums`: the rows' weights, own weights and clipped log ratios, each added up."""
    cells = table[rows]
    seen = cells[(cells[:, ABUSIVE] != 0) | (cells[:, BENIGN] != 0)]
    ratios = np.clip(_ln_numpy(seen[:, ABUSIVE]) - _ln_numpy(seen[:, BENIGN]) - prior, -CLIP, CLIP)
    linear = cells[:, (WEIGHT, OWN)].sum(axis=0, dtype=np.int64)
    return int(linear[0]), int(linear[1]), int(ratios.sum(dtype=np.int64))
