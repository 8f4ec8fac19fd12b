"""A model's card: what it is, what it was made from, how it was judged, and whether it may serve. DATA/models/NAME/card.json.

card.name               "signup-2026-11-26"
card.figures.new        how detectors and model together did on rows that came after everything it learned from
card.refused            why it may not be promoted; empty when it may
"""

import msgspec

from wardline.learning.datasets.encoding import Encoding
from wardline.learning.evaluation.comparison import Figures


class ModelError(ValueError):
    """What cannot be done with models: what is wrong, what to do."""


class Line(msgspec.Struct, frozen=True):
    """slope * raw + shift, in log-odds."""

    slope: float
    shift: float

    def at(self, raw: float) -> float:
        """The value at a raw score."""
        return self.slope * raw + self.shift


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one stretch of time. first, last: when the first and the last happened, in UTC."""

    honest: int
    abusive: int
    first: str
    last: str


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What it was made from. origin: where the rows' values are from. decisions: all in that time, labelled or not. Each slice is later than the one before."""

    origin: str
    decisions: int
    trained: Slice
    calibrated: Slice
    held: Slice


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. files: SHA-256 of each by name. alone, beside: raw scores to the model's own log-odds, and to what it adds to the detectors', held between least and most. importance:
    share of the trees' gain by column. difference: the largest between ONNX and LightGBM on held rows, in log-odds. present: the model that served when
    it was judged, "" for the detectors alone."""

    name: str
    point: str
    made: str
    files: dict[str, str]
    encoding: Encoding
    alone: Line
    beside: Line
    least: float
    most: float
    parameters: dict[str, float]
    versions: dict[str, str]
    data: Data
    importance: dict[str, float]
    difference: float
    present: str
    figures: Figures
    refused: list[str] = []
