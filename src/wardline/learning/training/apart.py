"""Training in a process of its own: decisions do not wait for it, and LightGBM's threads and memory go with it.

    echo '{"point": "signup", "folder": "…", "recipe": {…}, …}' | python -m wardline.learning.training.apart

Reads rows.arrow of the folder (`datasets.rows`), leaves model.onnx and trees.json there, and prints the card as JSON. At low priority. In order of time, the
first SHARES of the rows are learned from, the next calibrate, the last judge; nothing that judges was seen before. shuffled: the labels are dealt out
anew first, as a negative control.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from wardline.base.version import __version__
from wardline.engine.model import Recipe
from wardline.learning.datasets import encoding as encode
from wardline.learning.datasets.encoding import Encoding
from wardline.learning.datasets.rows import ORIGIN
from wardline.learning.evaluation.comparison import Scores, compare, refusals
from wardline.learning.registry.card import Card, Data, Line, ModelError, Slice
from wardline.learning.registry.served import Served
from wardline.learning.registry.store import ONNX, TREES
from wardline.learning.training import conversion, platt, trees
from wardline.learning.training.ensemble import from_lightgbm

NICE = 10
SHARES = (0.6, 0.2)
LEAST_ABUSIVE = 10
LEAST_HONEST = 10
ROWS, PRESENT = "rows.arrow", "present.onnx"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be trained. decisions: all of that time, labelled or not. acts_from: log-odds from which the policy asks for something. present: the card of the model that serves now, whose file lies in the folder too."""

    name: str
    point: str
    made: str
    folder: str
    recipe: Recipe
    decisions: int
    acts_from: float | None = None
    present: Card | None = None
    shuffled: bool = False


def read_rows(folder: Path) -> pa.Table:
    """The rows that are waiting in a folder."""
    with pa.OSFile(str(folder / ROWS)) as file:
        return pa.ipc.open_file(file).read_all()


def write_rows(folder: Path, table: pa.Table) -> None:
    """Leave rows in a folder."""
    with pa.OSFile(str(folder / ROWS), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


class _Rows:
    """The table as arrays."""

    def __init__(self, table: pa.Table, order: Order) -> None:
        self.table = table
        self.count = len(table)
        self.abusive = np.array(table["_abusive"].to_pylist(), bool)
        self.shipped = table["_shipped"].to_numpy().astype(np.float64)
        self.at_us = table["_occurred_us"].to_numpy()
        if order.shuffled:
            self.abusive = np.random.default_rng(trees.SEED).permutation(self.abusive)
        first = int(self.count * SHARES[0])
        second = int(self.count * (SHARES[0] + SHARES[1]))
        self.parts = {"trained": slice(0, first), "calibrated": slice(first, second), "held": slice(second, self.count)}
        for what, part in self.parts.items():
            bad = int(np.sum(self.abusive[part]))
            good = len(self.abusive[part]) - bad
            if bad < LEAST_ABUSIVE or good < LEAST_HONEST:
                raise ModelError(
                    f"too few labels: of {self.count} labelled decisions in order of time, those that are {what} hold {good} honest and {bad} abusive "
                    f"ones; at least {LEAST_HONEST} and {LEAST_ABUSIVE} are needed in each of three stretches: add labels, or take more days"
                )

    def slice(self, what: str) -> Slice:
        part = self.parts[what]
        bad = int(np.sum(self.abusive[part]))
        times = self.at_us[part]
        return Slice(honest=len(times) - bad, abusive=bad, first=_iso(int(times[0])), last=_iso(int(times[-1])))

    def encoding(self, recipe: Recipe) -> Encoding:
        """What the rows that are learned from know: columns that are unknown in all of them teach nothing."""
        part = self.parts["trained"]
        head = self.table.slice(part.start, part.stop - part.start)
        seen = [name for name in (*recipe.numbers, *recipe.texts) if head[name].null_count < len(head)]
        abusive = self.abusive[part].tolist()
        return Encoding(
            numbers=tuple(name for name in recipe.numbers if name in seen),
            texts={name: encode.choose(head[name].to_pylist(), abusive) for name in recipe.texts if name in seen},
        )

    def matrix(self, encoding: Encoding) -> np.ndarray:
        there = set(self.table.schema.names)
        # Numbers as arrays: as objects those of 400,000 rows would take a gigabyte.
        numbers = {name: self.table[name].to_numpy() for name in encoding.numbers if name in there}
        texts = {name: self.table[name].to_pylist() for name in encoding.texts if name in there}
        return encode.matrix(encoding, {**numbers, **texts}, self.count)

    def unseen(self, groups: tuple[str, ...]) -> np.ndarray:
        """For each held row whether it shares nothing with an abusive row that was learned from or calibrated with."""
        held, before = self.parts["held"], self.parts["held"].start
        found = np.ones(held.stop - held.start, bool)
        for name in groups:
            values = self.table[name].to_pylist()
            bad = {value for value, abusive in zip(values[:before], self.abusive[:before], strict=True) if abusive and value is not None}
            found &= np.array([value not in bad for value in values[held]])
        return found


def train(order: Order) -> Card:
    """Train, calibrate, convert, judge. Leaves the model's files in the folder. Raises ModelError, ConversionError, ImportError."""
    folder = Path(order.folder)
    rows = _Rows(read_rows(folder), order)
    encoding = rows.encoding(order.recipe)
    if not encoding.names:
        raise ModelError("none of the recipe's values is known in these decisions: there is nothing to learn from")
    matrix = rows.matrix(encoding)
    learned, calibrated, held = rows.parts["trained"], rows.parts["calibrated"], rows.parts["held"]
    booster = trees.train(matrix[learned], rows.abusive[learned])
    raw = trees.native(booster, matrix)
    weight = _honest_weight(order, rows)
    alone = platt.fit(raw[calibrated], rows.abusive[calibrated], weight=weight)
    beside = platt.fit(raw[calibrated], rows.abusive[calibrated], beside=rows.shipped[calibrated], weight=weight)
    ensemble = from_lightgbm(booster.dump_model())
    onnx = conversion.to_onnx(ensemble)
    difference = conversion.largest(onnx, matrix[held], raw[held])
    (folder / ONNX).write_bytes(onnx)
    (folder / TREES).write_bytes(msgspec.json.encode(ensemble))
    least, most = order.recipe.least, order.recipe.most
    added = _held(beside[0] * raw + beside[1], least, most)
    figures = compare(
        Scores(
            ids=rows.table["_id"].to_pylist()[held],
            abusive=rows.abusive[held],
            unseen=rows.unseen(order.recipe.groups),
            detectors=rows.shipped[held],
            present=(rows.shipped + _present(order, rows))[held],
            alone=alone[0] * raw[held] + alone[1],
            new=(rows.shipped + added)[held],
            weight=weight,
            acts_from=order.acts_from,
        )
    )
    return Card(
        name=order.name,
        point=order.point,
        made=order.made,
        files={},
        encoding=encoding,
        alone=Line(*alone),
        beside=Line(*beside),
        least=least,
        most=most,
        parameters={name: float(value) for name, value in trees.PARAMETERS.items() if not isinstance(value, str)}
        | {"trees": float(trees.TREES), "min_data_in_leaf": float(trees.leaf_rows(learned.stop)), "honest_weight": round(weight, 4)},
        versions={"wardline": __version__, **_versions()},
        data=Data(
            origin=ORIGIN,
            decisions=order.decisions,
            trained=rows.slice("trained"),
            calibrated=rows.slice("calibrated"),
            held=rows.slice("held"),
        ),
        importance=_importance(booster, encoding),
        difference=difference,
        present=order.present.name if order.present else "",
        figures=figures,
        refused=["its labels were shuffled: it is a negative control"] if order.shuffled else refusals(figures),
    )


def _honest_weight(order: Order, rows: _Rows) -> float:
    """How many decisions an honest label stands for when probabilities are set.

    Labels are given where something is suspected: an honest one stands for all decisions that nobody called abusive. And in a time of attacks most
    decisions are abusive, which says nothing of the next month: abuse is never taken to be more frequent than the recipe's prior.
    """
    bad = int(np.sum(rows.abusive))
    good = rows.count - bad
    at_least = bad * (1.0 - order.recipe.prior) / order.recipe.prior / good
    return max((order.decisions - bad) / good, at_least, 1.0)


def _present(order: Order, rows: _Rows) -> np.ndarray:
    """What the model that serves now would add to every row."""
    if order.present is None:
        return np.zeros(rows.count)
    model = Served(order.present, (Path(order.folder) / PRESENT).read_bytes(), lambda point: None)
    line = order.present.beside
    raw = model.raw(rows.matrix(order.present.encoding))
    return _held(line.slope * raw + line.shift, order.present.least, order.present.most)


def _held(log_odds: np.ndarray, least: float, most: float) -> np.ndarray:
    """What `engine.model.held` does, for many."""
    bound = np.where(log_odds > 0, most, -least)
    return np.asarray(bound * np.tanh(log_odds / bound))


def _importance(booster: Any, encoding: Encoding) -> dict[str, float]:
    gains = booster.feature_importance("gain")
    total = float(gains.sum()) or 1.0
    ranked = sorted(zip(encoding.names, gains.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return {name: round(gain / total, 4) for name, gain in ranked if gain > 0}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("lightgbm", "onnx", "onnxruntime", "numpy")}


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> int:
    """The process."""
    os.nice(NICE)
    try:
        sys.stdout.buffer.write(msgspec.json.encode(train(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))))
    except ImportError as error:
        sys.stderr.write(f"training needs LightGBM, ONNX and ONNX Runtime ({error.name or error}): install wardline[train]\n")
        return 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
