"""What a filter may say in the milter protocol: verdicts and modifications, and their bytes.

    encode(Quarantine("held for review"))             -> b"\\0\\0\\0\\x11qheld for review\\0"
    encode(ReplyCode(550, "5.7.1", "Message refused")) -> b"\\0\\0\\0\\x1by550 5.7.1 Message refused\\0"

Codes are those of libmilter/mfdef.h (SMFIR_…, SMFIF_…). A text that would break a packet, a header line or an SMTP line (NUL, CR, LF, `%` in
a reply code, which Sendmail expands) is made harmless here, so that no caller can forget it.
"""

import enum
import struct

import msgspec

REPLY_TEXT_LIMIT = 400  # RFC 5321 §4.5.3.1.5 allows 512 characters of reply line, code and CRLF included


class Action(enum.IntFlag):
    """What a server lets a filter do (SMFIF_…)."""

    ADD_HEADERS = 0x1
    CHANGE_BODY = 0x2
    ADD_RECIPIENTS = 0x4
    DELETE_RECIPIENTS = 0x8
    CHANGE_HEADERS = 0x10
    QUARANTINE = 0x20
    CHANGE_FROM = 0x40
    ADD_RECIPIENTS_WITH_PARAMETERS = 0x80
    SET_MACROS = 0x100


class Verdict(msgspec.Struct, frozen=True):
    """A reply that answers the command in hand."""


class Continue(Verdict, frozen=True):
    """Go on."""


class Accept(Verdict, frozen=True):
    """Take the message (or the whole connection) and ask no more about it."""


class Reject(Verdict, frozen=True):
    """Refuse with the server's own 5xx text."""


class TempFail(Verdict, frozen=True):
    """Refuse for now with the server's own 4xx text."""


class Discard(Verdict, frozen=True):
    """Take the message and throw it away in silence."""


class Skip(Verdict, frozen=True):
    """Enough of the body was seen."""


class ReplyCode(Verdict, frozen=True):
    """Refuse with an SMTP code (4xx or 5xx), an enhanced status code (RFC 3463) and a text."""

    code: int
    enhanced: str
    text: str


class Shutdown(Verdict, frozen=True):
    """421: end the SMTP session."""


class ConnectionFailure(Verdict, frozen=True):
    """Make the SMTP connection fail."""


class Progress(msgspec.Struct, frozen=True):
    """Still working: starts the server's time-out anew."""


class Modification(msgspec.Struct, frozen=True):
    """A change of the message or its envelope, allowed at its end."""


class AddHeader(Modification, frozen=True):
    """Add a field at the end of the header."""

    name: bytes
    value: bytes


class InsertHeader(Modification, frozen=True):
    """Insert a field at a place in the header, 0 being the top."""

    index: int
    name: bytes
    value: bytes


class ChangeHeader(Modification, frozen=True):
    """Change the index-th field of a name (from 1); an empty value deletes it."""

    index: int
    name: bytes
    value: bytes


class Quarantine(Modification, frozen=True):
    """Hold the message on the server for this reason."""

    reason: str


class AddRecipient(Modification, frozen=True):
    """Add an envelope recipient, with ESMTP parameters where given."""

    address: str
    parameters: str = ""


class DeleteRecipient(Modification, frozen=True):
    """Remove an envelope recipient."""

    address: str


class ChangeFrom(Modification, frozen=True):
    """Change the envelope sender."""

    address: str
    parameters: str = ""


class ReplaceBody(Modification, frozen=True):
    """Replace the body, piece by piece (64 KiB at most each)."""

    chunk: bytes


Reply = Verdict | Progress | Modification

_VERDICTS: dict[type[Verdict] | type[Progress], bytes] = {
    Continue: b"c",
    Accept: b"a",
    Reject: b"r",
    TempFail: b"t",
    Discard: b"d",
    Skip: b"s",
    Shutdown: b"4",
    ConnectionFailure: b"f",
    Progress: b"p",
}

_NEEDS: dict[type[Modification], Action] = {
    AddHeader: Action.ADD_HEADERS,
    InsertHeader: Action.ADD_HEADERS,
    ChangeHeader: Action.CHANGE_HEADERS,
    Quarantine: Action.QUARANTINE,
    AddRecipient: Action.ADD_RECIPIENTS,
    DeleteRecipient: Action.DELETE_RECIPIENTS,
    ChangeFrom: Action.CHANGE_FROM,
    ReplaceBody: Action.CHANGE_BODY,
}


def needs(change: Modification) -> Action:
    """The action that must have been negotiated for a modification."""
    if isinstance(change, AddRecipient) and change.parameters:
        return Action.ADD_RECIPIENTS_WITH_PARAMETERS
    return _NEEDS[type(change)]


def encode(reply: Reply) -> bytes:
    """The packet of one reply."""
    match reply:
        case ReplyCode(code, enhanced, text):
            if not 400 <= code <= 599 or not enhanced.startswith(f"{code // 100}."):
                raise ValueError(f"{code} {enhanced}: a reply code is 4xx or 5xx and its enhanced code begins with the same digit")
            return _packet(b"y", f"{code} {enhanced} {smtp_text(text)}".encode("ascii") + b"\0")
        case AddHeader(name, value):
            return _packet(b"h", _field_name(name) + b"\0" + _field_value(value) + b"\0")
        case InsertHeader(index, name, value):
            return _packet(b"i", struct.pack(">I", index) + _field_name(name) + b"\0" + _field_value(value) + b"\0")
        case ChangeHeader(index, name, value):
            return _packet(b"m", struct.pack(">I", index) + _foreign_name(name) + b"\0" + _field_value(value) + b"\0")
        case Quarantine(reason):
            return _packet(b"q", smtp_text(reason).encode("ascii") + b"\0")
        case AddRecipient(address, parameters) if parameters:
            return _packet(b"2", _bare(address) + b"\0" + _bare(parameters) + b"\0")
        case AddRecipient(address, _):
            return _packet(b"+", _bare(address) + b"\0")
        case DeleteRecipient(address):
            return _packet(b"-", _bare(address) + b"\0")
        case ChangeFrom(address, parameters):
            return _packet(b"e", _bare(address) + b"\0" + (_bare(parameters) + b"\0" if parameters else b""))
        case ReplaceBody(chunk):
            if len(chunk) > 65535:
                raise ValueError(f"a piece of body has {len(chunk)} bytes; 65,535 are allowed")
            return _packet(b"b", chunk)
        case _:
            return _packet(_VERDICTS[type(reply)], b"")  # type: ignore[index]


def smtp_text(text: str) -> str:
    """A text fit for one SMTP reply line: printable ASCII, without `%`, at most 400 characters, never empty."""
    kept = "".join(character if " " <= character <= "~" and character != "%" else " " for character in text[:REPLY_TEXT_LIMIT])
    return kept.strip() or "refused"


def _packet(code: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 1) + code + payload


def _field_name(name: bytes) -> bytes:
    """A field name is visible ASCII without a colon (RFC 5322 §2.2)."""
    if not name or any(not 33 <= byte <= 126 or byte == 0x3A for byte in name):
        raise ValueError(f"{name[:40]!r} is no header field name")
    return name


def _foreign_name(name: bytes) -> bytes:
    """The name of a field that somebody else wrote: whatever the server called it, as long as it does not break the packet."""
    if not name or b"\0" in name:
        raise ValueError("a field name is neither empty nor holds NUL")
    return name


def _field_value(value: bytes) -> bytes:
    """Folds stay (as LF and blank, which is what servers expect); a line break that would begin a new field, and NUL, become blanks."""
    if not any(byte in value for byte in b"\0\r\n"):
        return value
    lines = value.replace(b"\0", b" ").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"\n".join([lines[0], *(line if line[:1] in (b" ", b"\t") else b" " + line for line in lines[1:])])


def _bare(text: str) -> bytes:
    return text.replace("\0", "").replace("\r", "").replace("\n", "").encode("utf-8")
