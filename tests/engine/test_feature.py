"""Values as numbers."""

import pytest

from wardline.engine.feature import Value, number


@pytest.mark.parametrize(("value", "counts"), [(3, 3.0), (-0.5, -0.5), (True, 1.0), (None, 0.0), ("3", 0.0), ([3], 0.0)])
def test_what_is_no_number_adds_nothing(value: Value, counts: float) -> None:
    assert number({"x": value}, "x") == counts
    assert number({}, "x") == 0.0
