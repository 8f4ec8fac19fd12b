"""Header fields: split a block, decode encoded words, read parameters, within limits (RFC 5322 §2.2, RFC 2047, RFC 2231).

    split(b"Subject: =?utf-8?q?caf=C3=A9?=\\nTo: a@example.com") -> Block(fields=[(b"Subject", b"=?utf-8?…"), …])
    decode(b"=?utf-8?q?caf=C3=A9?=")                             -> "café"
    parameters(b'text/plain; charset="utf-8"; name*0*=utf-8\\'\\'a%20; name*1=b') -> {"charset": "utf-8", "name": "a b"}

Mail programs disagree about broken headers, and senders use the disagreement. So nothing is thrown away here: a line that is no
field is handed back as `stray` and shown to the reader of the body, and every repair has a name in `defects`.
All functions take any bytes, never raise, and run in time linear in their input.
"""

import binascii
import re

import msgspec

from wardline.protocols import charset

# One field with its continuation lines, or a line that is no field. Possessive quantifiers: no backtracking on hostile input.
_FIELD = re.compile(rb"^(?:([!-9;-~]++)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*+)|(.++))", re.MULTILINE)
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?\n]*+)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s++(?==\?[^?\s]{1,64}\?[bBqQ]\?)")
# The look-behind lets a match start only where a word starts: one attempt for each word, so linear.
_PARAMETER = re.compile(r'(?<![^\s;])([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^;]*+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_CONTROL = bytes.maketrans(bytes(range(32)) + b"\x7f", b" " * 33)
_CONTROL_TEXT = re.compile("[\x00-\x1f\x7f-\x9f]")
_UNDERSCORE = bytes.maketrans(b"_", b" ")


class Block(msgspec.Struct, gc=False):
    """The fields of one header block in order: (name as written, value with folds kept), lines that are no field, and what was cut or repaired."""

    fields: list[tuple[bytes, bytes]] = []
    stray: list[bytes] = []
    limits: set[str] = set()
    defects: set[str] = set()


def split(block: bytes, *, max_bytes: int = 131072, max_fields: int = 512) -> Block:
    """The fields of `block` (without the blank line). Over a cap the first three quarters and the last quarter are kept (RFC 5322 §2.2).

    Line ends may be CRLF, LF or a lone CR; a lone CR is a defect, because programs disagree whether it ends a line.
    """
    limits: set[str] = set()
    defects: set[str] = set()
    if len(block) > max_bytes:
        limits.add("header_bytes")
        block = block[: max_bytes * 3 // 4] + b"\n" + block[-(max_bytes // 4) :].partition(b"\n")[2]
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        if b"\r" in block:
            defects.add("bare_cr")
            block = block.replace(b"\r", b"\n")
    rows = _FIELD.findall(block)
    fields: list[tuple[bytes, bytes]] = [(name, value) for name, value, _ in rows if name]
    stray: list[bytes] = []
    if len(fields) < len(rows):
        stray = [line for name, _, line in rows if not name][:1000]
        defects.add("stray_header_line")
    if len(fields) > max_fields:
        limits.add("headers")
        fields = fields[: max_fields * 3 // 4] + fields[-(max_fields // 4) :]
    return Block(fields, stray, limits, defects)


def unfold(value: bytes) -> bytes:
    """The value on one line (RFC 5322 §2.2.3): line breaks go, the indentation behind them stays, a tab there becomes a blank."""
    if b"\n" not in value:
        return value
    return value.replace(b"\r\n", b"\n").replace(b"\n\t", b" ").replace(b"\n", b"")


def clip(value: bytes, max_bytes: int) -> bytes:
    """At most `max_bytes` of `value`: its head (three quarters) and its tail (a quarter)."""
    if len(value) <= max_bytes:
        return value
    return value[: max_bytes * 3 // 4] + b" " + value[-(max_bytes // 4) :]


def decode(value: bytes, *, defects: set[str] | None = None) -> str:
    """The value as text: unfolded, encoded words decoded (RFC 2047), raw 8-bit read as UTF-8 or guessed, control characters blanked."""
    if b"\n" in value:
        value = value.replace(b"\r\n", b"\n").replace(b"\n\t", b" ").replace(b"\n", b"")
    if value.isascii():
        text = value.decode("ascii")
        if not text.isprintable():
            text = value.translate(_CONTROL).decode("ascii")
        return decode_words(text, defects=defects).strip() if "=?" in text else text.strip()
    value = value.translate(_CONTROL)
    if defects is not None:
        defects.add("raw_8bit_header")
    text, found = charset.decode(value, "")
    if defects is not None:
        defects.update(found)
    return (decode_words(text, defects=defects) if "=?" in text else _CONTROL_TEXT.sub(" ", text)).strip()


def decode_words(text: str, *, defects: set[str] | None = None) -> str:
    """`text` with its encoded words decoded; words of one charset that stand together are joined before decoding, as writers split characters."""
    text = _BETWEEN_WORDS.sub(r"\1", text)
    out: list[str] = []
    pending: list[bytes] = []
    pending_charset = ""
    at = 0

    def flush() -> None:
        if pending:
            decoded, found = charset.decode(b"".join(pending), pending_charset)
            if defects is not None:
                defects.update(found)
            out.append(decoded)
            pending.clear()

    for word in _WORD.finditer(text):
        name = word[1].partition("*")[0].lower()  # RFC 2231 §5: a language may follow
        if word.start() > at or name != pending_charset:
            flush()
            out.append(text[at : word.start()])
        pending_charset = name
        pending.append(_word_bytes(word[2], word[3], defects))
        at = word.end()
    if at == 0:
        return text
    flush()
    out.append(text[at:])
    return _CONTROL_TEXT.sub(" ", "".join(out))


def _word_bytes(kind: str, body: str, defects: set[str] | None) -> bytes:
    raw = body.encode("utf-8", "replace")
    if kind in "qQ":
        return binascii.a2b_qp(raw.translate(_UNDERSCORE).rstrip(b" ") if raw.endswith(b"_ ") else raw.translate(_UNDERSCORE), header=False)
    try:
        return binascii.a2b_base64(raw + b"==")
    except binascii.Error:
        if defects is not None:
            defects.add("bad_encoded_word")
        try:
            return binascii.a2b_base64(raw[: len(raw) - len(raw) % 4])
        except binascii.Error:
            return b""


def parameters(value: str, *, max_parameters: int = 64, defects: set[str] | None = None) -> dict[str, str]:
    """The parameters after the first `;`, names in lower case, RFC 2231 continuations joined and decoded, encoded words decoded.

    The first of two equal names wins, as most readers take it; the second is the defect `duplicate_parameter`.
    """
    simple = _simple_parameters(value)
    if simple is not None:
        return simple
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for count, match in enumerate(_PARAMETER.finditer(value)):
        if count >= max_parameters:
            if defects is not None:
                defects.add("too_many_parameters")
            break
        quoted = match[2]
        text = match[3].strip() if quoted is None else (_ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted)
        name = match[1].lower()
        if "*" in name:
            base, _, rest = name.partition("*")
            number = rest.rstrip("*")
            order = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
            pieces.setdefault(base, []).append((order, name.endswith("*"), text))
        elif name in plain:
            if defects is not None:
                defects.add("duplicate_parameter")
        else:
            plain[name] = decode_words(text, defects=defects) if "=?" in text else text
    for base, parts in pieces.items():
        plain[base] = _continued(parts, defects)
    return plain


def _simple_parameters(value: str) -> dict[str, str] | None:
    """The parameters of the common shape, `a/b; c=d; e="f"`, five times as fast; None for anything odd, which takes the long way."""
    first, *rest = value.split(";", 9)
    if len(rest) > 8 or "=" in first or "*" in value or "\\" in value or "=?" in value:
        return None
    found: dict[str, str] = {}
    for piece in rest:
        key, equals, text = piece.partition("=")
        key = key.strip().lower()
        text = text.strip()
        if text[:1] == '"' and len(text) > 1 and text.find('"', 1) == len(text) - 1:
            text = text[1:-1]
        if not equals or not key or key in found or not key.isidentifier() or '"' in text:
            if piece.strip():
                return None
            continue
        found[key] = text
    return found


def _continued(parts: list[tuple[int, bool, str]], defects: set[str] | None) -> str:
    """RFC 2231 §3 and §4: `name*0*=charset'language'text; name*1=more`, in numeric order."""
    parts.sort(key=lambda part: part[0])
    name = ""
    out = bytearray()
    for index, (_, extended, text) in enumerate(parts):
        if not extended:
            out += text.encode("utf-8", "replace")
            continue
        if index == 0 and text.count("'") >= 2:
            name, _, text = text.split("'", 2)
        out += _PERCENT.sub(lambda m: bytes((int(m[1], 16),)), text.encode("utf-8", "replace"))
    decoded, found = charset.decode(bytes(out), name.lower())
    if defects is not None:
        defects.update(found)
    return decoded
