"""Logarithm, logistic function and falling rates in whole numbers, equal on every machine.

    ln_table()[2]        ln(2 + 1/20) in units of 2^-16
    logistic(2.0)        57724: 1 / (1 + exp(-2)) in units of 2^-16
    rate_table()[15]     32768: 16 ** -0.25 in units of 2^-16

The C library's exp and log differ in the last bit between systems, and a model that learns from its own scores would drift apart by them.
The tables here are rounded to 2^-16, and a test shows that none of their entries lies so near to a half that the last bit could turn it.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

ONE = 1 << 16
# What is added to a count before its logarithm is taken: an n-gram never seen in a class is not impossible there.
ALPHA = 0.05
LN_SIZE = 1024
LN2 = 45426  # ln 2 in units of 2^-16
RATES = 256
_LOGISTIC_STEPS = 64  # per unit of log-odds
_LOGISTIC_LIMIT = 16


@functools.cache
def ln_table() -> NDArray[np.int32]:
    """ln(n + ALPHA) for n in 0..LN_SIZE-1, in units of 2^-16. Larger counts are halved until they fit, and LN2 is added for every halving."""
    table = np.array([round(math.log(n + ALPHA) * ONE) for n in range(LN_SIZE)], np.int32)
    table.flags.writeable = False
    return table


def ln_of(count: int) -> int:
    """ln(count + ALPHA) in units of 2^-16, for any count from 0."""
    added = 0
    while count >= LN_SIZE:
        count >>= 1
        added += LN2
    return int(ln_table()[count]) + added


@functools.cache
def rate_table() -> NDArray[np.int64]:
    """(n + 1) ** -0.25 for n in 0..RATES-1, in units of 2^-16, rounded down: how much a weight moves that was moved n times before."""
    table = np.array([math.isqrt(math.isqrt((ONE**4 << 64) // (n + 1)) << 32) >> 32 for n in range(RATES)], np.int64)
    table.flags.writeable = False
    return table


@functools.cache
def _logistic_table() -> tuple[int, ...]:
    steps = range(_LOGISTIC_LIMIT * _LOGISTIC_STEPS + 1)
    return tuple(round(ONE / (1.0 + math.exp(-step / _LOGISTIC_STEPS))) for step in steps)


def logistic(log_odds: float) -> int:
    """1 / (1 + exp(-log_odds)) in units of 2^-16; log-odds beyond ±16 count as 16, and are rounded to 1/64."""
    step = math.floor(min(abs(log_odds), float(_LOGISTIC_LIMIT)) * _LOGISTIC_STEPS + 0.5)
    value = _logistic_table()[step]
    return value if log_odds >= 0 else ONE - value
