"""The milter protocol, version 6, without I/O: bytes of a mail server in, typed events out; replies in, bytes out.

    session = Milter()
    session.receive(b"\\0\\0\\0\\x0dO" + …)     -> Negotiate(version=6, …)
    session.negotiate(steps=Step.NO_DATA)     -> b"\\0\\0\\0\\x0dO…"
    session.receive(…)                        -> Connect(host="mx.example.com", address="192.0.2.7"), MailFrom(address="a@example.com"), …
    session.send(AddHeader(b"X-Test", b"1"))  -> b"\\0\\0\\0\\x0ahX-Test\\x001\\x00"

The protocol is Sendmail's: no standards body wrote it down, its header libmilter/mfdef.h (8.14 and later) is the reference, and Postfix's
MILTER_README says what Postfix makes of it. A packet is a length (32 bits, big-endian, of what follows), a command byte and its data; texts end
with NUL. The mail server speaks first with its version and what it lets a filter do; only what both want is in force after that.

The mail server's bytes are treated as hostile too. A packet of length 0 or over the limit, a command that is unknown or out of turn, data that does
not have its command's shape: each raises MilterError, which says what was wrong, and the session is over. Memory is bounded by one packet
plus the macros (64 KiB); time is linear in the bytes received. A reply that was not negotiated, or that nobody waits for, is an error of the caller: Misuse.
"""

import enum
import struct
from collections.abc import Iterator

import msgspec

from wardline.protocols.milter_replies import (
    Accept,
    Action,
    Continue,
    Discard,
    Modification,
    Progress,
    Reject,
    Reply,
    ReplyCode,
    Skip,
    TempFail,
    encode,
    needs,
)

VERSION = 6
PACKET_LIMIT_BYTES = (1 << 20) + 1  # the largest data size that any version negotiates (1 MiB), and the command byte
MACRO_LIMIT_BYTES = 65536


class MilterError(ValueError):
    """The peer broke the protocol: what came, and what was expected. The session cannot go on."""


class Misuse(RuntimeError):
    """The caller sent what was not negotiated or what nobody waits for: an error of ours, never the peer's."""


class Step(enum.IntFlag):
    """What a filter may wish away (SMFIP_…): steps that it need not see, and steps to which it gives no reply."""

    NO_CONNECT = 0x1
    NO_HELO = 0x2
    NO_MAIL = 0x4
    NO_RCPT = 0x8
    NO_BODY = 0x10
    NO_HEADERS = 0x20
    NO_END_OF_HEADERS = 0x40
    QUIET_HEADER = 0x80
    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    SKIP = 0x400
    REJECTED_RECIPIENTS = 0x800
    QUIET_CONNECT = 0x1000
    QUIET_HELO = 0x2000
    QUIET_MAIL = 0x4000
    QUIET_RCPT = 0x8000
    QUIET_DATA = 0x10000
    QUIET_UNKNOWN = 0x20000
    QUIET_END_OF_HEADERS = 0x40000
    QUIET_BODY = 0x80000
    LEADING_SPACE = 0x100000


NO_STEPS = Step(0)
NO_ACTIONS = Action(0)
QUIET = (
    Step.QUIET_CONNECT | Step.QUIET_HELO | Step.QUIET_MAIL | Step.QUIET_RCPT | Step.QUIET_DATA | Step.QUIET_UNKNOWN
    | Step.QUIET_HEADER | Step.QUIET_END_OF_HEADERS | Step.QUIET_BODY
)  # fmt: skip


class Stage(enum.IntEnum):
    """Where macros can be asked for (SMFIM_…)."""

    CONNECT = 0
    HELO = 1
    MAIL = 2
    RCPT = 3
    DATA = 4
    END_OF_MESSAGE = 5
    END_OF_HEADERS = 6


class Negotiate(msgspec.Struct, frozen=True):
    """The server's opening: its version, the actions and the steps that it offers. Answer it with `Milter.negotiate`."""

    version: int
    actions: Action
    steps: Step


class Connect(msgspec.Struct, frozen=True):
    """A client connected to the mail server. `family` is 4, 6, L (a socket path) or U (unknown: no address, port 0)."""

    host: str
    family: str
    port: int
    address: str


class Helo(msgspec.Struct, frozen=True):
    """The client's HELO or EHLO name."""

    name: str


class MailFrom(msgspec.Struct, frozen=True):
    """MAIL FROM: the address without its angle brackets ("" for a bounce), and the ESMTP parameters. Begins a message."""

    address: str
    parameters: tuple[str, ...]


class RcptTo(msgspec.Struct, frozen=True):
    """RCPT TO, once per recipient."""

    address: str
    parameters: tuple[str, ...]


class Data(msgspec.Struct, frozen=True):
    """The DATA command."""


class Header(msgspec.Struct, frozen=True):
    """One header field. The value holds its folds as received; with Step.LEADING_SPACE in force, the blank after the colon too."""

    name: bytes
    value: bytes


class EndOfHeaders(msgspec.Struct, frozen=True):
    """The empty line."""


class Body(msgspec.Struct, frozen=True):
    """A piece of the body, at most 64 KiB as servers send it."""

    chunk: bytes


class EndOfMessage(msgspec.Struct, frozen=True):
    """The message is whole. Modifications and the verdict go now. `chunk` is a last piece of the body, mostly empty."""

    chunk: bytes


class Abort(msgspec.Struct, frozen=True):
    """The message is given up; the connection goes on. No reply."""


class Quit(msgspec.Struct, frozen=True):
    """The server hangs up (`again` False), or begins with a new client on the same connection (SMFIC_QUIT_NC). No reply."""

    again: bool


class Unknown(msgspec.Struct, frozen=True):
    """An SMTP command that the mail server itself does not know."""

    line: bytes


Event = Negotiate | Connect | Helo | MailFrom | RcptTo | Data | Header | EndOfHeaders | Body | EndOfMessage | Abort | Quit | Unknown

# Phases of a session, in order; a message lives from MAIL on.
_START, _READY, _MAIL, _RCPT, _HEADERS, _BODY, _END = range(7)

# Command byte -> (name, the phases in which it may come, the step by which its reply is wished away or 0).
_COMMANDS: dict[int, tuple[str, frozenset[int], int]] = {
    ord("C"): ("CONNECT", frozenset({_READY}), int(Step.QUIET_CONNECT)),
    ord("H"): ("HELO", frozenset({_READY, _MAIL, _RCPT}), int(Step.QUIET_HELO)),
    ord("M"): ("MAIL", frozenset({_READY, _MAIL, _RCPT, _HEADERS, _BODY}), int(Step.QUIET_MAIL)),
    ord("R"): ("RCPT", frozenset({_MAIL, _RCPT}), int(Step.QUIET_RCPT)),
    ord("T"): ("DATA", frozenset({_MAIL, _RCPT}), int(Step.QUIET_DATA)),
    ord("L"): ("HEADER", frozenset({_MAIL, _RCPT, _HEADERS}), int(Step.QUIET_HEADER)),
    ord("N"): ("EOH", frozenset({_MAIL, _RCPT, _HEADERS}), int(Step.QUIET_END_OF_HEADERS)),
    ord("B"): ("BODY", frozenset({_MAIL, _RCPT, _HEADERS, _BODY}), int(Step.QUIET_BODY)),
    ord("E"): ("BODYEOB", frozenset({_MAIL, _RCPT, _HEADERS, _BODY}), 0),
    ord("U"): ("UNKNOWN", frozenset({_READY, _MAIL, _RCPT, _HEADERS, _BODY}), int(Step.QUIET_UNKNOWN)),
}
_NO_COMMAND: tuple[str, frozenset[int], int] = ("", frozenset(), 0)
_PHASE_NAMES = ("the beginning", "between messages", "MAIL", "RCPT", "the headers", "the body", "the end of the message")


class Milter:
    """One session with a mail server: state, buffer and macros, and nothing else. One instance per connection."""

    def __init__(self, *, packet_limit_bytes: int = PACKET_LIMIT_BYTES) -> None:
        self._buffer = bytearray()
        self._at = 0  # bytes of the buffer that are dealt with
        self._limit = packet_limit_bytes
        self._phase = _START
        self._offer: Negotiate | None = None
        self._waiting = ""  # the command that waits for a reply; "" when none does
        self._macros: dict[int, dict[str, str]] = {}
        self._quiet = 0  # self.steps as a number: flags are slow, and this is asked for every packet
        self.packets = 0  # whole packets so far: how a caller tells a slow peer from a busy one
        self.version = 0
        self.actions = NO_ACTIONS
        self.steps = NO_STEPS
        self.ended = False

    @property
    def inside_packet(self) -> bool:
        """Whether a packet has begun and its rest is owed by the peer."""
        return len(self._buffer) > self._at

    @property
    def expects_reply(self) -> bool:
        """Whether the server waits for a reply to a command."""
        return bool(self._waiting)

    @property
    def inside_message(self) -> bool:
        """Whether a message has begun and is not yet answered."""
        return self._phase > _READY

    def macro(self, name: str) -> str:
        """The last value that the server gave a macro ("i", "auth_authen"), "" when it gave none. Braces are not part of the name."""
        for stage in _MACRO_ORDER:
            value = self._macros.get(stage, {}).get(name)
            if value is not None:
                return value
        return ""

    @property
    def taken_back(self) -> bool:
        """Whether the server went on to ABORT, QUIT or QUIT_NC without waiting for the reply to the event in hand."""
        return len(self._buffer) - self._at >= 5 and self._buffer[self._at + 4] in b"AQK"

    def receive(self, data: bytes) -> Iterator[Event]:
        """The events of the packets that are whole with these bytes, one by one as they are asked for, so that the session's state is never
        ahead of the event in hand. Raises MilterError, at once after the end of a session, otherwise in its turn; the session is then over.
        """
        if self.ended:
            raise MilterError("bytes after the end of the session (QUIT or an error); open a new connection")
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data
        return self._events()

    def _events(self) -> Iterator[Event]:
        while len(self._buffer) - self._at >= 4 and not self.ended:
            at = self._at
            length = int.from_bytes(self._buffer[at : at + 4], "big")
            if 0 < length <= self._limit and len(self._buffer) - at - 4 < length:
                return
            try:
                if not 0 < length <= self._limit:
                    raise MilterError(f"a packet says it is {length} bytes long; 1 to {self._limit} are allowed")
                with memoryview(self._buffer) as view:
                    command, payload = view[at + 4], bytes(view[at + 5 : at + 4 + length])
                self._at = at + 4 + length
                self.packets += 1
                event = self._command(command, payload)
            except MilterError:
                self.ended = True
                self._buffer.clear()
                self._at = 0
                raise
            if event is not None:
                yield event

    def negotiate(self, *, actions: Action = NO_ACTIONS, steps: Step = NO_STEPS, macros: dict[Stage, str] | None = None) -> bytes:
        """Answer the server's opening with what we want of what it offers; `actions` and `steps` hold what is in force afterwards.

        `macros` names the macros wanted per stage ("i {auth_authen}"); they are asked for only where the server lets a filter ask.
        """
        if self._offer is None:
            raise Misuse("negotiate answers the server's opening, which has not come or is answered already")
        offer, self._offer = self._offer, None
        self.version = min(offer.version, VERSION)
        wanted = actions | (Action.SET_MACROS if macros else Action(0))
        self.actions = offer.actions & wanted
        self.steps = offer.steps & steps
        self._quiet = int(self.steps)
        self._waiting = ""
        payload = struct.pack(">III", self.version, self.actions, self.steps)
        if macros and self.actions & Action.SET_MACROS:
            payload += b"".join(struct.pack(">I", stage) + names.encode("ascii") + b"\0" for stage, names in macros.items())
        return struct.pack(">IB", len(payload) + 1, ord("O")) + payload

    def send(self, reply: Reply) -> bytes:
        """The bytes of one reply: empty where the command in hand wants none and nothing but Continue is said.

        Raises Misuse for a modification outside the end of a message or without its action negotiated, and for a reply to nothing.
        """
        if isinstance(reply, Modification):
            if self._phase != _END:
                raise Misuse(f"{type(reply).__name__} may be sent only at the end of a message, not in {_PHASE_NAMES[self._phase]}")
            if needs(reply) & ~self.actions:
                raise Misuse(f"{type(reply).__name__} was not negotiated; the server does not allow it")
            return encode(reply)
        if isinstance(reply, Progress):
            return encode(reply) if self._phase == _END else b""
        if not self._waiting:
            if isinstance(reply, Continue):
                return b""
            raise Misuse(f"{type(reply).__name__}: no command waits for a reply")
        if isinstance(reply, Skip) and not (self._waiting == "BODY" and self.steps & Step.SKIP):
            raise Misuse("Skip answers a piece of the body, and only where it was negotiated")
        waiting, self._waiting = self._waiting, ""
        if self._phase == _END or (self.inside_message and self._ends_message(waiting, reply)):
            self._phase = _READY
        return encode(reply)

    @staticmethod
    def _ends_message(command: str, reply: Reply) -> bool:
        """Whether a reply before the end of the message makes the server give it up; a refused recipient is only that recipient."""
        return command != "RCPT" and isinstance(reply, Accept | Reject | TempFail | Discard | ReplyCode)

    def _command(self, command: int, payload: bytes) -> Event | None:
        name, phases, quiet = _COMMANDS.get(command, _NO_COMMAND)
        if self._phase == _START:
            if command != ord("O"):
                raise MilterError(f"the session begins with option negotiation ('O'), not with {chr(command)!r}; is this a milter client?")
            return self._opening(payload)
        if self._offer is not None:
            raise MilterError("the server went on before option negotiation was answered")
        if command == ord("O"):
            raise MilterError("option negotiation came twice")
        if command == ord("D"):
            self._define(payload)
            return None
        if command in b"AQK":
            return self._leave(command)
        if not name:
            raise MilterError(f"unknown command {chr(command)!r} (0x{command:02x})")
        if self._waiting:
            raise MilterError(f"{name} came while {self._waiting} waits for its reply")
        if self._phase not in phases:
            raise MilterError(f"{name} is out of turn in {_PHASE_NAMES[self._phase]}")
        event = self._event(command, payload)
        self._waiting = "" if self._quiet & quiet else name
        return event

    def _opening(self, payload: bytes) -> Negotiate:
        if len(payload) < 12:
            raise MilterError(f"option negotiation has {len(payload)} bytes; version, actions and steps take 12")
        version, actions, steps = struct.unpack(">III", payload[:12])
        if version < 2:
            raise MilterError(f"the server speaks milter version {version}; 2 to 6 are understood (Postfix: milter_protocol = 6)")
        # Bits we have no name for are dropped here: they are internal to Sendmail's library, and we would not know what we agree to.
        self._offer = Negotiate(version, Action(actions & _ALL_ACTIONS), Step(steps & _ALL_STEPS))
        self._phase = _READY
        self._waiting = "OPTNEG"
        return self._offer

    def _define(self, payload: bytes) -> None:
        """Macros: the command that they belong to, then pairs of name and value. A new set replaces the old one of that command."""
        if not payload:
            raise MilterError("MACRO without the command that it belongs to")
        parts = payload[1:].split(b"\0", 2 * 512)
        pairs = {_macro_name(parts[at]): _text(parts[at + 1]) for at in range(0, min(len(parts) - 1, 1024), 2) if parts[at]}
        stage = payload[0]
        if stage not in _MACRO_ORDER:
            return  # macros of a command that we do not know: nothing will ask for them
        others = sum(len(key) + len(value) for known, values in self._macros.items() if known != stage for key, value in values.items())
        room = MACRO_LIMIT_BYTES - others
        kept: dict[str, str] = {}
        for key, value in pairs.items():
            room -= len(key) + len(value)
            if room < 0:
                break
            kept[key] = value
        self._macros[stage] = kept

    def _leave(self, command: int) -> Event:
        """ABORT, QUIT and QUIT_NC: at any time, without a reply."""
        self._waiting = ""
        self._phase = _READY
        for stage in _MESSAGE_STAGES:
            self._macros.pop(stage, None)
        if command == ord("A"):
            return Abort()
        self._macros.clear()
        self.ended = command == ord("Q")
        return Quit(again=not self.ended)

    def _event(self, command: int, payload: bytes) -> Event:
        letter = chr(command)
        if letter == "B":
            self._phase = _BODY
            return Body(payload)
        if letter == "L":
            self._phase = _HEADERS
            fields = _strings(payload, "HEADER", exactly=2)
            return Header(fields[0], fields[1])
        if letter == "E":
            self._phase = _END
            return EndOfMessage(payload)
        if letter == "N":
            self._phase = _BODY
            return EndOfHeaders()
        if letter in "MR":
            fields = _strings(payload, "MAIL" if letter == "M" else "RCPT")
            address, parameters = _path(fields[0]), tuple(_text(field) for field in fields[1:33])
            if letter == "R":
                self._phase = _RCPT
                return RcptTo(address, parameters)
            # A second MAIL inside a message: the one before was refused by the server itself. It begins anew.
            self._phase = _MAIL
            return MailFrom(address, parameters)
        if letter == "C":
            return _connect(payload)
        if letter == "H":
            self._phase = _READY  # EHLO in the middle of a message begins anew (RFC 5321 §4.1.4)
            return Helo(_text(_strings(payload, "HELO", exactly=1)[0]))
        if letter == "T":
            return Data()
        return Unknown(payload.rstrip(b"\0"))


_ALL_ACTIONS = int(~Action(0))
_ALL_STEPS = int(~Step(0))
_MACRO_ORDER = tuple(map(ord, "ENLTRMHC"))  # the latest stage knows best
_MESSAGE_STAGES = tuple(map(ord, "ENLTRM"))


def _strings(payload: bytes, command: str, exactly: int = 0) -> list[bytes]:
    """The NUL-ended texts of a packet; at least one, or exactly so many."""
    if not payload.endswith(b"\0"):
        raise MilterError(f"{command} does not end with NUL")
    found = payload[:-1].split(b"\0")
    if exactly and len(found) != exactly:
        raise MilterError(f"{command} holds {len(found)} texts; {exactly} expected")
    return found


def _connect(payload: bytes) -> Connect:
    host, separator, rest = payload.partition(b"\0")
    if not separator or not rest:
        raise MilterError("CONNECT without host name or address family")
    family = chr(rest[0])
    if family == "U":
        return Connect(_text(host), "U", 0, "")
    if family not in "46L":
        raise MilterError(f"CONNECT with unknown address family {family!r}")
    if len(rest) < 4 or not rest.endswith(b"\0") or b"\0" in rest[3:-1]:
        raise MilterError("CONNECT without port, or without an address that ends with NUL")
    address = _text(rest[3:-1])
    return Connect(_text(host), family, int.from_bytes(rest[1:3], "big"), address[5:] if address[:5].lower() == "ipv6:" else address)


def _path(field: bytes) -> str:
    """An address without the angle brackets of SMTP (RFC 5321 §4.1.2)."""
    text = _text(field).strip()
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _macro_name(field: bytes) -> str:
    text = _text(field)
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text


def _text(field: bytes) -> str:
    """Envelope text: UTF-8 (RFC 6531), at most 1,000 bytes, anything unreadable replaced."""
    return field[:1000].decode("utf-8", "replace")
