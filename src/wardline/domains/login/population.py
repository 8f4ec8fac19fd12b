"""What logins of this site look like as a whole: how often each value occurs, and how risky ordinary logins look here. Bounded.

    population.add([key, …])          values of a successful login, each at most once a day and account
    population.count(key)             logins that had it, over two generations
    population.settle(risk, known=41) a login that ended well had this risk, in nats; its account had so many logins before
    population.upper(0.01, known=41)  the risk that one in a hundred of those with such a history reaches; None before there are enough

Counts are kept in two generations: when the younger is full it becomes the elder and the eldest is dropped, so that the work is even and
old times fade. Risks are kept apart by the length of the account's history (HISTORIES), since a short one is unsure both ways and would
use up what is meant for all; a class with too few logins is judged by all of them. A value that is in neither has no count, which the likelihood takes for "rare" and not for "impossible".
"""

from bisect import bisect_right

import msgspec

GENERATION_KEYS = 150_000
HISTOGRAM_LOW, HISTOGRAM_STEP, BINS = -30.0, 0.1, 600
HISTOGRAM_HALVE_AT = 10_000
ENOUGH = 400
# The least number of past logins of each class of history.
HISTORIES = (0, 3, 6, 12)


def history_class(known: int) -> int:
    """The place in HISTORIES of an account with so many past logins."""
    return bisect_right(HISTORIES, known) - 1


class _Kept(msgspec.Struct, array_like=True):
    young: list[tuple[int, int]]
    old: list[tuple[int, int]]
    totals: tuple[int, int]
    risks: list[list[int]]


class Population:
    """See the module."""

    def __init__(self, generation_keys: int = GENERATION_KEYS) -> None:
        self.generation_keys = generation_keys
        self.young: dict[int, int] = {}
        self.old: dict[int, int] = {}
        self.young_total = self.old_total = 0
        self.risks = [[0] * BINS for _ in HISTORIES]
        self.settled = [0 for _ in HISTORIES]

    @property
    def total(self) -> int:
        """Logins counted."""
        return self.young_total + self.old_total

    def count(self, key: int) -> int:
        """Logins with this value."""
        return self.young.get(key, 0) + self.old.get(key, 0)

    def add(self, keys: list[int], first: bool = True) -> None:
        """Count the values of one login. first: whether it is the account's first of the day, which makes it count in the total."""
        if len(self.young) + len(keys) > self.generation_keys:
            self.old, self.young = self.young, {}
            self.old_total, self.young_total = self.young_total, 0
        self.young_total += first
        for key in keys:
            self.young[key] = self.young.get(key, 0) + 1

    def settle(self, risk: float, known: int) -> None:
        """One login that ended well had this risk. known: the account's past logins."""
        place, history = int((risk - HISTOGRAM_LOW) / HISTOGRAM_STEP), history_class(known)
        self.risks[history][min(max(place, 0), BINS - 1)] += 1
        self.settled[history] += 1
        if self.settled[history] >= HISTOGRAM_HALVE_AT:
            self.risks[history] = [count >> 1 for count in self.risks[history]]
            self.settled[history] = sum(self.risks[history])

    def upper(self, share: float, known: int) -> float | None:
        """The least risk that at most this share of the logins that ended well reached, with such a history. Walks from the top: a few dozen steps."""
        history = history_class(known)
        risks, settled = self.risks[history], self.settled[history]
        if settled < ENOUGH:
            risks, settled = [sum(counts) for counts in zip(*self.risks, strict=True)], sum(self.settled)
        if settled < ENOUGH:
            return None
        left = int(settled * share)
        for place in range(BINS - 1, -1, -1):
            left -= risks[place]
            if left < 0:
                return round(HISTOGRAM_LOW + (place + 1) * HISTOGRAM_STEP, 3)
        return HISTOGRAM_LOW

    def snapshot(self) -> bytes:
        """Everything; equal populations give equal bytes."""
        return msgspec.msgpack.encode(
            _Kept(sorted(self.young.items()), sorted(self.old.items()), (self.young_total, self.old_total), self.risks)
        )

    def restore(self, data: bytes) -> None:
        """Raises ValueError for bytes that it did not write."""
        try:
            kept = msgspec.msgpack.decode(data, type=_Kept)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"population: not a snapshot: {error}") from None
        if len(kept.risks) != len(HISTORIES) or any(len(counts) != BINS for counts in kept.risks):
            raise ValueError("population: the snapshot is of another version")
        self.young, self.old = dict(kept.young), dict(kept.old)
        self.young_total, self.old_total = kept.totals
        self.risks, self.settled = kept.risks, [sum(counts) for counts in kept.risks]
