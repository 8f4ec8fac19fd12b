"""Content-Transfer-Encodings: base64, quoted-printable, uuencode, undone for as much as the caller wants (RFC 2045 §6).

    Encoded(b"aGVsbG8=\\n", "base64").sample(100, 0) -> Sample(head=b"hello", tail=b"", size_bytes=5, cut=False, defects=set())

Broken input decodes as far as readers of mail decode it, and the defect is named. Only the head and the tail of a large body are
decoded, so the cost is bounded by what is asked for, except one linear pass to strip line ends out of base64.
"""

import binascii
import re

import msgspec

_NOT_BASE64 = bytes(sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")))
_ALLOWED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t "
_UU_BEGIN = re.compile(rb"(?:^|\n)begin[ \t]++([0-7]{3,4})[ \t]++([^\r\n]{1,255})\r?\n")


class Sample(msgspec.Struct, gc=False):
    """Decoded bytes: `head`, and when `cut` also `tail` (what lies between was not decoded). `size_bytes` is exact unless cut, else an estimate."""

    head: bytes = b""
    tail: bytes = b""
    size_bytes: int = 0
    cut: bool = False
    defects: set[str] = set()

    @property
    def data(self) -> bytes:
        """Head and tail together."""
        return self.head + self.tail if self.cut else self.head


def sample(data: bytes, encoding: str, head_bytes: int, tail_bytes: int) -> Sample:
    """Decode `data`, at most `head_bytes` from its start and `tail_bytes` from its end (both counted after decoding, up to rounding)."""
    if encoding == "base64":
        return _base64(data, head_bytes, tail_bytes)
    if encoding == "quoted-printable":
        head, tail, cut = _ends(data, head_bytes, tail_bytes)
        return Sample(binascii.a2b_qp(head), binascii.a2b_qp(tail) if cut else b"", len(data), cut) if cut else _quoted(head)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _uuencode(data, head_bytes + tail_bytes)
    head, tail, cut = _ends(data, head_bytes, tail_bytes)
    known = encoding in ("", "7bit", "8bit", "binary")
    return Sample(head, tail, len(data), cut, set() if known else {"unknown_encoding"})


def _quoted(data: bytes) -> Sample:
    decoded = binascii.a2b_qp(data)
    return Sample(decoded, b"", len(decoded))


def _ends(data: bytes, head_bytes: int, tail_bytes: int) -> tuple[bytes, bytes, bool]:
    if len(data) <= head_bytes + tail_bytes:
        return data, b"", False
    tail = data[len(data) - tail_bytes :] if tail_bytes else b""
    return data[:head_bytes], tail.partition(b"\n")[2] or tail, True


def _base64(data: bytes, head_bytes: int, tail_bytes: int) -> Sample:
    """RFC 2045 §6.8. Pieces that were encoded on their own and pasted together (padding in the middle) are decoded one by one, as readers do."""
    defects: set[str] = set()
    limit = (head_bytes + tail_bytes) * 4 // 3 + 8
    if len(data) > limit * 2 and tail_bytes == 0:
        data = data[: limit * 2]  # line ends are at most half of what a sane encoder writes; a head is all that is wanted
        over = True
    else:
        over = False
    if data[:65536].translate(None, _ALLOWED):
        defects.add("bad_base64")
    clean = data.translate(None, _NOT_BASE64)
    pad = clean.find(b"=")
    if pad >= 0 and clean[pad:].strip(b"="):
        defects.add("base64_pieces")
        pieces = clean[: limit * 2].split(b"=", 4096)
        pieces[-1] = pieces[-1].replace(b"=", b"")  # more pieces than anyone writes: the rest as one
        decoded = b"".join([_quads(piece, defects) for piece in pieces if piece])
        head, tail, cut = _cut(decoded, head_bytes, tail_bytes)
        return Sample(head, tail, len(decoded), cut or len(clean) > limit * 2, defects)
    stripped = clean.rstrip(b"=") if pad >= 0 else clean
    if len(clean) % 4 and stripped:
        defects.add("base64_padding")
    size = len(stripped) * 3 // 4
    if size <= head_bytes + tail_bytes:
        return Sample(_quads(stripped, defects), b"", size, over, defects)
    head = _quads(stripped[: head_bytes // 3 * 4 + 4], defects)
    start = len(stripped) - tail_bytes // 3 * 4
    tail = _quads(stripped[start - start % 4 :], defects) if tail_bytes else b""
    return Sample(head, tail, size, True, defects)


def _quads(piece: bytes, defects: set[str]) -> bytes:
    """Decode `piece` (no padding in it); a last lone character carries no byte and is dropped."""
    rest = len(piece) % 4
    if rest == 1:
        defects.add("base64_padding")
        piece = piece[:-1]
        rest = 0
    return binascii.a2b_base64(piece + b"=" * (-rest % 4) if rest else piece)


def _cut(data: bytes, head_bytes: int, tail_bytes: int) -> tuple[bytes, bytes, bool]:
    if len(data) <= head_bytes + tail_bytes:
        return data, b"", False
    return data[:head_bytes], data[len(data) - tail_bytes :], True


def _uuencode(data: bytes, max_bytes: int) -> Sample:
    begin = _UU_BEGIN.search(data[:4096])
    decoded, _, defects = uudecode(data, begin.end() if begin else 0, max_bytes)
    return Sample(decoded, b"", len(decoded), len(decoded) >= max_bytes, defects)


def uudecode(data: bytes, start: int, max_bytes: int) -> tuple[bytes, int, set[str]]:
    """Decode uuencoded lines from `start` to the `end` line or `max_bytes`: (bytes, offset behind the last line read, defects)."""
    out: list[bytes] = []
    size = 0
    at = start
    defects: set[str] = set()
    while at < len(data) and size < max_bytes:
        eol = data.find(b"\n", at, at + 200)
        if eol < 0:
            eol = min(len(data), at + 200)
        line = data[at:eol].rstrip(b"\r")
        if line.rstrip() == b"end":
            return b"".join(out), eol + 1, defects
        if line:
            try:
                piece = binascii.a2b_uu(line)
            except binascii.Error:
                # Trailing garbage is common: decode what the length character promises (as the email package of Python does).
                promised = (((line[0] - 32) & 63) * 4 + 5) // 3
                try:
                    piece = binascii.a2b_uu(line[:promised])
                except binascii.Error:
                    defects.add("bad_uuencode")
                    break
            out.append(piece)
            size += len(piece)
        at = eol + 1
    return b"".join(out), at, defects


def uu_files(data: bytes, *, max_files: int = 16) -> list[tuple[int, int, bytes]]:
    """Where uuencoded files begin in plain text: (offset of the begin line, offset of the first data line, name)."""
    if b"begin " not in data:
        return []
    found: list[tuple[int, int, bytes]] = []
    for match in _UU_BEGIN.finditer(data):
        first = data[match.end() : match.end() + 1]
        if first and 32 < first[0] <= 96:
            found.append((match.start(), match.end(), match[2]))
            if len(found) >= max_files:
                break
    return found
