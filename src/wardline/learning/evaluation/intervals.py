"""Shares with their intervals, areas under curves, and thresholds at a fixed rate.

    wilson(97, 100)                (0.91548…, 0.98974…)
    Share.of_all(97, 100)          Share(share=0.97, low=0.91548, high=0.98975, hits=97, of=100)     the same, rounded, for reports
    area([0.9, 0.8], [0.1])      1.0
    threshold(scores, 0.01)      the lowest score from which at most 1 % of the scores lie

Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22. The area is that of the rank sum (Mann and Whitney
1947), ties counted half.
"""

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

Z95 = 1.959963984540054


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) of none."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, Z95 * Z95
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(middle - half, 0.0), min(middle + half, 1.0)


class Share(msgspec.Struct, frozen=True):
    """hits of so many, with the 95 % interval of Wilson. share None: of none."""

    share: float | None
    low: float
    high: float
    hits: int
    of: int

    @classmethod
    def of_all(cls, hits: int, of: int) -> "Share":
        """The share. Raises ValueError for counts that cannot be."""
        if not 0 <= hits <= of:
            raise ValueError(f"{hits} of {of} is no share")
        low, high = wilson(hits, of)
        return cls(round(hits / of, 5) if of else None, round(low, 5), round(high, 5), hits, of)


def area(bad: Sequence[float], good: Sequence[float]) -> float | None:
    """The probability that a bad one scores above a good one; None where either is missing."""
    if not bad or not good:
        return None
    ordered = sorted(good)
    wins = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in bad)
    return wins / (2 * len(bad) * len(ordered))


def threshold(scores: Sequence[float], rate: float) -> float:
    """The lowest threshold t at which the share of scores >= t is at most `rate`; infinity where no score of theirs may be reached."""
    ordered = sorted(scores, reverse=True)
    allowed = int(rate * len(ordered) + 1e-9)
    if allowed >= len(ordered):
        return -math.inf
    # The first score that must stay below: everything equal to it stays below too.
    return math.nextafter(ordered[allowed], math.inf)


def median(values: Sequence[float]) -> float | None:
    """The middle value; None of none."""
    return statistics.median(values) if values else None
