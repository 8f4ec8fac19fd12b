"""Features over HTTP: what rules may read, what each counter says and since when it is known; and compute counters over history.

GET  /v1/features             facts, counters, and how full the tables of keys are
GET  /v1/features/{name}      one
POST /v1/features/backfill    {"names": ["failures_prefix_10m"]}; [] computes every counter that is not known from the beginning
"""

from typing import Any

import msgspec

from wardline.base.clock import when
from wardline.engine.counting.counter import render_counter
from wardline.engine.counting.counters import TableStats
from wardline.engine.walk.points import EventPoints
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Route


class FeatureLine(msgspec.Struct, frozen=True):
    """One feature. source: "field", or "counter" with its declaration. known_from: None when it is known from the beginning."""

    name: str
    type: str
    line: str
    source: str
    points: list[str]
    declaration: dict[str, Any] | None = None
    known_from: str | None = None


class FeatureList(msgspec.Struct, frozen=True):
    """Every feature, and the tables behind the counters."""

    features: list[FeatureLine]
    tables: list[TableStats]


class Backfill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which counters; none: all that are not known from the beginning."""

    names: list[str] = []


class FeatureRoutes:
    """The features' part of the HTTP API."""

    def __init__(self, points: EventPoints) -> None:
        self.points = points

    def routes(self) -> list[Route]:
        """What it offers."""
        return [
            Route("GET", "/v1/features", "read", "Facts and counters that rules may read", self.list, answer=FeatureList),
            Route("GET", "/v1/features/{name}", "read", "One feature", self.show, answer=FeatureLine),
            Route(
                "POST",
                "/v1/features/backfill",
                "admin",
                "Compute counters over history",
                self.backfill,
                body=Backfill,
                answer="application/json",
            ),
        ]

    def lines(self) -> list[FeatureLine]:
        """Facts first, then counters, each by name."""
        facts: dict[str, FeatureLine] = {}
        for domain in self.points.domains:
            for name, known in domain.known.items():
                if name in facts:
                    facts[name].points.append(domain.point)
                else:
                    facts[name] = FeatureLine(name, known.type, known.about, "field", [domain.point])
        unfinished = self.points.counters.unfinished()
        points = [domain.point for domain in self.points.domains]
        counters = [
            FeatureLine(
                name,
                "number",
                counter.line,
                "counter",
                points,
                render_counter(counter),
                when(unfinished[name] // 1_000_000 * 1_000_000).isoformat() if name in unfinished else None,
            )
            for name, counter in self.points.counters.declarations().items()
        ]
        return sorted(facts.values(), key=lambda line: line.name) + sorted(counters, key=lambda line: line.name)

    async def list(self, exchange: Exchange) -> None:
        """GET /v1/features."""
        await exchange.json(FeatureList(self.lines(), self.points.counters.stats()))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/features/{name}."""
        name = exchange.values["name"]
        found = next((line for line in self.lines() if line.name == name), None)
        if found is None:
            raise Problem(404, "no feature has this name; `wardline features list` shows all")
        await exchange.json(found)

    async def backfill(self, exchange: Exchange) -> None:
        """POST /v1/features/backfill."""
        order = await exchange.document(Backfill)
        declared = self.points.counters.declarations()
        for name in order.names:
            if name not in declared:
                raise Problem(404, f"no counter has the name {name[:64]!r}; `wardline features list` shows all")
        named = [declared[name] for name in dict.fromkeys(order.names or self.points.counters.unfinished())]
        wanted = self.points.computable(named)
        records = await self.points.compute(wanted) if wanted else 0
        await exchange.json({"computed": [counter.name for counter in wanted], "records": records})
