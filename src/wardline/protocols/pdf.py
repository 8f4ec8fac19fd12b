"""PDF: where it leads and what it does when it opens (ISO 32000-1 §7.3, §7.5.7, §12.6.4).

    look(b"%PDF-1.4 … /A << /S /URI /URI (http://192.0.2.9/a) >> …") -> Document(urls=("http://192.0.2.9/a",), flags=())

Not a PDF reader: actions are found by their names, in the clear and in compressed streams, of which a bounded number is inflated to a
bounded size. Linear, never raises.
"""

import re
import zlib

import msgspec

_URI = re.compile(rb"/URI\s{0,8}+(?:\(((?:[^()\\]|\\.){0,2048}+)\)|<([0-9A-Fa-f\s]{0,4096}+)>)", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n")
_ESCAPE = re.compile(rb"\\([nrtbf()\\]|[0-7]{1,3}|\r?\n)")
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_FLAGS = (
    (b"/Encrypt", "encrypted_document"),
    (b"/JavaScript", "pdf_javascript"),
    (b"/Launch", "pdf_launch"),
    (b"/EmbeddedFile", "pdf_embedded_file"),
    (b"/OpenAction", "pdf_open_action"),
    (b"/AcroForm", "pdf_form"),
    (b"/SubmitForm", "pdf_submit"),
    (b"/XFA", "pdf_xfa"),
)
STREAMS = 48
STREAM_BYTES = 65536
INFLATED_BYTES = 524288
ATTEMPTS = 512


class Document(msgspec.Struct, gc=False):
    """Links of a PDF (at most 32) and what it carries: encrypted_document, pdf_javascript, pdf_launch, pdf_embedded_file, …"""

    urls: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def look(data: bytes, max_urls: int = 32) -> Document:
    """Read `data` and the beginning of its compressed streams."""
    texts = [data, *_inflated(data)]
    urls: dict[str, None] = {}
    flags: dict[str, None] = {}
    attempts = 0
    for text in texts:
        for mark, flag in _FLAGS:
            if mark in text:
                flags[flag] = None
        at = text.find(b"/URI")
        while at >= 0 and attempts < ATTEMPTS and len(urls) < max_urls:
            attempts += 1
            match = _URI.match(text, at)
            address = _string(match[1], match[2]) if match else ""
            if address:
                urls[address] = None
            at = text.find(b"/URI", match.end() if match else at + 4)
    return Document(tuple(urls), tuple(flags))


def _string(literal: bytes | None, digits: bytes | None) -> str:
    """A literal or hexadecimal string (ISO 32000-1 §7.3.4), at most 2,048 characters."""
    if digits is not None and literal is None:
        pairs = b"".join(digits.split())
        raw = bytes.fromhex(pairs[: len(pairs) // 2 * 2].decode("ascii"))
    else:
        raw = _ESCAPE.sub(_unescape, (literal or b"")[:4096])
    if raw[:2] == b"\xfe\xff":
        return raw[2:].decode("utf-16-be", "replace")[:2048]
    return raw.decode("latin-1")[:2048].strip()


def _unescape(match: "re.Match[bytes]") -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes((int(code, 8) & 255,))
    return _PLAIN.get(code, b"" if code.endswith(b"\n") else code)


def _inflated(data: bytes) -> list[bytes]:
    """The first 64 KB of each of the first compressed streams that are not pictures or fonts, half a megabyte in all."""
    out: list[bytes] = []
    left = INFLATED_BYTES
    for count, match in enumerate(_STREAM.finditer(data)):
        if count >= STREAMS or left <= 0:
            break
        before = data[max(0, match.start() - 300) : match.start()]
        before = before[before.rfind(b"obj") + 3 :]
        if b"FlateDecode" not in before or b"/Image" in before or b"/Length1" in before:
            continue
        try:
            plain = zlib.decompressobj().decompress(data[match.end() : match.end() + STREAM_BYTES], STREAM_BYTES)
        except zlib.error:
            continue
        left -= len(plain)
        out.append(plain)
    return out
