"""A guard for the routes of an ASGI application: asks before the route runs, and answers by itself where the verdict says so.

    app = Guard(app, AsyncClient("http://127.0.0.1:8080"), [Route("POST", "/login", "login"), Route("POST", "/signup", "signup")])

The route finds the decision in `scope["wardline"]` (an Answer): what to do about `limit` and `challenge` is the application's business, while
`hold` and `reject` are answered here with 403 and a page that says how to go on, in plain words and without a threshold. The client's address
is the peer's; behind a proxy let the server's own proxy support set it first. Works with Starlette, FastAPI, Django and Quart under ASGI.
"""

import http.cookies
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import msgspec

from wardline.client.asking import AskError, event, unanswered
from wardline.client.asynchronous import AsyncClient
from wardline.engine.event import Event

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STOPPED = frozenset({"hold", "reject", "block"})
HEADER_LIMIT = 1024
PAGE = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Not possible right now</title>'
    b"<h1>This is not possible right now</h1><p>Our protection against abuse stopped this request. If you are a person who wants nothing "
    b"but to use the service, try again in a while or write to the people who run it; they can see what happened.</p></html>"
)


class Route(msgspec.Struct, frozen=True):
    """Which requests are asked about, and as what. entities: adds what only the application knows (an account), from the scope. fields: what every
    such request is, as {"action": "forward_rule"} for a session's act."""

    method: str
    path: str
    type: str
    entities: Callable[[Scope], dict[str, str]] | None = None
    fields: dict[str, str] = {}


class Guard:
    """See the module. device_cookie: the name of the cookie that holds the application's device id, "" for none."""

    def __init__(self, app: App, client: AsyncClient, routes: Sequence[Route], device_cookie: str = "") -> None:
        self.app = app
        self.client = client
        self.routes = {(route.method.upper(), route.path): route for route in routes}
        self.device_cookie = device_cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        asked = self._event(scope, route)
        try:
            answer = await self.client.decide(asked)
        except AskError as error:  # our mistake or the operator's, never the visitor's
            answer = unanswered(asked, self.client.settings, f"status {error.status}")
        scope["wardline"] = answer
        if answer.verdict in STOPPED:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/html; charset=utf-8")]})
            await send({"type": "http.response.body", "body": PAGE})
            return
        await self.app(scope, receive, send)

    def _event(self, scope: Scope, route: Route) -> Event:
        headers = {name.lower(): value.decode("latin-1")[:HEADER_LIMIT] for name, value in scope["headers"]}
        entities = {"ip": scope["client"][0]} if scope.get("client") else {}
        if self.device_cookie and (device := _cookie(headers.get(b"cookie", ""), self.device_cookie)):
            entities["device"] = device
        entities.update(route.entities(scope) if route.entities else {})
        fields = {"user_agent": headers.get(b"user-agent"), "accept_language": headers.get(b"accept-language"), **route.fields}
        return event(route.type, entities=entities, fields={name: value for name, value in fields.items() if value})


def _cookie(header: str, name: str) -> str:
    try:
        found = http.cookies.SimpleCookie(header).get(name)
    except http.cookies.CookieError:
        return ""
    return found.value[:256] if found else ""
