"""cluster: the group and the member, both."""

import pytest

from wardline.domains.signup.detectors.cluster import Cluster
from wardline.engine.feature import Value

FARM: dict[str, Value] = {
    "graph.cluster_size": 31,
    "graph.cluster_day": 5,
    "graph.cluster_bits": 20.0,
    "graph.link_bits": 21.5,
    "graph.rare_shared": 2,
    "graph.very_rare_shared": 1,
    "graph.shared": ["device", "name_stem"],
}


def score(**changes: Value) -> float:
    return Cluster().judge({**FARM, **{f"graph.{name}": value for name, value in changes.items()}}).score or 0.0


def test_the_score_rises_with_the_group() -> None:
    scores = [score(cluster_size=size) for size in (3, 6, 12, 31, 200, 5000)]
    assert scores == sorted(scores) and scores[0] < 0.85 and scores[3] > 0.95 and scores[-1] < 1.0


@pytest.mark.parametrize(
    "changes", [{"rare_shared": 1, "very_rare_shared": 0}, {"cluster_size": 2}, {"cluster_size": 0}, {"cluster_size": None}]
)
def test_no_guilt_by_association(changes: dict[str, Value]) -> None:
    assert score(**changes) == 0.0


def test_labels_outcomes_and_a_clock_count_and_the_edge_counts_less() -> None:
    assert score(cluster_bad=20) > score() and score(cluster_bad=20, cluster_good=20) == score()
    assert score(cluster_failed=20) > score() == score(cluster_passed=20)
    assert score(gap_variation=0.05) > score(gap_variation=0.9)
    assert score(link_bits=12.5) < score()
    assert score(link_bits=12.5, cluster_size=200) < score(link_bits=12.5, cluster_size=12)
    assert "device and name stem" in Cluster().judge(FARM).reason
