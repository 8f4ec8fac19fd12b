"""What the graph of accounts says of one account, as named values; and its neighbours, as people are shown them.

    values_of(cluster, account, near, {"device": 14.0, "ip": 6.0}, 20.0, at_us)     {"graph.cluster_size": 14, "graph.rare_shared": 2, …}

The averages are over the accounts that an account is linked to, for the models that learn from labels. None is unknown.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import msgspec

from wardline.engine.feature import Value, Values
from wardline.engine.groups.clusters import DAY_US, HOUR_US, Cluster

RARE_BITS = 6.0
VERY_RARE_BITS = 11.0
NEAR_LIMIT = 8

GIVES: dict[str, str] = {
    "graph.cluster_size": "number",
    "graph.cluster_hour": "number",
    "graph.cluster_day": "number",
    "graph.cluster_bits": "number",
    "graph.cluster_elsewhere": "number",
    "graph.cluster_bad": "number",
    "graph.cluster_good": "number",
    "graph.cluster_failed": "number",
    "graph.cluster_passed": "number",
    "graph.gap_variation": "number",
    "graph.link_bits": "number",
    "graph.rare_shared": "number",
    "graph.very_rare_shared": "number",
    "graph.shared": "list",
    "graph.near_form_ms": "number",
    "graph.near_name_length": "number",
    "graph.near_name_digits": "number",
}
NOTHING: dict[str, Value] = {"graph.cluster_size": 0, "graph.rare_shared": 0, "graph.very_rare_shared": 0}


class Account(msgspec.Struct, array_like=True, gc=False):
    """An account as the graph keeps it. born_us: event time of its sign-up; the rest is None where it was unknown."""

    name: str
    born_us: int
    keys: tuple[int, ...]
    form_ms: int | None = None
    name_length: int | None = None
    name_digits: int | None = None

    @classmethod
    def of(cls, name: str, born_us: int, keys: tuple[int, ...], facts: Values) -> "Account":
        """From the facts of its sign-up."""
        return cls(name, born_us, keys, _whole(facts.get("form_ms")), _whole(facts.get("name.length")), _whole(facts.get("name.digits")))


class Shared(msgspec.Struct, frozen=True):
    """A key that two accounts share: its kind, its rarity in bits, how many accounts had it."""

    what: str
    bits: float
    accounts: int


class Neighbour(msgspec.Struct, frozen=True):
    """An account near another one."""

    account: str
    bits: float
    same_cluster: bool
    shared: list[Shared]


def values_of(
    cluster: Cluster | None,
    best: Account,
    near: Sequence[Account],
    shared: Mapping[str, float],
    bits: float,
    at_us: int,
    elsewhere: float = 0.0,
) -> dict[str, Value]:
    """The values. best: the account that this one is linked to most; cluster: best's, None when it stands alone so far."""
    cluster = cluster or Cluster(1, [], [best.born_us], best.born_us, best.born_us)
    near = near[:NEAR_LIMIT]
    return {
        "graph.cluster_size": cluster.size,
        "graph.cluster_hour": cluster.within(at_us, HOUR_US),
        "graph.cluster_day": cluster.within(at_us, DAY_US),
        "graph.cluster_bits": round(cluster.bits / max(cluster.size - 1, 1), 2),
        "graph.cluster_elsewhere": round(elsewhere, 2),
        "graph.cluster_bad": cluster.bad,
        "graph.cluster_good": cluster.good,
        "graph.cluster_failed": cluster.failed,
        "graph.cluster_passed": cluster.passed,
        "graph.gap_variation": gap_variation([*cluster.times, at_us]),
        "graph.link_bits": bits,
        "graph.rare_shared": sum([worth >= RARE_BITS for worth in shared.values()]),
        "graph.very_rare_shared": sum([worth >= VERY_RARE_BITS for worth in shared.values()]),
        "graph.shared": list(shared),
        "graph.near_form_ms": _mean([account.form_ms for account in near]),
        "graph.near_name_length": _mean([account.name_length for account in near]),
        "graph.near_name_digits": _mean([account.name_digits for account in near]),
    }


def gap_variation(times: Sequence[int]) -> float | None:
    """Standard deviation over mean of the gaps between times: about 1 for strangers who come as they like (Poisson), near 0 for a clock. None below
    five gaps. Exact arithmetic up to one square root, which IEEE 754 rounds alike everywhere."""
    if len(times) < 6:
        return None
    ordered = sorted(times)
    gaps = [later - earlier for earlier, later in itertools.pairwise(ordered)]
    total = sum(gaps)
    if not total:
        return 0.0
    squares = sum([gap * gap for gap in gaps])
    return math.sqrt(max(squares * len(gaps) / (total * total) - 1.0, 0.0))


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _whole(value: Value) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
