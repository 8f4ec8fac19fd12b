"""Entities over HTTP: what happened to one, and who is near it.

GET /v1/entities?about=account:alice            timeline, reputation, labels, actions, cluster
GET /v1/entities/neighbours?about=account:alice the accounts that share rare keys with it
GET /v1/events?id=login-1                       one event: what was known of it, what was decided and why
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from wardline.engine.entities import Entities, Entity, Near, Recorded
from wardline.engine.entity import EntityError
from wardline.engine.feature import Values
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Parameter, Route

SHOWN = 50
ID_LIMIT = 128


class EntityRoutes:
    """The entities' part of the HTTP API. explain: what a model saw in a decision's values, None where none spoke."""

    def __init__(self, entities: Entities, explain: Callable[[Values], Any] = lambda values: None) -> None:
        self.entities = entities
        self.explain = explain

    def routes(self) -> list[Route]:
        """What it offers."""
        about = Parameter("about", 'an entity such as "account:alice"; a name in clear becomes a pseudonym', True)
        limit = Parameter("limit", f"how many records or neighbours; {SHOWN} where nothing is given, at most 200")
        id_ = Parameter("id", "the event's id", True)
        return [
            Route("GET", "/v1/events", "read", "Explain one recorded event", self.event, (id_,), answer=Recorded),
            Route("GET", "/v1/entities", "read", "What happened to an entity", self.show, (about, limit), answer=Entity),
            Route("GET", "/v1/entities/neighbours", "read", "Who shares rare keys with an account", self.near, (about, limit), answer=Near),
        ]

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/entities."""
        about, limit = _asked(exchange)
        with as_problem(EntityError):
            found = self.entities.show(about, limit)
        await exchange.json(found)

    async def event(self, exchange: Exchange) -> None:
        """GET /v1/events."""
        found = self.entities.event(exchange.parameter("id")[:ID_LIMIT])
        if found is None:
            raise Problem(404, "no event has this id; it may be older than the store keeps, or erased")
        explained = await asyncio.to_thread(self.explain, {**found.facts, **found.read})
        await exchange.json(msgspec.to_builtins(found) | ({"model": msgspec.to_builtins(explained)} if explained else {}))

    async def near(self, exchange: Exchange) -> None:
        """GET /v1/entities/neighbours."""
        about, limit = _asked(exchange)
        with as_problem(EntityError):
            found = self.entities.neighbours(about, limit)
        await exchange.json(found)


def _asked(exchange: Exchange) -> tuple[str, int]:
    limit = exchange.parameter("limit")
    if limit and not (limit.isascii() and limit.isdigit() and len(limit) < 6):
        raise Problem(422, "limit: a whole number is needed")
    return exchange.parameter("about"), int(limit or SHOWN)
