"""The one HTTP client, against real servers on loopback: what it refuses, whom it really connects to, and how it ends."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wardline.base.config import Config
from wardline.sources.outbound import RETRY_RESERVE, Outbound, OutboundError, Response, Settings

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kind: test\r\n\r\nok"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server that keeps each request as it came and answers with given bytes."""

    def __init__(self, answer: bytes | Answer = OK) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                self.requests.append(head + await reader.readexactly(length))
                if callable(self.answer):
                    await self.answer(head, writer)
                    break
                writer.write(self.answer)
                await writer.drain()
                if b"content-length" not in self.answer.lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def served(answer: bytes | Answer = OK, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await asyncio.sleep(0)


def settings(port: int, host: str = "127.0.0.1", **more: object) -> Settings:
    return Settings(**{"allowed_hosts": (f"{host}:{port}",), "allowed_networks": ("127.0.0.0/8",), "plain_http": True, **more})  # type: ignore[arg-type]


async def ask(outbound: Outbound, url: str, method: str = "GET", **more: object) -> Response:
    try:
        return await outbound.request(method, url, **more)  # type: ignore[arg-type]
    finally:
        await outbound.aclose()


async def refused(outbound: Outbound, url: str, method: str = "GET", **more: object) -> str:
    with pytest.raises(OutboundError) as caught:
        await ask(outbound, url, method, **more)
    return caught.value.reason


async def test_a_request_and_its_answer() -> None:
    async with served() as server:
        outbound = Outbound(settings(server.port))
        url = f"http://127.0.0.1:{server.port}/hook?a=1"
        answer = await ask(outbound, url, "POST", headers={"X-Signature": "s"}, body=b'{"a": 1}')
    assert (answer.status, answer.body, answer.header("X-kind")) == (200, b"ok", "test")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert head.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert b"host: 127.0.0.1:%d" % server.port in head.lower()
    assert b"x-signature: s" in head.lower()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://other.example.com/", "host_not_allowed"),
        ("https://api.example.com:444/", "host_not_allowed"),
        ("https://xapi.example.com/", "host_not_allowed"),
        ("http://api.example.com/", "not_https"),
        ("ftp://api.example.com/", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("//api.example.com/", "not_https"),
        ("https://user@api.example.com/", "bad_url"),
        ("https://api.example.com@other.example.com/", "bad_url"),
        ("https://other.example.com\\@api.example.com/", "bad_url"),
        ("https://api.example.com/\r\nX: y", "bad_url"),
        ("https://api.example.com/ a", "bad_url"),
        ("https://api.example.com:0/", "bad_url"),
        ("https://api.example.com:99999/", "bad_url"),
        ("https:///path", "bad_url"),
        ("https://[::1/", "bad_url"),
        ("https://ａpi.example.com/", "bad_url"),
        ("https://api.example.com/" + "a" * 5000, "bad_url"),
        ("", "not_https"),
    ],
)
async def test_urls_that_are_not_asked(url: str, reason: str) -> None:
    assert await refused(Outbound(Settings(allowed_hosts=("api.example.com",))), url) == reason


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1%1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
        "0.0.0.0",
    ],
)
async def test_a_name_that_leads_inside_is_refused_after_resolution(address: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", address]

    outbound = Outbound(Settings(allowed_hosts=("api.example.com",)), resolve)
    assert await refused(outbound, "https://api.example.com/") == "private_address"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1"])
async def test_an_allowed_host_is_still_judged_by_its_address(host: str) -> None:
    assert await refused(Outbound(Settings(allowed_hosts=(f"{host}:9",), plain_http=True)), f"http://{host}:9/") == "private_address"


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name whose second answer differs (DNS rebinding): it is resolved once, and that address is used."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with served() as server:
        outbound = Outbound(settings(server.port, "rebind.example.com"), resolve)
        answer = await outbound.request("GET", f"http://rebind.example.com:{server.port}/")
        assert answer.status == 200
        assert asked == ["rebind.example.com"]
        assert b"host: rebind.example.com" in server.requests[0].lower()
        # The kept connection is to the judged address too; a new one is judged anew.
        await outbound.request("GET", f"http://rebind.example.com:{server.port}/")
        await outbound.aclose()


async def test_redirects_are_answers(tmp_path: Path) -> None:
    async with served(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n") as server:
        answer = await ask(Outbound(settings(server.port)), f"http://127.0.0.1:{server.port}/")
    assert answer.status == 302
    assert len(server.requests) == 1


async def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with served() as server:
        answer = await ask(Outbound(settings(server.port)), f"http://127.0.0.1:{server.port}/")
    assert answer.status == 200


async def test_too_much_is_cut_off() -> None:
    async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x" * 65536)
            await writer.drain()

    async with served(endless) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert await refused(Outbound(settings(server.port, response_bytes=100_000)), url) == "too_large"
        assert await refused(Outbound(settings(server.port, request_bytes=10)), url, "POST", body=b"x" * 11) == "too_large"


async def test_drops_of_bytes_do_not_reset_the_clock() -> None:
    async def drops(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with served(drops) as server:
        assert await refused(Outbound(settings(server.port, timeout_seconds=0.1)), f"http://127.0.0.1:{server.port}/") == "timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ],
)
async def test_what_is_not_http(answer: bytes) -> None:
    async def say(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with served(say) as server:
        assert await refused(Outbound(settings(server.port)), f"http://127.0.0.1:{server.port}/") == "protocol"


async def test_nobody_there() -> None:
    async with served() as server:
        port = server.port
    assert await refused(Outbound(settings(port)), f"http://127.0.0.1:{port}/") == "connect_failed"


async def test_a_name_without_address() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    assert await refused(Outbound(Settings(allowed_hosts=("api.example.com",)), resolve), "https://api.example.com/") == "resolve_failed"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("TRACE", {}),
        ("get", {}),
        ("GET", {"Host": "other.example.com"}),
        ("POST", {"Content-Length": "1"}),
        ("POST", {"Transfer-Encoding": "chunked"}),
        ("GET", {"X": "a\r\nY: b"}),
        ("GET", {"X Y": "a"}),
        ("GET", {"X": "é"}),
    ],
)
async def test_requests_that_are_not_sent(method: str, headers: dict[str, str]) -> None:
    assert (
        await refused(Outbound(Settings(allowed_hosts=("api.example.com",))), "https://api.example.com/", method, headers=headers)
        == "bad_request"
    )


async def test_repeats_only_where_they_are_safe() -> None:
    async with served(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as server:
        outbound = Outbound(settings(server.port))
        url = f"http://127.0.0.1:{server.port}/"
        assert (await outbound.request("POST", url, attempts=3)).status == 503
        assert len(server.requests) == 1
        assert (await outbound.request("GET", url, attempts=2)).status == 503
        assert len(server.requests) == 3
        await outbound.aclose()


async def test_a_host_that_fails_exhausts_the_budget_of_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None: ...

    monkeypatch.setattr("wardline.sources.outbound.asyncio.sleep", at_once)
    async with served(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as server:
        outbound = Outbound(settings(server.port))
        for _ in range(40):
            await outbound.request("GET", f"http://127.0.0.1:{server.port}/", attempts=2)
        await outbound.aclose()
    assert len(server.requests) <= 40 + RETRY_RESERVE + 40 * 0.1 + 1


def certificate(tmp_path: Path, host: str) -> tuple[Path, ssl.SSLContext, list[str | None]]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "cert.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = tmp_path / "key.pem"
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, private)
    names: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    return pem, context, names


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_tls_keeps_the_name_while_the_address_is_pinned(tmp_path: Path) -> None:
    pem, context, names = certificate(tmp_path, "hooks.example.com")
    async with served(context=context) as server:
        outbound = Outbound(settings(server.port, "hooks.example.com", plain_http=False, ca_file=str(pem)), loopback)
        assert (await ask(outbound, f"https://hooks.example.com:{server.port}/")).body == b"ok"
    assert names == ["hooks.example.com"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path, trusted: bool) -> None:
    pem, context, _ = certificate(tmp_path, "other.example.com" if trusted else "hooks.example.com")
    async with served(context=context) as server:
        chosen = settings(server.port, "hooks.example.com", ca_file=str(pem) if trusted else "")
        assert await refused(Outbound(chosen, loopback), f"https://hooks.example.com:{server.port}/") == "tls_failed"
    assert not server.requests


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed_hosts": ("https://api.example.com",)},
        {"allowed_hosts": ("api.example.com:x",)},
        {"allowed_hosts": ("*",)},
        {"allowed_networks": ("169.254.0.0/16",)},
        {"allowed_networks": ("0.0.0.0/0",)},
        {"allowed_networks": ("nonsense",)},
        {"ca_file": "missing.pem"},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"outbound\."):
        Outbound(Settings(**wrong))  # type: ignore[arg-type]


def test_the_configuration_has_the_same_keys_and_defaults() -> None:
    configured = msgspec.structs.asdict(Config().outbound)
    assert configured == msgspec.structs.asdict(Settings())
