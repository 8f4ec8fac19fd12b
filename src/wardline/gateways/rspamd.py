"""The rspamd doors: two ASGI applications that answer rspamd's clients (rspamc, Haraka, Exim, OpenSMTPD, Dovecot scripts) with our decisions.

    scan = RspamdScan(door, settings)            port 11333: /checkv2, /check, /symbols, /ping; it never learns
    learn = RspamdController(door, settings)     port 11334: /learnspam, /learnham, /stat, /checkv2 behind a secret; /ping

The learning port asks for a secret (`Password` header, `rspamc -P`) even on loopback, since whoever may teach the filter may turn it; secrets are
kept as digests and compared in constant time, and nothing of a request without one is read. What a client says about somebody else (User, IP, From,
Rcpt, Helo, Hostname, Queue-Id, Deliver-To) is believed only from trusted peers. Raw ASGI, because this is the hot door.

    accept, tag, and everything in observe mode   "no action"       junk and quarantine   "add header" (clients of rspamd cannot hold)
    tempfail                                      "soft reject"     reject                "reject"

Bounded: requests at once (429), bytes of one message (head and tail are kept) and of one request (413), time between pieces and for the
whole body (408), time for a decision. When something of ours fails, `on_failure` says whether the client hears "no action" with
is_skipped, or "soft reject"; never anything worse.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

import msgspec

from wardline.base.logs import logger
from wardline.domains.mail.door import MailAnswer, MailDoor
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.identity import own_instances
from wardline.engine.signal import log_odds
from wardline.gateways.fault import where
from wardline.gateways.mail_fields import fields, refusal
from wardline.gateways.peers import Peers
from wardline.gateways.spool import Budget, Spool
from wardline.protocols import rspamd

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ACTIONS = {
    "accept": "no action",
    "tag": "no action",
    "junk": "add header",
    "quarantine": "add header",
    "tempfail": "soft reject",
    "reject": "reject",
}
MILD = ("allow", "tag")  # verdicts below junk, mildest first
_SCANS = {"/checkv2": rspamd.checkv2, "/check": rspamd.check, "/symbols": rspamd.check}
_JSON = b"application/json"


class LearnSecret(msgspec.Struct, frozen=True):
    """A secret that may teach: whose it is (a plain word, it goes to the record of what was learned), and its SHA-256."""

    name: str
    digest: bytes

    @staticmethod
    def of(name: str, secret: str) -> "LearnSecret":
        """From the secret itself, which is not kept. It should be random: 16 bytes or more, not a word."""
        return LearnSecret(name, hashlib.sha256(secret.encode()).digest())


class RspamdSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How both doors stand."""

    trusted_peers: tuple[str, ...] = ()
    secrets: tuple[LearnSecret, ...] = ()
    concurrency: int = 256
    body_limit_bytes: int = 16 << 20
    request_limit_bytes: int = 256 << 20
    memory_bytes: int = 256 << 20
    piece_seconds: float = 30.0
    body_seconds: float = 300.0
    decide_seconds: float = 60.0
    on_failure: Literal["accept", "tempfail"] = "accept"
    own_names: tuple[str, ...] = ()
    id_header: bool = True
    observe_id: bool = False
    version: str = "wardline"


class _Refused(Exception):
    """A request that is not served: HTTP status, what is wrong and what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class _Gone(Exception):
    """The client hung up; nobody is there to be answered."""


class _App:
    """What both doors share: reading a request within bounds, answering it, and never failing loudly."""

    name = "rspamd"

    def __init__(self, door: MailDoor, settings: RspamdSettings, *, key: bytes, count: Callable[[str], None] | None = None) -> None:
        self.door, self.settings, self.key = door, settings, key
        self.budget = Budget(settings.memory_bytes)
        self._peers = Peers(settings.trusted_peers)
        self._count = count
        self._active = 0
        self._log = logger("rspamd")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        extra: list[tuple[bytes, bytes]] = []
        if self._active >= self.settings.concurrency:
            status, kind, body = 429, _JSON, rspamd.error("too many requests at once, try again", "busy")
            extra.append((b"retry-after", b"1"))
            self._happened("busy")
        else:
            self._active += 1
            try:
                status, kind, body = await self._answer(scope, receive)
            except _Refused as refused:
                status, kind, body = refused.status, _JSON, rspamd.error(refused.text)
                self._happened("refused", status=status)
            except _Gone:
                self._happened("disconnect")
                return
            except Exception as problem:  # ours: said plainly to the client, in detail to nobody, counted for the administrator
                status, kind, body = 503, _JSON, rspamd.error("the filter could not answer, try again", "failure")
                self._happened("failure", error=type(problem).__name__, at=where(problem))
            finally:
                self._active -= 1
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        raise NotImplementedError

    def _happened(self, what: str, **numbers: object) -> None:
        if self._count is not None:
            self._count(what)
        if what != "disconnect":
            self._log.warning(what, **numbers)

    def _request(self, scope: Scope) -> tuple[rspamd.Request, bool]:
        """The request's headers, and whether its peer is believed. Raises _Refused for a body that cannot be read."""
        request = rspamd.read_headers(scope["headers"])
        if request.compression:
            raise _Refused(
                415, f"a body with compression {request.compression[:20]!r} is not understood; send it plain (rspamc without -z)"
            )
        if request.encrypted:
            raise _Refused(400, "encrypted requests (header Key) are not understood; send it plain (rspamc without --key)")
        client = scope.get("client")
        return request, self._peers.holds(client[0] if client else "")

    async def _body(self, scope: Scope, receive: Receive, spool: Spool) -> None:
        """Read the whole body into the spool. Raises _Refused when it is too large or too slow, _Gone when the client vanished."""
        settings = self.settings
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and (len(value) > 18 or int(value) > settings.request_limit_bytes):
                raise _Refused(413, f"the message is larger than {settings.request_limit_bytes} bytes")
        until = asyncio.get_running_loop().time() + settings.body_seconds
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + settings.piece_seconds)):
                    event = await receive()
            except TimeoutError:
                raise _Refused(408, "the message did not come in time") from None
            if event["type"] != "http.request":
                raise _Gone
            spool.write(event.get("body", b""))
            if spool.size_bytes > settings.request_limit_bytes:
                raise _Refused(413, f"the message is larger than {settings.request_limit_bytes} bytes")
            more = event.get("more_body", False)

    async def _scan(self, scope: Scope, receive: Receive) -> bytes:
        """Judge the message of a request."""
        started = time.perf_counter()
        request, believed = self._request(scope)
        spool = Spool(self.settings.body_limit_bytes, self.budget)
        try:
            await self._body(scope, receive, spool)
            raw, size = spool.content(), spool.size_bytes if spool.truncated else None
        finally:
            spool.close()
        envelope = _envelope(request) if believed else Envelope()
        try:
            async with asyncio.timeout(self.settings.decide_seconds):
                if size is None:
                    answer = await self.door.decide(raw, envelope, source="rspamd")
                else:
                    answer = await self.door.decide(raw, envelope, source="rspamd", size_bytes=size)
            scan = self._result(answer, raw, time.perf_counter() - started)
        except Exception as problem:
            self._happened("failure", error=type(problem).__name__, at=where(problem))
            later = self.settings.on_failure == "tempfail"
            text = "The mail filter is not available, please try again later" if later else ""
            scan = rspamd.Scan(score=0.0, action="soft reject" if later else "no action", skipped=True, smtp_message=text)
        return _SCANS[scope["path"]](scan)

    def _result(self, answer: MailAnswer, raw: bytes, seconds: float) -> rspamd.Scan:
        """A decision in rspamd's words."""
        settings, acts = self.settings, answer.mode != "observe"
        action = _ACTIONS[answer.action] if acts else "no action"
        seen: dict[str, int] = {}
        symbols = [rspamd.Symbol(rspamd.symbol_name(answer.verdict), 0.0, "The verdict, whatever the mode lets be done.", (answer.id,))]
        for reason in answer.reasons:
            name = rspamd.symbol_name(reason.detector)
            seen[name] = seen.get(name, 0) + 1
            unique = name if seen[name] == 1 else f"{name}_{seen[name]}"
            symbols.append(rspamd.Symbol(unique, round(log_odds(reason.score), 3), reason.text, (f"{reason.score:.3f}",)))
        written = fields(answer, key=self.key, id_header=settings.id_header, observe_id=settings.observe_id)
        return rspamd.Scan(
            score=rspamd.score(answer.log_odds, answer.junk_log_odds, junk=answer.verdict not in MILD),
            action=action,
            symbols=tuple(symbols),
            smtp_message=refusal(answer) if action in ("reject", "soft reject") else "",
            message_id=rspamd.find_message_id(raw),
            seconds=seconds,
            remove=tuple(own_instances(raw, settings.own_names)) if acts else (),
            add=tuple(written),
        )


class RspamdScan(_App):
    """Port 11333: judges, and never learns."""

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        path = scope["path"]
        if path in _SCANS:
            return 200, _JSON, await self._scan(scope, receive)
        if path == "/ping":
            return 200, b"text/plain", b"pong\r\n"
        raise _Refused(404, "this port knows /checkv2, /check, /symbols and /ping; learning has a port of its own")


class RspamdController(_App):
    """Port 11334: learns, for those who have a secret."""

    def __init__(self, door: MailDoor, settings: RspamdSettings, *, key: bytes, count: Callable[[str], None] | None = None) -> None:
        super().__init__(door, settings, key=key, count=count)
        self._started = time.monotonic()

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        path = scope["path"]
        if path == "/ping":
            return 200, b"text/plain", b"pong\r\n"
        who = self._who(scope)
        if who is None:
            self._happened("unauthorized")
            return 403, _JSON, rspamd.error("Unauthorized", "auth-error")
        if path in ("/learnspam", "/learnham"):
            return 200, _JSON, await self._learn(scope, receive, who, abusive=path == "/learnspam")
        if path in ("/stat", "/auth"):
            return 200, _JSON, self._stat()
        if path in _SCANS:
            return 200, _JSON, await self._scan(scope, receive)
        raise _Refused(404, "this port knows /learnspam, /learnham, /stat, /checkv2 and /ping")

    def _stat(self) -> bytes:
        """The counters, with our actions under rspamd's names."""
        counters = dict(self.door.stat())
        taken = {name: counters.pop(f"action.{name}", 0) for name in _ACTIONS}
        for name, count in taken.items():
            key = "action." + _ACTIONS[name].replace(" ", "_")
            counters[key] = counters.get(key, 0) + count
        return rspamd.stat(counters, version=self.settings.version, uptime_seconds=int(time.monotonic() - self._started))

    def _who(self, scope: Scope) -> str | None:
        """Whose secret the Password header holds. Every secret is compared, so that time tells nothing about any."""
        given = next((value for name, value in scope["headers"] if name == b"password"), b"")
        digest = hashlib.sha256(given).digest()
        found: str | None = None
        for secret in self.settings.secrets:
            if hmac.compare_digest(digest, secret.digest):
                found = secret.name
        return found

    async def _learn(self, scope: Scope, receive: Receive, who: str, *, abusive: bool) -> bytes:
        request, believed = self._request(scope)
        spool = Spool(self.settings.body_limit_bytes, self.budget)
        try:
            await self._body(scope, receive, spool)
            raw = spool.content()
        finally:
            spool.close()
        if not raw.strip():
            raise _Refused(400, "there is no message in the request; send the whole message as its body")
        # Here User is who reports, not who sent: the message itself came from outside.
        envelope = _envelope(msgspec.structs.replace(request, user="")) if believed else None
        subject = (request.user or request.deliver_to) if believed else ""
        answer = await self.door.learn(raw, abusive=abusive, subject=subject, source=f"rspamd:{who}", envelope=envelope)
        return rspamd.learned(learned=answer.learned, already=answer.already, text=answer.text, label_id=answer.id)


def _envelope(request: rspamd.Request) -> Envelope:
    """What a believed peer says of a message. A message of an authenticated user goes out."""
    return Envelope(
        client_ip=request.ip,
        client_name="" if request.hostname == "unknown" or request.hostname.startswith("[") else request.hostname,
        helo=request.helo,
        mail_from=request.sender,
        recipients=request.recipients or ((request.deliver_to,) if request.deliver_to else ()),
        authenticated_user=request.user,
        queue_id=request.queue_id,
        tls=True if request.tls else None,
        direction="out" if request.user else "in",
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing to start and nothing to stop: the door is opened and closed by the program."""
    while True:
        event = await receive()
        await send({"type": event["type"] + ".complete"})
        if event["type"] == "lifespan.shutdown":
            return
