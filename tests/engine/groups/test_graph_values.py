"""Values of the graph: the gaps between times, the averages of neighbours, what is unknown."""

import pytest

from wardline.engine.groups.clusters import Cluster
from wardline.engine.groups.graph_values import GIVES, NOTHING, Account, gap_variation, values_of


def test_a_clock_has_no_variation_and_strangers_have_about_one() -> None:
    assert gap_variation([0, 10, 20, 30, 40, 50]) == 0.0
    assert gap_variation([0, 1, 50, 52, 200, 201, 400]) == pytest.approx(1.1, abs=0.3)
    assert gap_variation([1, 2, 3]) is None
    assert gap_variation([5] * 9) == 0.0


def test_values_are_those_that_are_declared() -> None:
    one = Account.of("account:a", 5, (1,), {"form_ms": 900.5, "name.length": 7})
    other = Account("account:b", 6, (), None, None, 3)
    found = values_of(Cluster(2, [1, 2], [5, 6], 5, 6, 14.0), one, [one, other], {"device": 14.0, "ip": 6.0}, 20.0, 7)
    assert set(found) == set(GIVES) and set(NOTHING) <= set(GIVES)
    assert found["graph.near_form_ms"] == 900 and found["graph.near_name_digits"] == 3
    assert (found["graph.rare_shared"], found["graph.very_rare_shared"], found["graph.cluster_hour"]) == (2, 1, 2)
    assert values_of(None, other, [other], {}, 13.0, 7)["graph.near_form_ms"] is None
