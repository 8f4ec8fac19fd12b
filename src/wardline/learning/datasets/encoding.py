"""Values to numbers for a model, the same in training and in service.

    encoding = Encoding(numbers=("form_ms",), texts={"user_agent.os": ("Android", "", "Windows")})
    Encoder(encoding).row({"form_ms": 5300, "user_agent.os": "Windows"})     [5300.0, 2.0]

A text is the place of its value in a vocabulary that was chosen in training; "" there stands for every other value. Places are in the order of the
share of abuse in training, so that one threshold separates the worse from the better (W. Fisher, "On grouping for maximum homogeneity", JASA 53,
1958: for two classes that order holds a best split). Unknown is NaN, never zero. Numbers are those of 32 bits, as ONNX Runtime computes.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from wardline.engine.feature import Value, Values
from wardline.engine.model import NUMBER_LIMIT

VOCABULARY_LIMIT = 48
# A value that fewer rows have says more of those rows than of the value.
VALUE_ROWS = 20
# Rows of the average share that every value is given beside its own.
SMOOTHING_ROWS = 20.0
OTHER = ""
_NAN = float("nan")

Floats = np.ndarray


class Encoding(msgspec.Struct, frozen=True):
    """The columns of a model: its numbers, then its texts with their vocabularies."""

    numbers: tuple[str, ...]
    texts: dict[str, tuple[str, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in their order."""
        return (*self.numbers, *self.texts)


class Encoder:
    """An encoding made ready to encode."""

    def __init__(self, encoding: Encoding) -> None:
        self.numbers = encoding.numbers
        self.texts = [(name, places(vocabulary)) for name, vocabulary in encoding.texts.items()]

    def row(self, values: Values) -> list[float]:
        """One row of numbers, all within 32 bits or NaN; whatever the values are, it is made."""
        get = values.get
        found: list[float] = []
        for name in self.numbers:
            value = get(name)
            if (type(value) is float or type(value) is int or type(value) is bool) and -NUMBER_LIMIT < value < NUMBER_LIMIT:
                found.append(value)
            else:
                found.append(_NAN)
        for name, known in self.texts:
            value = get(name)
            found.append(known.get(value, known[OTHER]) if type(value) is str and value else _NAN)
        return found


def places(vocabulary: Sequence[str]) -> dict[str, float]:
    """A vocabulary's values with their numbers. Raises ValueError for one that has no place for others, or names a value twice."""
    found = {value: float(place) for place, value in enumerate(vocabulary)}
    if OTHER not in found or len(found) != len(vocabulary):
        raise ValueError('a vocabulary names every value once, and "" for all others')
    return found


def choose(values: Sequence[Value], abusive: Sequence[bool]) -> tuple[str, ...]:
    """The vocabulary for a text: its most frequent values, at most VOCABULARY_LIMIT, and "" for the others, in order of their share of abuse."""
    counts: dict[str, list[int]] = {}
    for value, bad in zip(values, abusive, strict=True):
        if isinstance(value, str) and value:
            count = counts.setdefault(value, [0, 0])
            count[0] += 1
            count[1] += bool(bad)
    frequent = sorted((value for value, count in counts.items() if count[0] >= VALUE_ROWS), key=lambda value: (-counts[value][0], value))
    kept = frequent[: VOCABULARY_LIMIT - 1]
    rest = [count for value, count in counts.items() if value not in set(kept)]
    counts[OTHER] = [sum(count[0] for count in rest), sum(count[1] for count in rest)]
    average = sum(map(bool, abusive)) / max(len(abusive), 1)

    def share(value: str) -> float:
        of, bad = counts[value]
        return (bad + SMOOTHING_ROWS * average) / (of + SMOOTHING_ROWS)

    return tuple(sorted([*kept, OTHER], key=lambda value: (share(value), value)))


def matrix(encoding: Encoding, columns: Mapping[str, Sequence[Value] | Floats], rows: int) -> Floats:
    """Columns of values as a matrix of 32-bit floats, equal to `row` for every row. A column that is missing is unknown throughout; of numbers it may
    be an array of 64-bit floats, NaN for unknown."""
    found = np.full((rows, len(encoding.names)), np.nan, np.float32)
    encoder = Encoder(encoding)
    for place, name in enumerate(encoding.numbers):
        if name in columns:
            numbers = np.array(columns[name], np.float64)  # a copy; None becomes NaN
            numbers[~(np.abs(numbers) < NUMBER_LIMIT)] = np.nan
            found[:, place] = numbers
    for place, (name, known) in enumerate(encoder.texts, len(encoding.numbers)):
        if name in columns:
            found[:, place] = [known.get(value, known[OTHER]) if isinstance(value, str) and value else np.nan for value in columns[name]]
    return found


def narrow(row: Sequence[float]) -> list[float]:
    """A row as 32 bits hold it, which is what a model compares."""
    return [float(value) for value in np.array(row, np.float32)]
