"""Models over HTTP: train, show, promote, take back. Scope admin.

GET  /v1/models                          every model, and which serves
GET  /v1/models/signup-2026-11-26        its card
POST /v1/models/train                    {"point": "signup", "since": "60d"}: trains apart, answers with the card
POST /v1/models/promote                  {"name": "signup-2026-11-26", "reason": "…"}
POST /v1/models/rollback                 {"point": "signup", "reason": "…"}
"""

import msgspec

from wardline.base.storage import StorageError
from wardline.gateways.http.access import actor_of
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import as_problem
from wardline.gateways.http.routes import Route
from wardline.learning.desk import ModelDesk
from wardline.learning.registry.card import Card, ModelError


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to train. since, until: "30d" or a day in UTC. shuffled: a negative control, which is not kept. actor: who asks, on the control socket."""

    point: str
    since: str = ""
    until: str = ""
    shuffled: bool = False
    actor: str = ""


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model shall serve, and why."""

    name: str
    reason: str = ""
    actor: str = ""


class Return(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which decision point the serving model is taken back, and why."""

    point: str
    reason: str = ""
    actor: str = ""


class ModelRoutes:
    """The models' part of the HTTP API."""

    def __init__(self, desk: ModelDesk) -> None:
        self.desk = desk

    def routes(self) -> list[Route]:
        """What it offers."""
        return [
            Route("GET", "/v1/models", "admin", "Every trained model, and which serves", self.listed, answer="application/json"),
            Route("GET", "/v1/models/{name}", "admin", "A model's card", self.card, answer=Card),
            Route("POST", "/v1/models/train", "admin", "Train a model from labelled decisions", self.train, body=Training, answer=Card),
            Route("POST", "/v1/models/promote", "admin", "Let a model serve", self.promote, body=Promotion, answer=Card),
            Route(
                "POST", "/v1/models/rollback", "admin", "Take the serving model back", self.rollback, body=Return, answer="application/json"
            ),
        ]

    async def listed(self, exchange: Exchange) -> None:
        """GET /v1/models."""
        await exchange.json({"models": self.desk.listed()})

    async def card(self, exchange: Exchange) -> None:
        """GET /v1/models/{name}."""
        with as_problem(ModelError, status=404):
            card = self.desk.store.card(exchange.values["name"])
        await exchange.json(card)

    async def train(self, exchange: Exchange) -> None:
        """POST /v1/models/train."""
        from wardline.learning.history.session import HistoryError

        order = await exchange.document(Training)
        with as_problem(ModelError, HistoryError), as_problem(StorageError, status=503):
            card = await self.desk.train(
                order.point, since=order.since, until=order.until, shuffled=order.shuffled, actor=actor_of(exchange, order.actor)
            )
        await exchange.json(card)

    async def promote(self, exchange: Exchange) -> None:
        """POST /v1/models/promote."""
        order = await exchange.document(Promotion)
        with as_problem(ModelError):
            card = await self.desk.promote(order.name, actor=actor_of(exchange, order.actor), reason=order.reason)
        await exchange.json(card)

    async def rollback(self, exchange: Exchange) -> None:
        """POST /v1/models/rollback."""
        order = await exchange.document(Return)
        with as_problem(ModelError):
            serves = await self.desk.rollback(order.point, actor=actor_of(exchange, order.actor), reason=order.reason)
        await exchange.json({"point": order.point, "serves": serves})
