"""Health and metrics: /healthz says that the process answers, /readyz that it can promise decisions, /metrics counts."""

from collections.abc import Callable

from wardline.base.metrics import Metrics
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Route

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class HealthRoutes:
    """`ready` gives "" or what stands in the way."""

    def __init__(self, metrics: Metrics, ready: Callable[[], str]) -> None:
        self.metrics = metrics
        self.ready = ready

    def routes(self) -> list[Route]:
        """What health offers; open to everyone who reaches the door, since it tells only counts."""
        return [
            Route("GET", "/healthz", "", "The process answers", self.healthz, answer="application/json"),
            Route("GET", "/readyz", "", "Decisions can be promised", self.readyz, answer="application/json"),
            Route("GET", "/metrics", "read", "Metrics in Prometheus' text format", self.render, answer="text/plain"),
        ]

    async def healthz(self, exchange: Exchange) -> None:
        """GET /healthz."""
        await exchange.json({"status": "ok"})

    async def readyz(self, exchange: Exchange) -> None:
        """GET /readyz."""
        if problem := self.ready():
            raise Problem(503, problem, retry_after_seconds=5)
        await exchange.json({"status": "ready"})

    async def render(self, exchange: Exchange) -> None:
        """GET /metrics."""
        await exchange.answer(200, METRICS_TYPE, self.metrics.render())
