"""The mail server's half of the milter protocol, without I/O: how to play a message to a filter, and to read what it answers.

    connection.sendall(opening()); version, steps = agreed(answer)
    for packet, waits in conversation(raw, client_ip="192.0.2.7", sender="a@example.com", recipients=("b@example.net",), steps=steps):
        connection.sendall(packet)                       # where `waits`, read replies until one is `final`
    Replies().receive(b"\\0\\0\\0\\x01c")                    -> [Answer(code="c", payload=b"")]

Used by the demo, by benchmarks and by tests, so that the door is measured by something that is not the door. Same reference as `milter`.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from wardline.protocols.milter import NO_STEPS, Step

CHUNK_BYTES = 65535
REPLY_LIMIT_BYTES = 1 << 20
VERDICTS = frozenset("cartdsy4f")  # what answers a command; everything else comes before it


class Answer(msgspec.Struct, frozen=True):
    """One reply packet of a filter: its code letter and the bytes behind it."""

    code: str
    payload: bytes

    @property
    def final(self) -> bool:
        """Whether the command is answered with this packet."""
        return self.code in VERDICTS

    def texts(self) -> list[str]:
        """The NUL-ended texts of the payload; of a header insertion or change the index comes first."""
        data, found = self.payload, []
        if self.code in "im":
            found.append(str(int.from_bytes(data[:4], "big")))
            data = data[4:]
        return found + [text.decode("utf-8", "replace") for text in data.rstrip(b"\0").split(b"\0")]


class Replies:
    """Cuts a filter's bytes into answers. Raises ValueError on a packet over 1 MiB or of length 0."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Answer]:
        """All answers that are whole with these bytes."""
        self._buffer += data
        found: list[Answer] = []
        at = 0
        while len(self._buffer) - at >= 4:
            length = int.from_bytes(self._buffer[at : at + 4], "big")
            if not 0 < length <= REPLY_LIMIT_BYTES:
                raise ValueError(f"a reply says it is {length} bytes long")
            if len(self._buffer) - at - 4 < length:
                break
            found.append(Answer(chr(self._buffer[at + 4]), bytes(self._buffer[at + 5 : at + 4 + length])))
            at += 4 + length
        del self._buffer[:at]
        return found


def packet(code: str, payload: bytes = b"") -> bytes:
    """One command packet."""
    return struct.pack(">I", len(payload) + 1) + code.encode("latin-1") + payload


def opening(version: int = 6, actions: int = 0x1FF, steps: int = 0x1FFFFF) -> bytes:
    """Option negotiation that offers everything."""
    return packet("O", struct.pack(">III", version, actions, steps))


def macros(command: str, values: Mapping[str, str]) -> bytes:
    """Macro definitions for the command that follows."""
    body = b"".join(_name(name) + b"\0" + value.encode() + b"\0" for name, value in values.items())
    return packet("D", command.encode() + body)


def connect(host: str, address: str, port: int = 25) -> bytes:
    """CONNECT for an IPv4 or IPv6 client, or of unknown family for an empty address."""
    if not address:
        return packet("C", host.encode() + b"\0U")
    family = b"6" if ":" in address else b"4"
    return packet("C", host.encode() + b"\0" + family + struct.pack(">H", port) + address.encode() + b"\0")


def fields(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Header fields (name, value with its leading blank, folds with LF) and the body with CRLF, as a mail server hands them to a filter."""
    lines = raw.replace(b"\r\n", b"\n").split(b"\n")
    names: list[bytes] = []
    values: list[list[bytes]] = []
    body_from = len(lines)
    for at, line in enumerate(lines):
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and values:
            values[-1].append(line)
        elif name and colon:
            names.append(name)
            values.append([value])
        else:
            # The empty line belongs to neither half; a line that is no field begins the body as it is.
            body_from = at + (not line)
            break
    return list(zip(names, (b"\n".join(value) for value in values), strict=True)), b"\r\n".join(lines[body_from:])


def conversation(
    raw: bytes,
    *,
    client_ip: str = "",
    client_name: str = "localhost",
    helo: str = "localhost",
    sender: str = "",
    recipients: Sequence[str] = (),
    queue_id: str = "",
    user: str = "",
    steps: Step = NO_STEPS,
) -> Iterator[tuple[bytes, bool]]:
    """The packets of one message after the opening, each with whether a reply is to be waited for under the negotiated `steps`."""
    yield connect(client_name, client_ip), not steps & Step.QUIET_CONNECT
    yield packet("H", helo.encode() + b"\0"), not steps & Step.QUIET_HELO
    yield macros("M", {"i": queue_id, **({"auth_authen": user} if user else {})}), False
    yield packet("M", f"<{sender}>".encode() + b"\0"), not steps & Step.QUIET_MAIL
    for recipient in recipients:
        yield packet("R", f"<{recipient}>".encode() + b"\0"), not steps & Step.QUIET_RCPT
    if not steps & Step.NO_DATA:
        yield packet("T"), not steps & Step.QUIET_DATA
    header, body = fields(raw)
    for name, value in header:
        text = value if steps & Step.LEADING_SPACE else value.removeprefix(b" ")
        yield packet("L", name + b"\0" + text + b"\0"), not steps & Step.QUIET_HEADER
    yield packet("N"), not steps & Step.QUIET_END_OF_HEADERS
    for start in range(0, len(body), CHUNK_BYTES):
        yield packet("B", body[start : start + CHUNK_BYTES]), not steps & Step.QUIET_BODY
    yield packet("E"), True


def agreed(answer: Answer) -> tuple[int, Step]:
    """Version and steps of a filter's answer to the opening. Raises ValueError for anything else."""
    if answer.code != "O" or len(answer.payload) < 12:
        raise ValueError(f"the filter answered the opening with {answer.code!r}")
    version, _, steps = struct.unpack(">III", answer.payload[:12])
    return version, Step(steps)


def _name(name: str) -> bytes:
    return (name if len(name) == 1 else "{" + name + "}").encode()
