"""The route table: what the HTTP API offers, who may ask for it, and how it is described.

    Route("POST", "/v1/mail/check", "decide", "Judge one message", check, body="message/rfc822", answer=MailAnswer)

The table is the only truth: requests are dispatched by it and the OpenAPI document is written from it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem

Handler = Callable[[Exchange], Awaitable[None]]


class Parameter(msgspec.Struct, frozen=True):
    """One query parameter."""

    name: str
    text: str
    required: bool = False


class Route(msgspec.Struct, frozen=True):
    """One operation. `scope` "" means everyone. `body`: media type, or a struct for JSON. `answer`: a struct, or a media type."""

    method: str
    path: str
    scope: str
    summary: str
    handler: Handler
    query: tuple[Parameter, ...] = ()
    body: Any = None
    answer: Any = None


class Table:
    """Finds the route of a request: fixed paths in one look-up, paths with placeholders segment by segment."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._fixed: dict[str, dict[str, Route]] = {}
        self._open: list[tuple[tuple[str, ...], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._open.append((tuple(route.path.split("/")), route))
            else:
                self._fixed.setdefault(route.path, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the values of its placeholders; Problem 404 or 405."""
        methods = self._fixed.get(path)
        if methods:
            route = methods.get(method)
            if route:
                return route, {}
            raise Problem(405, f"{path} takes {', '.join(sorted(methods))}")
        parts = path.split("/", 16)
        allowed: list[str] = []
        for pattern, route in self._open:
            if len(pattern) != len(parts):
                continue
            values = {name[1:-1]: part for name, part in zip(pattern, parts, strict=True) if name.startswith("{")}
            if all(name.startswith("{") or name == part for name, part in zip(pattern, parts, strict=True)):
                if route.method == method:
                    return route, values
                allowed.append(route.method)
        if allowed:
            raise Problem(405, f"this path takes {', '.join(sorted(set(allowed)))}")
        raise Problem(404, "there is nothing at this path; /openapi.json lists what there is")
