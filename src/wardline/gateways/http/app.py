"""The ASGI application of the HTTP API: limits, access, dispatch, and errors as problem details.

One request is one Exchange. Above `concurrency` requests at once the answer is 429 with Retry-After, before anything is read. Whatever a
handler raises becomes an answer: a Problem as it is, anything else a 500 that says nothing of the inside and is counted.
"""

import asyncio
from collections.abc import Sequence

from wardline.base.logs import logger
from wardline.base.metrics import Metrics
from wardline.base.storage import StorageBusy, StorageError, StorageFull
from wardline.gateways.http.access import Access
from wardline.gateways.http.exchange import Exchange, Receive, Scope, Send
from wardline.gateways.http.openapi import document
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Route, Table


class HttpApp:
    """ASGI 3 application. `control`: the application serves the control socket, whose peer may do everything."""

    def __init__(
        self, routes: Sequence[Route], access: Access, metrics: Metrics, *, concurrency: int, version: str, control: bool = False
    ) -> None:
        described = Route("GET", "/openapi.json", "", "This description", self._openapi, answer="application/json")
        self.table = Table([*routes, described])
        self._access = access
        self._metrics = metrics
        self._concurrency = concurrency
        self._version = version
        self._control = control
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection scope."""
        if scope["type"] != "http":
            await _other(scope, receive, send)
            return
        client = scope.get("client")
        exchange = Exchange(scope, receive, send, None if self._control else (client[0] if client else ""))
        if self._running >= self._concurrency:
            await self._refuse(exchange, Problem(429, "too many requests at once; try again in a second", retry_after_seconds=1))
            return
        self._running += 1
        try:
            route, exchange.values = self.table.find(exchange.method, exchange.path)
            exchange.scopes = self._access.scopes(exchange.peer, exchange.headers)
            exchange.allow(route.scope)
            await route.handler(exchange)
        except Problem as problem:
            await self._refuse(exchange, problem)
        except StorageFull as error:
            await self._refuse(exchange, Problem(507, str(error)))
        except StorageBusy as error:
            await self._refuse(exchange, Problem(503, str(error), retry_after_seconds=1))
        except StorageError as error:
            await self._refuse(exchange, Problem(500, str(error)))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger("http").error("handler_failed", error=type(error).__name__, path=exchange.path.split("/")[1] or "root")
            await self._refuse(exchange, Problem(500, "our own failure, not yours; it was counted, and the log names its kind"))
        finally:
            self._running -= 1

    async def _refuse(self, exchange: Exchange, problem: Problem) -> None:
        self._metrics.refused("http", str(problem.status))
        if not exchange.started:
            await exchange.problem(problem)

    async def _openapi(self, exchange: Exchange) -> None:
        await exchange.json(document(self.table, self._version))


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    """Lifespan is acknowledged; a WebSocket is refused."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1003})
