"""A message as DKIM and ARC hash it: fields and body, in the two canonical forms, and the body's digests.

    relaxed_field(b"SubJect :  a \\t b\\r\\n c")  ->  b"subject:a b c"

Standard: RFC 6376 §3.4 and §3.7. Everything runs in linear time on any bytes: whole-buffer operations of `bytes` instead of loops
over lines, each distinct canonical form is made once, and all digests of one form (l= lets every signature choose a length) come from one pass.
"""

import hashlib
import re
from collections.abc import Iterable

import msgspec

# A header block longer than this, or of more fields, is cut: what is signed is read from what is left, and the results say so.
HEADER_LIMIT = 512 * 1024
FIELDS_LIMIT = 5000
# Line ends beyond this number are an attack on whoever counts lines: 10 MB of text have 150,000. Such a body is not looked at.
LINES_LIMIT = 1_000_000

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")


class Field(msgspec.Struct, frozen=True):
    """One header field: its name in lower case and its bytes as they stand, without the line end that closes it."""

    name: bytes
    raw: bytes


class SplitMessage(msgspec.Struct, frozen=True):
    """Fields from top to bottom, the body with CRLF line ends, and which limit cut something off: "header_limit", "lines_limit", "gateway_size" or ""."""

    fields: tuple[Field, ...]
    body: bytes
    cut: str = ""


def split(raw: bytes) -> SplitMessage:
    """Takes a message apart. Line ends may be CRLF or LF (files on disk); a CR alone is an ordinary character."""
    feeds, returns = raw.count(b"\n"), raw.count(b"\r")
    if max(feeds, returns) > LINES_LIMIT:
        return msgspec.structs.replace(split(raw[:HEADER_LIMIT]), body=b"", cut="lines_limit")
    if feeds and (feeds != returns or feeds != raw.count(b"\r\n")):
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if raw.startswith(b"\r\n"):
        return SplitMessage((), raw[2:])
    end = raw.find(b"\r\n\r\n")
    block = (raw if end < 0 else raw[:end]).removesuffix(b"\r\n")
    body = b"" if end < 0 else raw[end + 4 :]
    cut = "header_limit" if len(block) > HEADER_LIMIT else ""
    if cut:
        block = block[:HEADER_LIMIT].rpartition(b"\r\n")[0]
    pieces = _FIELD_END.split(block, FIELDS_LIMIT)
    if len(pieces) > FIELDS_LIMIT:
        cut = "header_limit"
        pieces.pop()
    return SplitMessage(tuple(Field(field_name(piece), piece) for piece in pieces if piece), body, cut)


def field_name(field: bytes) -> bytes:
    """The name in lower case; empty for a line that is no field."""
    name, colon, _ = field.partition(b":")
    return name.rstrip(b" \t").lower() if colon else b""


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 §3.4.2: name in lower case, unfolded, runs of blanks to one, none at the ends of the value."""
    name, _, value = field.partition(b":")
    value = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value


def canonical_field(field: bytes, form: str) -> bytes:
    """The field in the form "simple" or "relaxed", without the line end."""
    return relaxed_field(field) if form == "relaxed" else field


def select(fields: tuple[Field, ...], names: Iterable[str]) -> list[bytes]:
    """The fields that h= names, each name taking the lowest instance not yet taken (RFC 6376 §5.4.2). A name with none left adds nothing."""
    left: dict[bytes, list[bytes]] = {}
    for field in fields:
        left.setdefault(field.name, []).append(field.raw)
    chosen: list[bytes] = []
    for name in names:
        instances = left.get(name.strip().lower().encode("utf-8", "replace")) if name else None
        if instances:
            chosen.append(instances.pop())
    return chosen


def canonical_body(body: bytes, form: str) -> bytes:
    """The body in the form "simple" (RFC 6376 §3.4.3) or "relaxed" (§3.4.4). Expects CRLF line ends."""
    if form == "relaxed":
        body = _collapse(body.replace(b"\t", b" ")).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    body = _without_empty_lines(body)
    if body and not body.endswith(b"\r\n"):
        return body + b"\r\n"
    return body if body or form == "relaxed" else b"\r\n"


def _collapse(body: bytes) -> bytes:
    """Runs of spaces to one. Long runs go first in big steps, so that the passes are few whatever the body holds."""
    for length in (1024, 64, 8, 3, 2):
        run = b" " * length
        if run in body:
            body = body.replace(run, b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    return body


def _without_empty_lines(body: bytes) -> bytes:
    """Takes all empty lines off the end, leaving the line end of the last line that is not empty."""
    tail = body[len(body.rstrip(b"\r\n")) :]
    # Counted from the end, every second byte must be LF and the ones between CR: two lstrip instead of a loop over lines.
    feeds, returns = tail[::-2], tail[-2::-2]
    pairs = min(len(feeds) - len(feeds.lstrip(b"\n")), len(returns) - len(returns.lstrip(b"\r")))
    if pairs * 2 == len(body):
        return b""
    return body[: len(body) - 2 * max(pairs - 1, 0)]


class BodyDigest(msgspec.Struct, frozen=True):
    """A digest, and how many bytes of the canonical body it does not cover; -1 when l= asks for more than there is."""

    digest: bytes
    uncovered_bytes: int


BodyKey = tuple[str, str, int | None]  # form, hash ("sha256" or "sha1"), l= or None


def body_digests(body: bytes, wanted: Iterable[BodyKey]) -> dict[BodyKey, BodyDigest]:
    """All digests that the signatures of one message ask for; each form and hash takes one pass over the body."""
    found: dict[BodyKey, BodyDigest] = {}
    keys = set(wanted)
    for form in sorted({key[0] for key in keys}):
        canonical = memoryview(canonical_body(body, form))
        for algorithm in sorted({key[1] for key in keys if key[0] == form}):
            group = [key for key in keys if key[:2] == (form, algorithm)]
            hasher = hashlib.new(algorithm, usedforsecurity=False)
            done = 0
            for key in sorted(group, key=lambda one: len(canonical) if one[2] is None else one[2]):
                length = len(canonical) if key[2] is None else key[2]
                if length > len(canonical):
                    found[key] = BodyDigest(b"", -1)
                    continue
                hasher.update(canonical[done:length])
                done = length
                found[key] = BodyDigest(hasher.copy().digest(), len(canonical) - length)
    return found
