"""Named streams of chance, the same on every machine and every Python.

    r = stream(7, "person/12")
    exponential(r), normal(r), pick(r, ("a", "b")), Weighted({"web": 8, "app": 2}).draw(r)

Only `Random.random()` is used, whose values Python promises for a seed (documentation of `random`, "Notes on Reproducibility"), with texts as
seeds (SHA-512 underneath). Logarithms differ in the last bit between C libraries, so that exponential and normal draws come from tables
of rounded quantiles: everything after that is addition and multiplication, which IEEE 754 fixes.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import log
from random import Random
from statistics import NormalDist
from typing import Generic, TypeVar

T = TypeVar("T")
SIZE = 4096
EXPONENTIAL = tuple(round(-log(1 - (step + 0.5) / SIZE), 9) for step in range(SIZE))
NORMAL = tuple(round(NormalDist().inv_cdf((step + 0.5) / SIZE), 9) for step in range(SIZE))
# 2 ** (n / 64), for log-normal draws without the C library's exp.
_POWERS = tuple(round(2.0 ** (step / 64), 9) for step in range(-640, 641))


def stream(seed: int, name: str) -> Random:
    """The stream of that name."""
    return Random(f"{seed}/{name}")


def exponential(r: Random) -> float:
    """Mean 1, at most 9."""
    return EXPONENTIAL[int(r.random() * SIZE)]


def normal(r: Random) -> float:
    """Mean 0, deviation 1, within 3.7."""
    return NORMAL[int(r.random() * SIZE)]


def lognormal(r: Random, median: float, spread: float) -> float:
    """Median and spread (the deviation of the natural logarithm), cut to within a factor of 1,024 of the median."""
    step = round(normal(r) * spread * 92.332482616)  # 64 / ln 2
    factor: float = _POWERS[min(max(step + 640, 0), 1280)]
    return median * factor


def pick(r: Random, of: Sequence[T]) -> T:
    """One of them, all alike."""
    return of[int(r.random() * len(of))]


def between(r: Random, least: float, most: float) -> float:
    """Uniform."""
    return least + (most - least) * r.random()


def whole(r: Random, least: int, most: int) -> int:
    """Uniform over whole numbers, both ends included."""
    return least + int(r.random() * (most - least + 1))


def token(r: Random, digits: int = 16) -> str:
    """So many hexadecimal digits."""
    return f"{r.getrandbits(4 * digits):0{digits}x}"


class Weighted(Generic[T]):
    """Draws by weight."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self.values = tuple(weights)
        self._sums = tuple(accumulate(weights.values()))

    def draw(self, r: Random) -> T:
        """One value."""
        return self.values[min(bisect_right(self._sums, r.random() * self._sums[-1]), len(self.values) - 1)]
