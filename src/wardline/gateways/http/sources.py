"""Sources over HTTP: what is declared, how old it is and how it does; and load it again now.

GET  /v1/sources           every source, and what is wrong with declarations
GET  /v1/sources/{name}    one
POST /v1/sources/reload    {"accept": ["tor-exits"]}: also take a file that is much smaller than the one before
"""

import asyncio

import msgspec

from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Route
from wardline.sources.registry import Registry
from wardline.sources.status import Status


class SourceList(msgspec.Struct, frozen=True):
    """Every declared source; wrong_declarations: files of the folder that could not be read, one sentence each."""

    sources: list[Status]
    wrong_declarations: list[str]


class Reload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """accept: names of sources whose new file may be much smaller than the last one."""

    accept: list[str] = []


class Reloaded(msgspec.Struct, frozen=True):
    """Names of the sources that were loaded, and all of them as they are now."""

    loaded: list[str]
    sources: list[Status]
    wrong_declarations: list[str]


class SourceRoutes:
    """The sources' part of the HTTP API."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def routes(self) -> list[Route]:
        """What it offers."""
        return [
            Route("GET", "/v1/sources", "read", "What is known from elsewhere, its age and its hits", self.list, answer=SourceList),
            Route("GET", "/v1/sources/{name}", "read", "One source", self.show, answer=Status),
            Route("POST", "/v1/sources/reload", "admin", "Load every source again", self.reload, body=Reload, answer=Reloaded),
        ]

    async def list(self, exchange: Exchange) -> None:
        """GET /v1/sources."""
        found = await asyncio.to_thread(self.registry.status)
        await exchange.json(SourceList(found, self.registry.wrong_declarations))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/sources/{name}."""
        name = exchange.values["name"]
        found = next((source for source in await asyncio.to_thread(self.registry.status) if source.name == name), None)
        if found is None:
            raise Problem(404, "no source has this name; `wardline sources list` shows those that are declared")
        await exchange.json(found)

    async def reload(self, exchange: Exchange) -> None:
        """POST /v1/sources/reload."""
        order = await exchange.document(Reload)
        loaded = await asyncio.to_thread(lambda: self.registry.refresh(force=True, accept=order.accept))
        await exchange.json(Reloaded(loaded, self.registry.status(), self.registry.wrong_declarations))
