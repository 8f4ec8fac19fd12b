"""The HTTP frame, spoken to as raw ASGI: limits, access, dispatch, errors; no network."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from wardline.base.metrics import Metrics
from wardline.base.storage import StorageBusy, StorageFull
from wardline.engine.operators.administration import Act, Administration, new_key
from wardline.gateways.http import exchange as exchange_module
from wardline.gateways.http.access import Access, token_of
from wardline.gateways.http.app import HttpApp
from wardline.gateways.http.decide import read_event
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.mail import envelope_of
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Route

TOKEN, KEY = new_key("tests", ("read",), 1)
LIMIT = 1000


async def echo(exchange: Exchange) -> None:
    body = await exchange.body(LIMIT)
    await exchange.json({"length": len(body), "values": exchange.values, "query": exchange.query()})


class Order(msgspec.Struct, forbid_unknown_fields=True):
    what: str = "nothing"


async def order(exchange: Exchange) -> None:
    await exchange.json({"what": (await exchange.document(Order)).what, "last": exchange.parameter("q")})


async def fails(exchange: Exchange) -> None:
    raise {
        "full": StorageFull("full", "here", "free space"),
        "busy": StorageBusy("busy", "here", "wait"),
        "ours": KeyError("secret detail"),
    }[exchange.values["how"]]


async def slow(exchange: Exchange) -> None:
    await asyncio.sleep(0.2)
    await exchange.json({})


ROUTES = [
    Route("POST", "/echo", "", "", echo),
    Route("POST", "/order", "", "", order),
    Route("GET", "/things/{name}/{part}", "read", "", echo),
    Route("DELETE", "/things/{name}/{part}", "admin", "", echo),
    Route("GET", "/fails/{how}", "", "", fails),
    Route("GET", "/slow", "", "", slow),
]


def make(*, control: bool = False, trusted: tuple[str, ...] = ("127.0.0.0/8",), concurrency: int = 10) -> HttpApp:
    administration = Administration()
    administration.act(Act(op="key.add", actor="tests", key=KEY))
    access = Access(administration, trusted, ("decide",), "the learn secret")
    return HttpApp(ROUTES, access, Metrics(), concurrency=concurrency, version="1", control=control)


async def ask(
    app: HttpApp,
    method: str,
    path: str,
    *chunks: bytes,
    headers: dict[str, str] | None = None,
    query: bytes = b"",
    peer: str = "127.0.0.1",
    hang_up: bool = False,
) -> tuple[int, dict[str, Any], dict[str, str]]:
    fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": fields, "client": (peer, 1)}
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": at < len(chunks) - 1 or hang_up} for at, chunk in enumerate(chunks or (b"",))
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert len(sent) == 2 and int(found["content-length"]) == len(sent[1]["body"])
    return sent[0]["status"], json.loads(sent[1]["body"]), found


async def test_a_request_is_answered() -> None:
    status, body, _ = await ask(make(), "POST", "/echo", b"abc", b"def", query=b"a=1&a=2&b=%C3%BC")
    assert (status, body) == (200, {"length": 6, "values": {}, "query": {"a": ["1", "2"], "b": ["ü"]}})


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/echo", 405), ("GET", "/none", 404), ("POST", "/things/a/b", 405), ("GET", "/things/a", 404)]
)
async def test_unknown_places(method: str, path: str, status: int) -> None:
    found, body, headers = await ask(make(), method, path)
    assert (found, body["status"], headers["content-type"]) == (status, status, "application/problem+json")


async def test_placeholders() -> None:
    _, body, _ = await ask(make(), "GET", "/things/a%20b/c", headers={"authorization": f"Bearer {TOKEN}"})
    assert body["values"] == {"name": "a%20b", "part": "c"}


@pytest.mark.parametrize(
    ("headers", "peer", "control", "status"),
    [
        ({}, "127.0.0.1", False, 401),
        ({"authorization": f"Bearer {TOKEN}"}, "203.0.113.9", False, 200),
        ({"x-api-key": TOKEN}, "203.0.113.9", False, 200),
        ({"authorization": "Bearer wl_nope_nope"}, "127.0.0.1", False, 401),
        ({"authorization": "Basic dGVzdA=="}, "127.0.0.1", False, 401),
        ({}, "anything", True, 200),
        ({}, "not an address", False, 401),
    ],
)
async def test_scopes(headers: dict[str, str], peer: str, control: bool, status: int) -> None:
    found, body, answered = await ask(make(control=control), "GET", "/things/a/b", headers=headers, peer=peer)
    assert found == status
    if status == 401:
        assert "scope read" in body["detail"]
        assert "Bearer" in answered["www-authenticate"]


def test_the_learning_secret_grants_learning_alone() -> None:
    access = Access(Administration(), ("127.0.0.0/8",), ("decide",), "the learn secret")
    assert access.scopes("203.0.113.9", {b"authorization": b"Bearer the learn secret"}) == {"learn"}
    assert access.scopes("127.0.0.1", {b"authorization": b"Bearer the learn secret"}) == {"learn", "decide"}
    assert access.scopes("203.0.113.9", {b"authorization": b"Bearer the learn secre"}) == frozenset()
    assert Access(Administration(), (), (), "").scopes("127.0.0.1", {b"authorization": b"Bearer "}) == frozenset()


@pytest.mark.parametrize(
    ("chunks", "headers", "status"),
    [
        ((b"x" * (LIMIT + 1),), {}, 413),
        ((b"x" * LIMIT, b"x"), {}, 413),
        ((b"x",), {"content-length": str(10**12)}, 413),
        ((b"x",), {"content-length": "9" * 5000}, 413),
        ((b"x",), {"content-length": "lies"}, 200),
    ],
)
async def test_bodies_are_bounded(chunks: tuple[bytes, ...], headers: dict[str, str], status: int) -> None:
    assert (await ask(make(), "POST", "/echo", *chunks, headers=headers))[0] == status


async def test_a_client_that_hangs_up() -> None:
    status, body, _ = await ask(make(), "POST", "/echo", b"half", hang_up=True)
    assert status == 400
    assert "before the whole request body" in body["detail"]


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"", 200, "nothing"),
        (b'{"what": "that"}', 200, "that"),
        (b'{"what": 1}', 422, "the request body: Expected `str`"),
        (b'{"which": "that"}', 422, "the request body: Object contains unknown field"),
        (b'{"what":', 400, "the request body: Input data was truncated"),
        (b'{"what": "\xff"}', 400, "the request body: not JSON; it must be UTF-8"),
        (b"[" * 60_000, 422, "the request body: Expected `object`"),
        (b" " * 65_537, 413, "larger than 65536 bytes"),
    ],
)
async def test_a_document_is_read_or_told_what_is_wrong(body: bytes, status: int, part: str) -> None:
    found, document, _fields = await ask(make(), "POST", "/order", body, query=b"q=1&q=2")
    assert (found, part in str(document)) == (status, True), document
    if status == 200:
        assert document["last"] == "2"


async def test_a_query_that_cannot_be_read() -> None:
    assert (await ask(make(), "POST", "/echo", query=b"&".join(b"a=1" for _ in range(3000))))[0] == 400
    assert (await ask(make(), "POST", "/echo", query=b"a=%ff"))[0] == 400


@pytest.mark.parametrize(("how", "status"), [("full", 507), ("busy", 503), ("ours", 500)])
async def test_our_own_failures(how: str, status: int) -> None:
    app = make()
    found, body, headers = await ask(app, "GET", f"/fails/{how}")
    assert found == status
    assert "secret detail" not in body["detail"]
    assert headers.get("retry-after") == ("1" if how == "busy" else None)


async def test_too_many_at_once_are_told_to_wait() -> None:
    app = make(concurrency=2)
    answers = await asyncio.gather(*(ask(app, "GET", "/slow") for _ in range(5)))
    assert sorted(status for status, _, _ in answers) == [200, 200, 429, 429, 429]
    assert next(headers for status, _, headers in answers if status == 429)["retry-after"] == "1"
    assert (await ask(app, "GET", "/slow"))[0] == 200


async def test_the_description_lists_every_route() -> None:
    _, document, _ = await ask(make(), "GET", "/openapi.json")
    assert set(document["paths"]) == {route.path for route in ROUTES} | {"/openapi.json"}
    assert document["paths"]["/things/{name}/{part}"]["get"]["parameters"][0]["name"] == "name"


@pytest.mark.parametrize(
    ("data", "status", "part"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b"[" * 5000, 422, "Expected"),
        (b'{"id": "x", "fields": {"a": ' + b"[" * 50_000, 400, "not JSON"),
        (b"{}", 422, "id"),
        (b'{"id": "", "type": "a", "occurred_at": "2026-01-01T00:00:00Z"}', 422, "id"),
        (b'{"id": "x", "type": "a", "occurred_at": "yesterday"}', 422, "occurred_at"),
        (b'{"id": "x", "type": "a", "occurred_at": "2026-01-01T00:00:00"}', 422, "time zone"),
        (b'{"id": "x", "type": "a", "occurred_at": "2999-01-01T00:00:00Z"}', 422, "ahead of our clock"),
        (b'{"id": 7, "type": "a", "occurred_at": "2026-01-01T00:00:00Z"}', 422, "id"),
    ],
)
def test_events_that_cannot_be_read(data: bytes, status: int, part: str) -> None:
    with pytest.raises(Problem) as error:
        read_event(data)
    assert error.value.status == status
    assert part in error.value.detail


def test_an_event_keeps_fields_it_does_not_know() -> None:
    event = read_event(b'{"id": "x", "type": "login", "occurred_at": "2026-01-01T00:00:00+01:00", "fields": {"new": 1}, "later": true}')
    assert event.fields == {"new": 1}
    assert event.received_at is not None


def test_envelopes_from_the_query() -> None:
    envelope = envelope_of({"client_ip": ["2001:DB8::7"], "rcpt": ["a@example.com", "b@example.com"], "user": ["ann"]})
    assert (envelope.client_ip, envelope.recipients, envelope.authenticated_user) == (
        "2001:db8::7",
        ("a@example.com", "b@example.com"),
        "ann",
    )
    with pytest.raises(Problem, match="client_ip"):
        envelope_of({"client_ip": ["nowhere"]})
    with pytest.raises(Problem, match="recipients"):
        envelope_of({"rcpt": ["a@example.com"] * 1001})


@pytest.mark.parametrize("part", ['"type": "Log In"', '"type": "login", "schema_version": 99999999999999999999999'])
def test_an_event_out_of_bounds_is_told_so(part: str) -> None:
    with pytest.raises(Problem) as told:
        read_event(('{"id": "1", "occurred_at": "2026-11-21T09:30:00Z", ' + part + "}").encode())
    assert told.value.status == 422


def test_what_a_proxy_passed_on_is_not_from_the_trusted_peer() -> None:
    access = Access(Administration(), ("127.0.0.0/8",), ("decide", "read", "admin"), "")
    assert access.scopes("127.0.0.1", {}) == access.scopes("::ffff:127.0.0.1", {}) == {"decide", "read"}  # never admin without a key
    for name in (b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip"):
        assert access.scopes("127.0.0.1", {name: b"192.0.2.7"}) == frozenset()


def test_the_token_that_grants_is_the_token_that_is_named() -> None:
    assert token_of({b"authorization": b"Basic  wl_other_x", b"x-api-key": b"wl_mine_y"}) == b"wl_mine_y"
    assert token_of({b"authorization": b"Bearer wl_mine_y", b"x-api-key": b"wl_other_x"}) == b"wl_mine_y"


async def test_a_body_that_never_begins_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "BODY_TIMEOUT_SECONDS", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        raise AssertionError

    scope = {"method": "POST", "path": "/", "headers": [], "query_string": b""}
    with pytest.raises(Problem) as told:
        await Exchange(scope, never, send, "127.0.0.1").body(100)
    assert told.value.status == 408


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({b"host": b"127.0.0.1:8080"}, True),
        ({b"host": b"localhost"}, True),
        ({b"host": b"[::1]:8080"}, True),
        ({}, True),
        ({b"host": b"rebound.example:8080"}, False),
        ({b"host": b"127.0.0.1:8080", b"origin": b"http://127.0.0.1:8080"}, True),
        ({b"host": b"127.0.0.1:8080", b"origin": b"https://evil.example"}, False),
        ({b"host": b"127.0.0.1:8080", b"origin": b"null"}, False),
    ],
)
def test_a_page_in_a_local_browser_has_no_keyless_rights(headers: dict[bytes, bytes], allowed: bool) -> None:
    access = Access(Administration(), ("127.0.0.0/8",), ("decide",), "")
    assert access.scopes("127.0.0.1", headers) == ({"decide"} if allowed else set())
