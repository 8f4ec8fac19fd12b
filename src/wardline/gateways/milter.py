"""The milter door: Postfix and Sendmail ask here about every message, over the milter protocol (version 2 to 6).

    server = MilterServer(door, MilterSettings(port=8893, own_names=("mx.example.net",)), key=key)
    await server.start(); …; await server.stop()

    action      what the mail server is told
    accept      accept
    tag, junk   header fields on top (gateways.mail_fields), accept
    quarantine  hold the message (header fields as well); where the server cannot, header fields as for junk
    tempfail    451 4.7.1, reject: 550 5.7.1, with a text that tells strangers nothing but a reference

Header fields that only we write (X-Wardline-…, X-Spam, Authentication-Results under our name) are removed first, from the last instance to the
first so that indices hold. In observe mode nothing at all is changed, unless the id field was asked for.

One connection serves one SMTP session. Limits: connections, bytes of a message (head and tail are kept, gateways.spool), silence between
commands, time for one packet, time for one decision (with progress told to the server meanwhile). When something of ours fails, `on_failure` says
accept or tempfail; a failure of ours never refuses or marks a message. A peer that breaks the protocol is hung up on, and the mail server
does what its own configuration says. `stop` lets messages in hand finish.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Literal

import msgspec

from wardline.base.logs import logger
from wardline.domains.mail.door import MailAnswer, MailDoor
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.identity import bears_our_name, is_own_field
from wardline.gateways.fault import where
from wardline.gateways.mail_fields import fields, refusal
from wardline.gateways.peers import Peers
from wardline.gateways.spool import Budget, Spool
from wardline.protocols.milter import (
    QUIET,
    Connect,
    EndOfHeaders,
    EndOfMessage,
    Event,
    Header,
    Helo,
    MailFrom,
    Milter,
    MilterError,
    Negotiate,
    Quit,
    RcptTo,
    Stage,
    Step,
)
from wardline.protocols.milter import Abort as AbortEvent
from wardline.protocols.milter import Body as BodyEvent
from wardline.protocols.milter_replies import Accept, Action, ChangeHeader, Continue, InsertHeader, Progress, Quarantine, Reply, ReplyCode

READ_BYTES = 1 << 16
REMOVAL_LIMIT = 10_000  # fields of ours that a stranger may make us remove; the genuine ones stand above all of them anyway
RECIPIENT_LIMIT = 50_000
WANTED_ACTIONS = Action.ADD_HEADERS | Action.CHANGE_HEADERS | Action.QUARANTINE
WANTED_STEPS = QUIET | Step.NO_UNKNOWN | Step.NO_DATA | Step.LEADING_SPACE
WANTED_MACROS = {
    Stage.CONNECT: "j {client_addr} {client_name}",
    Stage.HELO: "{tls_version}",
    Stage.MAIL: "i {auth_authen} {tls_version}",
    Stage.RCPT: "i",
    Stage.END_OF_MESSAGE: "i",
}


class MilterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the door stands. `socket_path` set: a Unix socket there instead of host and port. Port 0: any free one, see `MilterServer.port`."""

    host: str = "127.0.0.1"
    port: int = 8893
    socket_path: str = ""
    peers: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    connections: int = 200
    idle_seconds: float = 7200.0  # a mail server keeps silent while its client types: libmilter waits as long
    packet_seconds: float = 60.0
    decide_seconds: float = 60.0
    progress_seconds: float = 10.0
    write_seconds: float = 30.0
    drain_seconds: float = 20.0
    body_limit_bytes: int = 16 << 20
    memory_bytes: int = 256 << 20
    on_failure: Literal["accept", "tempfail"] = "accept"
    own_names: tuple[str, ...] = ()
    id_header: bool = True
    observe_id: bool = False


class MilterServer:
    """The listening door. `count` is told of every trouble by a short word: refused, timeout, protocol, failure, limited, disconnect."""

    def __init__(self, door: MailDoor, settings: MilterSettings, *, key: bytes, count: Callable[[str], None] | None = None) -> None:
        self.door, self.settings, self.key = door, settings, key
        self.budget = Budget(settings.memory_bytes)
        self.last_mode = "observe"  # how the last answer was applied: what to do with forged fields when there is no answer
        self._count = count
        self._log = logger("milter")
        self._peers = Peers(settings.peers)
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        settings = self.settings
        if settings.socket_path:
            self._server = await asyncio.start_unix_server(self._accept, settings.socket_path, limit=READ_BYTES)
        else:
            self._server = await asyncio.start_server(self._accept, settings.host, settings.port, limit=READ_BYTES)

    @property
    def port(self) -> int:
        """The TCP port that is listened on; 0 for a Unix socket or before `start`."""
        for listener in self._server.sockets if self._server else ():
            if listener.family in (socket.AF_INET, socket.AF_INET6):
                return int(listener.getsockname()[1])
        return 0

    async def stop(self) -> None:
        """Take no more, let messages in hand finish for `drain_seconds`, then close what is left."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.drain()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=self.settings.drain_seconds)
        for task in list(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=self.settings.write_seconds)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def happened(self, what: str, **numbers: object) -> None:
        """Count and log; never with anything that names a person or holds content."""
        if self._count is not None:
            self._count(what)
        if what != "disconnect":
            self._log.warning(what, **numbers)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._peers.holds(address) or len(self._connections) >= self.settings.connections:
            self.happened("refused", connections=len(self._connections))
            writer.close()
            return
        connected = writer.get_extra_info("socket")
        if connected is not None and isinstance(peer, tuple):
            # Silence may last for hours; a mail server that is gone without a word must not hold a place so long.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        task = asyncio.current_task()
        assert task is not None
        connection = self._connections[task] = _Connection(self, reader, writer)
        try:
            await connection.run()
        finally:
            del self._connections[task]


class _Message:
    """What is known of one message while it arrives."""

    def __init__(self, sender: str, spool: Spool) -> None:
        self.sender = sender
        self.spool = spool
        self.recipients: list[str] = []
        self.removals: list[tuple[bytes, int]] = []  # (name, instance from 1) of fields that only we write
        self._instances: dict[bytes, int] = {}

    def header(self, event: Header, separator: bytes, own_names: tuple[str, ...]) -> None:
        value = event.value
        if b"\n" in value:
            value = value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self.spool.write(event.name + separator + value + b"\r\n")
        if event.name[:1] not in b"XxAa \t":
            return
        results = event.name.strip().lower() == b"authentication-results"
        if (results or is_own_field(event.name)) and len(self.removals) < REMOVAL_LIMIT and len(self._instances) < REMOVAL_LIMIT:
            name = event.name.lower()
            number = self._instances[name] = self._instances.get(name, 0) + 1
            if not results or bears_our_name(event.name, event.value, own_names):
                self.removals.append((event.name, number))


class _Connection:
    """One SMTP session of the mail server."""

    def __init__(self, server: MilterServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._settings = server, server.settings
        self._reader, self._writer = reader, writer
        self._session = Milter()
        self._connect = Connect("", "U", 0, "")
        self._helo = ""
        self._separator = b": "
        self._message: _Message | None = None
        self._draining = False

    def drain(self) -> None:
        """End after the message in hand; at once where there is none."""
        self._draining = True
        if self._message is None:
            self._writer.close()

    async def run(self) -> None:
        """Read, judge, answer, until either side ends it. Never raises but for cancellation."""
        try:
            await self._read()
        except MilterError as error:
            self._server.happened("protocol", detail=str(error))
        except TimeoutError:
            self._server.happened("timeout", inside_message=self._session.inside_message)
        except (ConnectionError, OSError):
            self._server.happened("disconnect")
        except Exception as error:  # an error of ours: the mail server applies its own default, the other connections go on
            self._server.happened("failure", error=type(error).__name__, at=where(error))
        finally:
            self._drop()
            self._writer.close()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        session, settings = self._session, self._settings
        since, packets = loop.time(), 0
        while not (session.ended or (self._draining and self._message is None)):
            async with asyncio.timeout_at(since + (settings.packet_seconds if session.inside_packet else settings.idle_seconds)):
                data = await self._reader.read(READ_BYTES)
            if not data:
                self._server.happened("disconnect")
                return
            if not session.inside_packet:
                since = loop.time()
            for event in session.receive(data):
                await self._handle(event)
            if session.packets != packets:
                since, packets = loop.time(), session.packets
            if session.expects_reply:
                await self._say(session.send(Continue()))

    async def _handle(self, event: Event) -> None:
        match event:
            case BodyEvent(chunk):
                if self._message is not None:
                    self._message.spool.write(chunk)
            case Header():
                if self._message is not None:
                    self._message.header(event, self._separator, self._settings.own_names)
            case EndOfHeaders():
                if self._message is not None:
                    self._message.spool.write(b"\r\n")
            case EndOfMessage(chunk):
                await self._end(chunk)
            case RcptTo(address, _):
                if self._message is not None and len(self._message.recipients) < RECIPIENT_LIMIT:
                    self._message.recipients.append(address)
            case MailFrom(address, _):
                self._drop()
                self._message = _Message(address, Spool(self._settings.body_limit_bytes, self._server.budget))
            case Negotiate():
                await self._say(self._session.negotiate(actions=WANTED_ACTIONS, steps=WANTED_STEPS, macros=WANTED_MACROS))
                self._separator = b":" if self._session.steps & Step.LEADING_SPACE else b": "
                if self._session.actions & WANTED_ACTIONS != WANTED_ACTIONS:
                    self._server.happened("limited", actions=int(self._session.actions))
            case Connect():
                self._connect = event
            case Helo(name):
                self._drop()
                self._helo = name
            case AbortEvent():
                self._drop()
            case Quit():
                self._drop()
                self._connect, self._helo = Connect("", "U", 0, ""), ""

    def _drop(self) -> None:
        if self._message is not None:
            self._message.spool.close()
            self._message = None

    def _envelope(self, message: _Message) -> Envelope:
        connect, macro = self._connect, self._session.macro
        user = macro("auth_authen")
        host = connect.host
        return Envelope(
            client_ip=connect.address if connect.family in "46" else "",
            client_name="" if host == "unknown" or host.startswith("[") else host,
            helo=self._helo,
            mail_from=message.sender,
            recipients=tuple(message.recipients),
            authenticated_user=user,
            queue_id=macro("i"),
            tls=True if macro("tls_version") else None,
            direction="out" if user else "in",
        )

    async def _end(self, chunk: bytes) -> None:
        """The message is whole: decide and answer."""
        message = self._message
        if message is None or self._session.taken_back:
            self._drop()
            return
        message.spool.write(chunk)
        try:
            replies = self._replies(await self._decide(message), message)
            packets = b"".join(self._session.send(reply) for reply in replies)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            self._server.happened("failure", error=type(error).__name__, at=where(error))
            packets = b"".join(self._session.send(reply) for reply in self._without_answer(message))
        finally:
            self._drop()
        await self._say(packets)

    async def _decide(self, message: _Message) -> MailAnswer:
        """The decision, with progress told while it takes long. Raises TimeoutError after `decide_seconds`, and whatever the door raises."""
        settings = self._settings
        raw = message.spool.content()
        envelope = self._envelope(message)
        if message.spool.truncated:
            asked = self._server.door.decide(raw, envelope, source="milter", size_bytes=message.spool.size_bytes)
        else:
            asked = self._server.door.decide(raw, envelope, source="milter")
        task = asyncio.ensure_future(asked)
        try:
            async with asyncio.timeout(settings.decide_seconds):
                while not (await asyncio.wait({task}, timeout=settings.progress_seconds))[0]:
                    await self._say(self._session.send(Progress()))
                return await task
        finally:
            task.cancel()

    def _replies(self, answer: MailAnswer, message: _Message) -> list[Reply]:
        """What the mail server is told, in order; the verdict last."""
        self._server.last_mode = answer.mode
        if answer.mode != "observe":
            if answer.action == "reject":
                return [ReplyCode(550, "5.7.1", refusal(answer))]
            if answer.action == "tempfail":
                return [ReplyCode(451, "4.7.1", refusal(answer))]
        allowed = self._session.actions
        hold = answer.action == "quarantine" and answer.mode != "observe"
        if hold and not allowed & Action.QUARANTINE:
            answer, hold = msgspec.structs.replace(answer, action="junk"), False
        replies = self._removals(message) if answer.mode != "observe" else []
        if allowed & Action.ADD_HEADERS:
            lead = " " if self._session.steps & Step.LEADING_SPACE else ""
            settings = self._settings
            written = fields(answer, key=self._server.key, id_header=settings.id_header, observe_id=settings.observe_id)
            replies += [InsertHeader(0, name.encode(), (lead + value).encode("ascii", "replace")) for name, value in reversed(written)]
        if hold:
            replies.append(Quarantine(f"held for review, reference {answer.id}"))
        return [*replies, Accept()]

    def _removals(self, message: _Message) -> list[Reply]:
        if not self._session.actions & Action.CHANGE_HEADERS:
            return []
        return [ChangeHeader(number, name, b"") for name, number in reversed(message.removals)]

    def _without_answer(self, message: _Message) -> list[Reply]:
        """Our own failure: take the message as it is (forged fields apart where we act at all), or ask to have it later."""
        if self._settings.on_failure == "tempfail":
            return [ReplyCode(451, "4.7.1", "The mail filter is not available, please try again later")]
        return [*(self._removals(message) if self._server.last_mode != "observe" else []), Accept()]

    async def _say(self, data: bytes) -> None:
        if data:
            self._writer.write(data)
            async with asyncio.timeout(self._settings.write_seconds):
                await self._writer.drain()
