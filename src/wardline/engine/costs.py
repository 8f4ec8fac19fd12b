"""What each way to act costs on average, and which is the cheapest at a probability of abuse. A table in a policy, in any one unit of money.

    costs:
      loss: 50                                   # what an abuse costs that is let through
      lockout: 20                                # what it costs when an honest person gives up
      ways:
        allow:     {}
        challenge: {stops: 0.95, annoyance: 1.0, fails: 0.05}    # stops that share of abuse; annoys everybody; honest people who fail it

    costs.cheapest(0.02) -> "allow"       costs.cheapest(0.5) -> "challenge"

Expected cost at probability p:  p * loss * (1 - stops) + (1 - p) * (annoyance + fails * lockout) + price. This is Bayes' decision rule
(J. Berger, "Statistical Decision Theory and Bayesian Analysis", 1985, §1.5). Among equals the one written first.
"""

import msgspec


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to act. stops: share of abuse that it stops; fails: share of honest people who cannot pass; annoyance, price: cost for each."""

    stops: float = 0.0
    annoyance: float = 0.0
    fails: float = 0.0
    price: float = 0.0


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table. Empty: nothing is the cheapest."""

    loss: float = 0.0
    lockout: float = 0.0
    ways: dict[str, Way] = {}

    def expected(self, way: str, probability: float) -> float:
        """What a way costs on average."""
        each = self.ways[way]
        honest = each.annoyance + each.fails * self.lockout
        return probability * self.loss * (1.0 - each.stops) + (1.0 - probability) * honest + each.price

    def cheapest(self, probability: float) -> str | None:
        """The name of the way that costs least; None for an empty table."""
        least, found = 0.0, None
        for name, each in self.ways.items():  # as `expected`, written out: asked for every decision
            honest = each.annoyance + each.fails * self.lockout
            cost = probability * self.loss * (1.0 - each.stops) + (1.0 - probability) * honest + each.price
            if found is None or cost < least:
                least, found = cost, name
        return found

    def acts_from(self) -> float | None:
        """The probability from which the way written first is not the cheapest any more, to 2^-40; None where it always is."""
        first = next(iter(self.ways), None)
        if first is None or self.cheapest(1.0) == first:
            return None
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.cheapest(middle) == first else (low, middle)
        return high

    def fault(self) -> str:
        """What is wrong with the table, "" for nothing."""
        if min(self.loss, self.lockout) < 0:
            return "costs: loss and lockout must not be negative"
        for name, way in self.ways.items():
            if not (0 <= way.stops <= 1 and 0 <= way.fails <= 1 and min(way.annoyance, way.price) >= 0):
                return f"costs: ways: {name}: stops and fails are shares from 0 to 1, annoyance and price are not negative"
        return ""
