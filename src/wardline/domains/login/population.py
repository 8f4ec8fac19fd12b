"""What logins of this site look like as a whole: how often each value occurs, and how risky ordinary logins look here. Bounded.

    population.add([key, …])          values of a successful login, each at most once a day and account
    population.count(key)             logins that had it, over two generations
    population.settle(risk)           a login that ended well had this risk, in nats
    population.upper(0.01)            the risk that one in a hundred of them reaches; None before there are enough

Counts are kept in two generations: when the younger is full it becomes the elder and the eldest is dropped, so that the work is even and
old times fade. A value that is in neither has no count, which the likelihood takes for "rare" and not for "impossible".
"""

import msgspec

GENERATION_KEYS = 150_000
HISTOGRAM_LOW, HISTOGRAM_STEP, BINS = -30.0, 0.1, 600
HISTOGRAM_HALVE_AT = 10_000
ENOUGH = 400


class _Kept(msgspec.Struct, array_like=True):
    young: list[tuple[int, int]]
    old: list[tuple[int, int]]
    totals: tuple[int, int]
    risks: list[int]


class Population:
    """See the module."""

    def __init__(self, generation_keys: int = GENERATION_KEYS) -> None:
        self.generation_keys = generation_keys
        self.young: dict[int, int] = {}
        self.old: dict[int, int] = {}
        self.young_total = self.old_total = 0
        self.risks = [0] * BINS
        self.settled = 0

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

    def settle(self, risk: float) -> None:
        """One login that ended well had this risk."""
        place = int((risk - HISTOGRAM_LOW) / HISTOGRAM_STEP)
        self.risks[min(max(place, 0), BINS - 1)] += 1
        self.settled += 1
        if self.settled >= HISTOGRAM_HALVE_AT:
            self.risks = [count >> 1 for count in self.risks]
            self.settled = sum(self.risks)

    def upper(self, share: float) -> float | None:
        """The least risk that at most this share of the logins that ended well reached. Walks from the top: a few dozen steps."""
        if self.settled < ENOUGH:
            return None
        left = int(self.settled * share)
        for place in range(BINS - 1, -1, -1):
            left -= self.risks[place]
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
        if len(kept.risks) != BINS:
            raise ValueError("population: the snapshot is of another version")
        self.young, self.old = dict(kept.young), dict(kept.old)
        self.young_total, self.old_total = kept.totals
        self.risks, self.settled = kept.risks, sum(kept.risks)
