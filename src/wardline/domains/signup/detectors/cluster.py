"""cluster: the account would join a group of accounts that share rare things, and shares them itself.

    {"graph.cluster_size": 31, "graph.rare_shared": 2, "graph.link_bits": 21.5, …}      ->  Signal(0.96, "The account shares device and name stem with …")

Two conditions, and both are needed. The group: how large it is, how fast it grows, how evenly, how its members ended. The member: it shares two rare things with a member,
or one that is very rare. So nobody is judged for an address, a surname or a browser alone, and a group that somebody wanders into by one chance does
not pull him in. What labels say of the members counts by their share, and never alone.
"""

import math
from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values, number
from wardline.engine.signal import SILENT, Signal, probability

SIZE_FROM = 3
CEILING = 6.0
CHANCES = 0.75


class Cluster(Detector[Any]):
    """A group behind rare keys, and the member's own part in it."""

    name = "signup.cluster"
    reads = (
        "graph.cluster_size",
        "graph.cluster_day",
        "graph.cluster_bits",
        "graph.cluster_bad",
        "graph.cluster_good",
        "graph.cluster_failed",
        "graph.cluster_passed",
        "graph.gap_variation",
        "graph.link_bits",
        "graph.rare_shared",
        "graph.very_rare_shared",
        "graph.shared",
    )
    cost_us = 3.0

    def judge(self, values: Values) -> Signal:
        """Silent for small groups, and for whoever shares too little with a large one."""
        size = _number(values, "graph.cluster_size")
        if size < SIZE_FROM:
            return SILENT
        rare, very_rare = _number(values, "graph.rare_shared"), _number(values, "graph.very_rare_shared")
        if rare < 2 and very_rare < 1:
            return Signal(None, "The account shares too little with a group of accounts to be judged by it.")
        weight = 1.1 * math.log2(size / SIZE_FROM + 0.5)
        weight += 0.3 * min(_number(values, "graph.cluster_day"), 5.0) / 5.0
        weight += 0.5 * (rare - 2) + (0.5 if very_rare else 0.0)
        variation = values.get("graph.gap_variation")
        if isinstance(variation, int | float) and variation < 0.25:
            weight += 0.8
        bad, good = _number(values, "graph.cluster_bad"), _number(values, "graph.cluster_good")
        weight += 3.0 * max(bad - good, 0.0) / (size + 2.0)
        failed, passed = _number(values, "graph.cluster_failed"), _number(values, "graph.cluster_passed")
        weight += 1.0 * max(failed - passed, 0.0) / (failed + passed + 2.0)
        # Who is nearer to the group's edge than its members are to each other is less of a member. The more members, the more chances to be like one.
        nearness = (_number(values, "graph.link_bits") - CHANCES * math.log2(size)) / max(_number(values, "graph.cluster_bits"), 1.0)
        weight *= min(max((nearness - 0.25) / 0.6, 0.0), 1.0)
        shared = values.get("graph.shared")
        what = " and ".join(str(name).replace("_", " ") for name in shared[:3]) if isinstance(shared, list) else "rare things"
        return Signal(
            probability(min(max(weight, 0.0), CEILING)),
            f"The account shares {what} with a group of {int(size)} accounts.",
            {"size": int(size)},
        )


def _number(values: Values, name: str) -> float:
    return max(number(values, name), 0.0)
