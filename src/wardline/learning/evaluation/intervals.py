"""Shares with their intervals, areas under curves, and thresholds at a fixed rate.

    Share.of_all(97, 100)          Share(share=0.97, low=0.9155, high=0.9897, hits=97, of=100)     Wilson, 95 %
    area([0.9, 0.8], [0.1])      1.0
    threshold(scores, 0.01)      the lowest score from which at most 1 % of the scores lie

Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22. The area is that of the rank sum (Mann and Whitney
1947), ties counted half.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

Z95 = 1.959963984540054


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
        if not of:
            return cls(None, 0.0, 1.0, 0, 0)
        share, square = hits / of, Z95 * Z95
        middle = (share + square / (2 * of)) / (1 + square / of)
        half = Z95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
        return cls(round(share, 5), round(max(middle - half, 0.0), 5), round(min(middle + half, 1.0), 5), hits, of)


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
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
