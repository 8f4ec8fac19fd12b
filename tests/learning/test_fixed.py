"""The tables are equal on every machine: no entry lies near a tie of the rounding."""

import math
from decimal import Decimal, localcontext

import pytest

from wardline.learning import fixed


def exact(value: Decimal) -> int:
    """Rounded, provided that no libm could have rounded it otherwise."""
    scaled = value * fixed.ONE
    nearest = scaled.to_integral_value()
    assert abs(abs(scaled - nearest) - Decimal("0.5")) > Decimal("1e-8")
    return int(nearest)


def test_logarithms() -> None:
    with localcontext() as context:
        context.prec = 30
        expected = [exact((Decimal(n) + Decimal("0.05")).ln()) for n in range(fixed.LN_SIZE)]
    assert fixed.ln_table().tolist() == expected


def test_logistic() -> None:
    with localcontext() as context:
        context.prec = 30
        for step in range(16 * 64 + 1):
            expected = int((fixed.ONE / (1 + (-Decimal(step) / 64).exp())).to_integral_value())
            if step:  # at 0 the value is one half exactly
                exact(1 / (1 + (-Decimal(step) / 64).exp()))
            assert fixed.logistic(step / 64) == expected
            assert fixed.logistic(-step / 64) == fixed.ONE - expected


@pytest.mark.parametrize("odds", [1e300, 17.0, math.inf])
def test_logistic_beyond_the_table(odds: float) -> None:
    assert fixed.logistic(odds) == fixed.logistic(16.0)
    assert fixed.logistic(-odds) == fixed.ONE - fixed.logistic(16.0)


def test_rates() -> None:
    for n, rate in enumerate(fixed.rate_table().tolist()):
        assert 0 <= (n + 1) ** -0.25 * fixed.ONE - rate < 1.001


@pytest.mark.parametrize("count", [1023, 1024, 5000, 1 << 20, (1 << 31) - 1])
def test_large_counts_are_close(count: int) -> None:
    assert fixed.ln_of(count) / fixed.ONE == pytest.approx(math.log(count + 0.05), abs=0.003)
