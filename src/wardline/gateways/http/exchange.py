"""One HTTP exchange over raw ASGI: the bounded request body, and the answers.

    exchange = Exchange(scope, receive, send, peer="192.0.2.7")
    body = await exchange.body(limit_bytes)        Problem 413 above the limit, 408 for a client that is too slow, 400 for one that hangs up
    order = await exchange.document(Order)         the body as JSON; Problem 400 for what is none, 422 for what is no Order

Raw, because the decision route is answered thousands of times a second; what is rare goes through the same few functions.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from wardline.gateways.http.problem import Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_TIMEOUT_SECONDS = 60.0
DOCUMENT_LIMIT_BYTES = 64 * 1024
QUERY_FIELDS_LIMIT = 2_000
JSON = b"application/json"
T = TypeVar("T")


class Exchange:
    """A request and the way to answer it. `peer`: client IP, None for the control socket. `scopes`: what it may do."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, peer: str | None) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.peer = peer
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = {name.lower(): value for name, value in scope["headers"]}
        self.scopes: frozenset[str] = frozenset()
        self.values: dict[str, str] = {}  # what the path's placeholders stand for
        self.started = False

    def allow(self, scope: str) -> None:
        """Raise Problem unless the request has the scope."""
        if scope and scope not in self.scopes:
            raise Problem(
                401,
                f"this needs the scope {scope}: send an API key that has it as Authorization: Bearer wl_…; `wardline key add` makes one",
            )

    def query(self) -> dict[str, list[str]]:
        """The query string's fields; Problem 400 when there are too many or they are no UTF-8."""
        found: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("ascii"), max_num_fields=QUERY_FIELDS_LIMIT, errors="strict", keep_blank_values=True
            )
        except (ValueError, UnicodeDecodeError):
            raise Problem(400, f"the query string cannot be read: percent-encoded UTF-8, at most {QUERY_FIELDS_LIMIT} fields") from None
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found

    def parameter(self, name: str) -> str:
        """A query parameter, the last one where it was given twice; "" where it was not given."""
        return self.query().get(name, [""])[-1]

    async def document(self, kind: type[T], limit_bytes: int = DOCUMENT_LIMIT_BYTES) -> T:
        """The request body, a JSON document of this kind; an empty body is one without fields."""
        body = await self.body(limit_bytes)
        try:
            return msgspec.json.decode(body or b"{}", type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Problem(422 if isinstance(error, msgspec.ValidationError) else 400, f"the request body: {error}") from None
        except UnicodeDecodeError:
            raise Problem(400, "the request body: not JSON; it must be UTF-8") from None

    async def body(self, limit_bytes: int) -> bytes:
        """The whole request body."""
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > limit_bytes:
            raise Problem(413, f"the request body is larger than {limit_bytes} bytes; send less, or raise http.body_limit_bytes")
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise _late() from None
        if not message.get("more_body"):
            data: bytes = message.get("body", b"")
            if len(data) > limit_bytes:
                raise Problem(413, f"the request body is larger than {limit_bytes} bytes; send less, or raise http.body_limit_bytes")
            return data
        chunks, size = [message.get("body", b"")], len(message.get("body", b""))
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                while message.get("more_body"):
                    message = await self._receive()
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > limit_bytes:
                        raise Problem(
                            413, f"the request body is larger than {limit_bytes} bytes; send less, or raise http.body_limit_bytes"
                        )
        except TimeoutError:
            raise _late() from None
        return b"".join(chunks)

    async def _receive(self) -> MutableMapping[str, Any]:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "the connection was closed before the whole request body arrived")
        return message

    async def json(self, document: Any, status: int = 200) -> None:
        """Answer a JSON document."""
        await self.answer(status, JSON, msgspec.json.encode(document))

    async def answer(self, status: int, content_type: bytes, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Answer bytes."""
        self.started = True
        fields = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *(headers or ())]
        await self.send({"type": "http.response.start", "status": status, "headers": fields})
        await self.send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, content_type: bytes) -> None:
        """Begin an answer that comes in parts, of a length that nobody knows yet."""
        self.started = True
        await self.send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})

    async def part(self, body: bytes, *, more: bool = True) -> None:
        """One part of it; waits while the client reads too slowly. `more` False ends the answer."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def problem(self, problem: Problem) -> None:
        """Answer an error."""
        body = problem.body()
        self.started = True
        fields = [*problem.headers(), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": fields})
        await self.send({"type": "http.response.body", "body": body})


def _late() -> Problem:
    return Problem(408, f"the request body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} seconds; send it again")
