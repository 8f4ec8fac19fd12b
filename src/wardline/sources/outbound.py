"""The one HTTP client: whatever leaves this program goes through it, to named hosts only, and never into the network behind them.

    outbound = Outbound(Settings(allowed_hosts=("api.example.com",)))
    answer = await outbound.request("GET", "https://api.example.com/range/21BD1")
    answer.status, answer.header("etag"), answer.body

A host must stand in `allowed_hosts`. Its name is resolved here, every address is judged (private, loopback, link-local, multicast, NAT64 with
such an address inside …: `protocols.ip.is_public`), and the connection goes to the very address that was judged, with the name kept for TLS
and Host, so that a DNS answer which changes in between changes nothing. No redirects are followed, no proxy variables are read, no content
encoding is undone. Time and size are bounded; repeats are bounded by a budget, so that a host which fails is not asked more often for it.
Standards: RFC 9110, RFC 9112 (by httpcore and h11), RFC 6890. Nothing of an address, path or answer is ever logged here.
"""

import asyncio
import random
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpcore
import msgspec

from wardline.protocols import ip

REASONS = (
    "bad_url", "not_https", "host_not_allowed", "private_address", "resolve_failed", "connect_failed", "tls_failed", "timeout", "too_large",
    "protocol", "bad_request", "busy",
)  # fmt: skip
ADDRESSES_LIMIT = 8  # addresses of one name that are tried
HEADERS_LIMIT = 100
RETRY_SHARE = 0.1  # repeats per request, over time; and at most
RETRY_RESERVE = 10.0  # so many at once
_RETRIED_STATUS = frozenset((429, 502, 503, 504))
_SAFE_METHODS = frozenset(("GET", "HEAD"))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE"))
_OWN_HEADERS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "accept-encoding")
)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_TARGET = re.compile(r"[!-~]*")
_ATTEMPT_SECONDS = 3.0  # for one address while there are others
Resolve = Callable[[str, int], Awaitable[list[str]]]


class OutboundError(Exception):
    """A request that got no answer. `reason` is one of REASONS; the text says what to do and names no path."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Response(msgspec.Struct, frozen=True):
    """An answer: status code, headers with names in lower case (in their order, repeats kept), body bytes as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of this name; "" when there is none."""
        return next((value for key, value in self.headers if key == name.lower()), "")


class Settings(msgspec.Struct, frozen=True):
    """What may leave, and how much. allowed_hosts: "api.example.com" (port 443) or "api.example.com:8443". allowed_networks: space of your own
    that would be refused otherwise ("127.0.0.0/8"). plain_http: also allow http (port 80 where none stands). ca_file: certificates to trust
    instead of the system's. request_bytes and response_bytes bound the bodies."""

    allowed_hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    plain_http: bool = False
    timeout_seconds: float = 10.0
    request_bytes: int = 1 << 20
    response_bytes: int = 4 << 20
    connections: int = 32
    ca_file: str = ""


class Outbound:
    """The client. Its calls belong to one event loop; close it with `aclose`. Raises ValueError for settings that make no sense.

    resolve: addresses of a host name, as text; the system's resolver where none is given. Raises OSError for a name without any.
    """

    def __init__(self, settings: Settings, resolve: "Resolve | None" = None) -> None:
        self.settings = settings
        self._hosts = frozenset(_allowed_host(entry) for entry in settings.allowed_hosts)
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
        except (OSError, ssl.SSLError):
            raise ValueError(f"outbound.ca_file: {settings.ca_file}: no certificates can be read there; give a PEM file") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=settings.connections,
            max_keepalive_connections=settings.connections,
            keepalive_expiry=30.0,
            http1=True,
            http2=False,
            retries=0,
            network_backend=_Pinned(_networks(settings.allowed_networks), resolve or _system_resolver),
        )
        self._retry_tokens = RETRY_RESERVE

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        attempts: int = 1,
        timeout_seconds: float | None = None,
    ) -> Response:
        """One answer; a 3xx is an answer like any other. Raises OutboundError.

        attempts: at most so many tries, for GET and HEAD, which may be repeated.
        timeout_seconds: for all tries together, name resolution included; the settings' where none is given.
        """
        target = self._target(url)
        fields = _fields(method, headers, body, self.settings.request_bytes, target)
        tries = max(1, min(attempts, 5)) if method in _SAFE_METHODS else 1
        seconds = self.settings.timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._tried(method, target, fields, body, tries, seconds)
        except TimeoutError:
            raise OutboundError("timeout", f"{target.authority} did not answer within {seconds:g} s") from None

    async def _tried(
        self, method: str, target: "_Target", fields: list[tuple[bytes, bytes]], body: bytes, tries: int, seconds: float
    ) -> Response:
        self._retry_tokens = min(RETRY_RESERVE, self._retry_tokens + RETRY_SHARE)
        for attempt in range(1, tries + 1):
            last = attempt == tries or self._retry_tokens < 1.0
            try:
                answer = await self._once(method, target, fields, body, seconds)
                if last or answer.status not in _RETRIED_STATUS:
                    return answer
            except OutboundError as error:
                if last or error.reason not in ("connect_failed", "protocol", "resolve_failed"):
                    raise
            self._retry_tokens -= 1.0
            await asyncio.sleep(random.uniform(0.5, 1.0) * 0.1 * 4 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, target: "_Target", fields: list[tuple[bytes, bytes]], body: bytes, seconds: float) -> Response:
        times = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        url = httpcore.URL(scheme=target.scheme, host=target.host.encode(), port=target.port, target=target.path)
        try:
            async with self._pool.stream(method, url, headers=fields, content=body, extensions={"timeout": times}) as answer:
                return Response(answer.status, _read_headers(answer.headers), await self._body(answer, target))
        except OutboundError:
            raise
        except httpcore.PoolTimeout:
            raise OutboundError(
                "busy", "all outbound connections are in use; the other end is slow, or outbound.connections is too small"
            ) from None
        except httpcore.TimeoutException:
            raise TimeoutError from None
        except httpcore.ConnectError as error:
            raise _connect_error(error, target) from None
        except (httpcore.ProtocolError, httpcore.NetworkError) as error:
            raise OutboundError("protocol", f"{target.authority} broke off or does not speak HTTP/1.1 ({type(error).__name__})") from None

    async def _body(self, answer: httpcore.Response, target: "_Target") -> bytes:
        limit = self.settings.response_bytes
        parts: list[bytes] = []
        size = 0
        async for part in answer.aiter_stream():
            size += len(part)
            if size > limit:
                raise OutboundError("too_large", f"{target.authority} answered with more than {limit} bytes")
            parts.append(part)
        return b"".join(parts)

    def _target(self, url: str) -> "_Target":
        target = _read_url(url)
        if target.scheme != "https" and not self.settings.plain_http:
            raise OutboundError("not_https", "the URL is not https; give an https one, or set outbound.plain_http")
        if (target.host, target.port) not in self._hosts and not (
            # An entry without a port means the scheme's own one.
            target.port == (443 if target.scheme == "https" else 80) and (target.host, 0) in self._hosts
        ):
            raise OutboundError(
                "host_not_allowed", f"{target.authority} is not in outbound.allowed_hosts; add it there if it shall be asked"
            )
        return target

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Target(msgspec.Struct, frozen=True):
    scheme: str
    host: str
    port: int
    path: bytes

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_field(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def _read_url(url: str) -> _Target:
    """Strict on purpose: what two readers of a URL could read differently is no URL here."""
    if len(url) > 4096 or not _TARGET.fullmatch(url) or "\\" in url:
        raise OutboundError(
            "bad_url", "the URL is longer than 4,096 characters or holds spaces, control or non-ASCII characters, or a backslash"
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise OutboundError("bad_url", "the URL cannot be read; write https://host/path") from None
    if parts.scheme not in ("https", "http"):
        raise OutboundError("not_https", "the URL is not https")
    if "@" in parts.netloc or not _is_host(host) or port == 0:
        raise OutboundError("bad_url", "the URL must be https://host/path, without a user or password in it")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path.encode())


def _is_host(host: str) -> bool:
    return bool(_HOST.fullmatch(host)) or (":" in host and ip.parse(host) is not None)


def _allowed_host(entry: str) -> tuple[str, int]:
    """ "api.example.com:8443" -> ("api.example.com", 8443); port 0: the scheme's own. Raises ValueError."""
    text = entry.strip().lower()
    host, port = text, "0"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "0"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not _is_host(host) or not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise ValueError(f"outbound.allowed_hosts: {entry[:80]!r} is no host; write api.example.com or api.example.com:8443")
    return host.rstrip("."), int(port)


def _networks(networks: Iterable[str]) -> tuple[tuple[int, int, int], ...]:
    """Networks that may be reached although they are not public. Raises ValueError for one that is not your own to give."""
    found = []
    for network in networks:
        read = ip.span(network.strip())
        if read is None or read[3]:
            raise ValueError(f"outbound.allowed_networks: {network[:80]!r} is no network; write 127.0.0.0/8 or 10.1.2.0/24")
        version, low, high, _ = read
        if not any(version == own[0] and own[1] <= low and high <= own[2] for own in _own_space()):
            raise ValueError(f"outbound.allowed_networks: {network} is neither loopback nor private space, so that it cannot be allowed")
        found.append((version, low, high))
    return tuple(found)


def _own_space() -> list[tuple[int, int, int, bool]]:
    # No link-local: the metadata services of clouds live there, and they hand out keys.
    spaces = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
    return [read for read in map(ip.span, spaces) if read is not None]


def _fields(method: str, headers: Mapping[str, str] | None, body: bytes, limit: int, target: _Target) -> list[tuple[bytes, bytes]]:
    if method not in _METHODS:
        raise OutboundError("bad_request", f"method {method[:20]!r}: it must be one of {', '.join(sorted(_METHODS))}")
    if len(body) > limit:
        raise OutboundError("too_large", f"the request's body is larger than {limit} bytes")
    fields = [(b"host", target.host_field.encode()), (b"accept-encoding", b"identity"), (b"user-agent", b"wardline")]
    for name, value in (headers or {}).items():
        if name.lower() in _OWN_HEADERS:
            raise OutboundError("bad_request", f"header {name!r} is set by the client itself; leave it out")
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name) or not re.fullmatch(r"[\t -~]{0,4096}", value):
            raise OutboundError("bad_request", f"header {name[:64]!r} holds what no header may hold")
        fields = [field for field in fields if field[0] != name.lower().encode()]
        fields.append((name.lower().encode(), value.strip().encode()))
    if body or method in ("POST", "PUT"):
        fields.append((b"content-length", str(len(body)).encode()))
    return fields


def _read_headers(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("ascii", "replace").lower(), value.decode("latin-1")) for name, value in headers[:HEADERS_LIMIT])


def _connect_error(error: Exception, target: _Target) -> OutboundError:
    text = str(error).lower()
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError) or "certificate" in text or "ssl" in text:
        return OutboundError("tls_failed", f"{target.authority}: no TLS connection: its certificate or protocol is not accepted")
    return OutboundError("connect_failed", f"{target.authority} cannot be reached")


class _Pinned(httpcore.AsyncNetworkBackend):
    """Resolves, judges every address, and connects to one that was judged."""

    def __init__(self, allowed: tuple[tuple[int, int, int], ...], resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._wire = httpcore.AnyIOBackend()

    async def connect_tcp(  # the parameters are those of httpcore's interface
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception = httpcore.ConnectError("no address")
        addresses = await self._judged(host, port)
        for index, address in enumerate(addresses, 1):
            wait = timeout if index == len(addresses) else min(timeout or _ATTEMPT_SECONDS, _ATTEMPT_SECONDS)
            try:
                return await self._wire.connect_tcp(address, port, timeout=wait, socket_options=socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> httpcore.AsyncNetworkStream:
        raise OutboundError("bad_url", "sockets of this machine are not asked")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _judged(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(dict.fromkeys(await self._resolve(host, port)))[:ADDRESSES_LIMIT]
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise OutboundError("resolve_failed", f"{host} has no address; check the name and the resolver of this machine")
        # One bad address refuses the name: whoever mixes them in is trying something.
        if not all(map(self._may, addresses)):
            raise OutboundError(
                "private_address", f"{host} resolves into a network that is not public; outbound.allowed_networks can allow your own"
            )
        return addresses

    def _may(self, address: str) -> bool:
        read = ip.parse(address)  # one with a scope is none, and refused
        if read is None:
            return False
        version, value = read
        return ip.is_public(version, value) or any(version == own[0] and own[1] <= value <= own[2] for own in self._allowed)


async def _system_resolver(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
