"""A message as a tree of parts, found in one bounded pass over the bytes (RFC 2045, RFC 2046, RFC 5322).

    parse(b"From: a@example.com\\nContent-Type: multipart/mixed; boundary=b\\n\\n--b\\n\\nhello\\n--b--\\n")
      -> Message(fields=[(b"From", b"a@example.com"), …], root=Part("multipart/mixed", children=[Part("text/plain")]))

Parts are offsets into the received bytes: nothing is copied or decoded until a caller asks with `Part.sample`. Every cap holds while
parsing and is named in `Message.limits`: where one is hit the head AND the tail are read, so that nothing hides behind it. Line ends
may be CRLF, LF or a lone CR. Never raises on any bytes.

Where mail programs disagree, both readings are kept: parts after the closing delimiter, text before the first delimiter, a boundary
that is declared wrongly, header lines that are none. Each is a defect by name.
"""

import re
from collections.abc import Iterator

import msgspec

from wardline.protocols import headers, transfer

_TYPE = re.compile(r"\s*+([a-z0-9!#$&^_.+-]++)\s*+/\s*+([a-z0-9!#$&^_.+*-]++)")
_BLANKS = re.compile(rb"(?:[ \t]*+\r?\n)*+")
_USUAL_FIRST_FIELD = re.compile(
    rb"(?:received|from|to|cc|subject|date|message-id|return-path|delivered-to|mime-version|content-[a-z-]{4,30}|x-[a-z-]{1,40}|reply-to|sender|"
    rb"dkim-signature|arc-[a-z-]{4,30}|authentication-results|from )[ \t]*+[: ]",
    re.IGNORECASE,
)
_DELIMITER_REST = re.compile(rb"(--)?+[ \t\r]*+(?:\n|\Z)")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_FIRST_FIELD = re.compile(rb"[!-9;-~]++[ \t]*+:")
_CONTENT_FIELD = re.compile(rb"[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[!-9;-~]++:")
_STRAY = re.compile(rb"^(?![!-9;-~]++[ \t]*+:)[^ \t\r\n]", re.MULTILINE)
_FIELD_LINE = re.compile(rb"^[!-9;-~]++[ \t]*+:", re.MULTILINE)
_GUESS_BOUNDARY = re.compile(rb"(?:^|\n)--([0-9A-Za-z'()+_,./:=? -]{1,200})\r?\n(?:[!-9;-~]++[ \t]*+:|\r?\n)")
_NESTED = re.compile(rb"\n--[^\r\n]{1,200}\r?\n(?=[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-)")
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news", "message/partial"})
_CONTENT = frozenset({b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Caps that hold while parsing. A cap that is hit is named in `Message.limits` by the word in brackets."""

    size_bytes: int = 32 * 1024 * 1024  # [size] read of a message; of a larger one three quarters from its head and a quarter from its tail
    parts: int = 200  # [parts] leaves and containers together
    tail_parts: int = 24  # read from the end of the container that hit the cap
    depth: int = 16  # [depth] containers within containers
    header_bytes: int = 131072  # [header_bytes] of the message's own header block
    part_header_bytes: int = 16384  # [header_bytes] of one part's
    all_header_bytes: int = 1048576  # [header_bytes] of all blocks together
    fields: int = 512  # [headers] in one block
    misses: int = 4096  # [parts] lines that begin like a delimiter and are none
    scan_factor: int = 3  # [depth] the bytes searched for delimiters, as a multiple of the size


class Part(msgspec.Struct, kw_only=True, gc=False):
    """One part. `content_type` is "text/plain" for what states none. `start` and `end` delimit its body within `buffer`."""

    content_type: str = "text/plain"
    declared: bool = False
    parameters: dict[str, str] = {}
    disposition: str = ""
    name: str = ""
    encoding: str = ""
    content_id: str = ""
    depth: int = 0
    buffer: bytes = b""
    start: int = 0
    end: int = 0
    fields: list[tuple[bytes, bytes]] = []
    stray: list[bytes] = []
    children: list["Part"] = []
    is_message: bool = False  # the root of this message or of one that it carries
    outside: tuple[tuple[int, int], ...] = ()  # of a multipart: what stands before the first and behind the last delimiter

    @property
    def charset(self) -> str:
        """The declared charset, "" when none is."""
        return self.parameters.get("charset", "").strip(" '\"")

    def sample(self, head_bytes: int, tail_bytes: int = 0) -> transfer.Sample:
        """The body without its transfer encoding: at most so many bytes from its head and its tail."""
        size = self.end - self.start
        if self.encoding == "base64" or size <= head_bytes + tail_bytes:
            if tail_bytes == 0 and size > head_bytes * 4:
                return self._head(head_bytes, size)
            return transfer.sample(self.buffer[self.start : self.end], self.encoding, head_bytes, tail_bytes)
        # Cut before decoding; quoted-printable shrinks, so what comes back may be shorter than asked for.
        head = transfer.sample(self.buffer[self.start : self.start + head_bytes], self.encoding, head_bytes, 0)
        tail = b""
        if tail_bytes:
            raw = self.buffer[self.end - tail_bytes : self.end]
            tail = transfer.sample(raw.partition(b"\n")[2] or raw, self.encoding, tail_bytes, 0).head
        return transfer.Sample(head.head, tail, size, True, head.defects)

    def _head(self, head_bytes: int, size: int) -> transfer.Sample:
        sample = transfer.sample(self.buffer[self.start : self.start + head_bytes * 4], self.encoding, head_bytes, 0)
        estimate = size * 3 // 4 if self.encoding == "base64" else size
        return transfer.Sample(sample.head, b"", estimate, True, sample.defects)

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in order of appearance."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


class Message(msgspec.Struct, kw_only=True, gc=False):
    """A parsed message. `fields` are the top header fields in order, values as received (folds kept)."""

    root: Part
    fields: list[tuple[bytes, bytes]]
    stray: list[bytes]
    limits: set[str]
    defects: set[str]
    size_bytes: int

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field, in order, by name in lower case."""
        return [value for key, value in self.fields if key.lower() == name]

    def decoded(self) -> list[tuple[str, str]]:
        """The fields as text: names as written, values unfolded and decoded."""
        return [(key.decode("ascii"), headers.decode(value, defects=self.defects)) for key, value in self.fields]


def parse(raw: bytes, limits: Limits = Limits()) -> Message:
    """The tree of `raw`. Time and memory are linear in `raw` and bounded by `limits`; never raises."""
    parser = _Parser(limits)
    buffer = parser.tame(raw)
    parser.scan_left = limits.scan_factor * len(buffer) + 65536
    start = parser.lead(buffer, 0, len(buffer))
    root = parser.entity(buffer, start, len(buffer), 0, message=True)
    if not root.fields:
        parser.defects.add("no_headers")
    if not raw.strip():
        parser.defects.add("empty")
    return Message(root=root, fields=root.fields, stray=root.stray, limits=parser.limits, defects=parser.defects, size_bytes=len(raw))


class _Parser:
    """The state of one parse: what is left of each budget."""

    def __init__(self, caps: Limits) -> None:
        self.caps = caps
        self.limits: set[str] = set()
        self.defects: set[str] = set()
        self.parts_left = caps.parts
        self.header_bytes_left = caps.all_header_bytes
        self.scan_left = 0
        self.misses_left = caps.misses
        self.flat_left = 80  # leaves that are taken from where the tree is not followed

    def tame(self, raw: bytes) -> bytes:
        """`raw` within the size cap, and with LF line ends where it uses lone CRs or CRCRLF as line ends."""
        if b"\0" in raw:
            self.defects.add("nul_bytes")
        size = self.caps.size_bytes
        if len(raw) > size:
            self.limits.add("size")
            raw = raw[: size * 3 // 4] + b"\n" + raw[-(size // 4) :]
        head = raw[:16384]
        if b"\r" in head:
            plain = head.replace(b"\r\n", b"\n")
            if b"\r\r\n" in head or (b"\r" in plain and plain.count(b"\r") > plain.count(b"\n")):
                self.defects.add("bare_cr")
                if len(raw) > 2097152:
                    self.limits.add("size")
                    raw = raw[:1572864] + b"\n" + raw[-524288:]
                raw = raw.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return raw

    def lead(self, buffer: bytes, start: int, end: int) -> int:
        """Where the first field of a message stands: behind the separator line of an mbox (RFC 4155), and behind blank lines when a usual field
        follows them; other text behind a blank line is a body without a header."""
        blank = _BLANKS.match(buffer, start, end)
        if blank is not None and blank.end() > start and _USUAL_FIRST_FIELD.match(buffer, blank.end(), end):
            self.defects.add("leading_blank_lines")
            start = blank.end()
        if buffer.startswith((b"From ", b">From "), start, end):
            start = buffer.find(b"\n", start, end) + 1 or end
        return start

    def entity(self, buffer: bytes, start: int, end: int, depth: int, *, message: bool = False, default: str = "text/plain") -> Part:
        """One entity: its header block, then its body by type (RFC 2045 §2.4)."""
        self.parts_left -= 1
        block_end, body = self.header_end(buffer, start, end, message)
        part = Part(depth=depth, buffer=buffer, start=body, end=end, is_message=message, content_type=default)
        if block_end > start:
            self.read_header(part, buffer, start, block_end, message)
            if part.stray:
                early = self.early_body(part, buffer, start, block_end)
                if early >= 0:
                    part = Part(depth=depth, buffer=buffer, start=early, end=end, is_message=message, content_type=default)
                    if early > start:
                        self.read_header(part, buffer, start, early, message)
        kind = part.content_type
        if kind.startswith("multipart/"):
            self.multipart(part, depth)
        elif kind in _MESSAGES:
            self.enclosed(part, depth)
        return part

    def early_body(self, part: Part, buffer: bytes, start: int, end: int) -> int:
        """Where the body begins when the blank line before it is missing or holds blanks: at a delimiter, behind a line of blanks, or at the first
        line that is no field when no field follows. -1 when the lines that are no fields stand among fields."""
        stop = min(end, start + self.caps.header_bytes)
        stray = _STRAY.search(buffer, start, stop)
        if stray is None:
            return -1
        at = stray.start()
        before = buffer[max(start, at - 200) : at].rstrip(b"\r\n").rpartition(b"\n")[2]
        delimiter = buffer.startswith(b"--", at)
        if delimiter or not before.strip() or _FIELD_LINE.search(buffer, at, stop) is None:
            return at
        return at if at == start and len(part.stray) > len(part.fields) else -1

    def header_end(self, buffer: bytes, start: int, end: int, message: bool) -> tuple[int, int]:
        """(end of the header block, start of the body). A part may begin with its blank line: it has no header."""
        if start >= end:
            return start, end
        if buffer[start] == 10:
            return start, start + 1
        if buffer[start] == 13 and buffer[start + 1 : start + 2] == b"\n":
            return start, min(start + 2, end)
        if not _FIRST_FIELD.match(buffer, start, end):
            first = buffer.find(b"\n", start, min(end, start + 2000))
            # A line of nonsense on top of real fields is skipped; a text without any field is all body.
            if not message or first < 0 or not _FIRST_FIELD.match(buffer, first + 1, end):
                if not message:
                    self.defects.add("part_without_headers")
                return start, start
        blank = _BLANK_LINE.search(buffer, start, end)
        if blank is None:
            self.defects.add("no_body")
            return end, end
        return blank.start() + 1, blank.end()

    def read_header(self, part: Part, buffer: bytes, start: int, end: int, message: bool) -> None:
        """Fill the fields of `part`, and what they say about its content."""
        cap = self.caps.header_bytes if part.depth == 0 else self.caps.part_header_bytes
        cap = max(1024, min(cap, self.header_bytes_left))
        if end - start > cap + 1:
            self.limits.add("header_bytes")
            raw = buffer[start : start + cap * 3 // 4] + b"\n" + buffer[end - cap // 4 : end].partition(b"\n")[2]
        else:
            raw = buffer[start:end]
        self.header_bytes_left -= len(raw)
        block = headers.split(raw, max_bytes=cap + 2, max_fields=self.caps.fields)
        self.limits |= block.limits
        self.defects |= block.defects
        part.fields = block.fields
        part.stray = block.stray
        seen: dict[bytes, bytes] = {}
        types: list[bytes] = []
        for name, value in block.fields:
            if name[0] not in b"cC" or (key := name.lower()) not in _CONTENT:
                continue
            if key == b"content-type":
                types.append(value)
            elif key not in seen:
                seen[key] = value
            elif key == b"content-transfer-encoding":
                self.defects.add("duplicate_encoding")
        if types:
            self.content_type(part, types)
        if seen:
            self.content_fields(part, seen)
        if not part.name and "name" in part.parameters:
            part.name = part.parameters["name"][:512]

    def content_fields(self, part: Part, seen: dict[bytes, bytes]) -> None:
        value = seen.get(b"content-transfer-encoding")
        if value is not None:
            part.encoding = value.partition(b";")[0].partition(b"(")[0].strip(b" \t\r\n\"'.").lower()[:40].decode("latin-1")
        value = seen.get(b"content-disposition")
        if value is not None:
            text = _ascii_text(value)
            part.disposition = text.partition(";")[0].strip().lower()[:40]
            if ";" in text:
                found = headers.parameters(text, defects=self.defects)
                part.name = found.get("filename", "")[:512]
        value = seen.get(b"content-id")
        if value is not None:
            part.content_id = value.strip(b" \t\r\n<>")[:200].decode("latin-1")

    def content_type(self, part: Part, values: list[bytes]) -> None:
        """RFC 2045 §5. Of several Content-Type fields the one that shows most wins, since some reader follows it."""
        if len(values) > 1:
            self.defects.add("duplicate_content_type")
            values = values[:8]
            values.sort(key=lambda value: (b"boundary" not in value.lower(), b"text/html" not in value.lower()))
        text = _ascii_text(values[0])
        match = _TYPE.match(text[:200].lower())
        if match is None:
            self.defects.add("bad_content_type")
            return
        part.content_type = f"{match[1]}/{match[2]}"[:100]
        part.declared = True
        if ";" in text:
            part.parameters = headers.parameters(text, defects=self.defects)

    def multipart(self, part: Part, depth: int) -> None:
        """Split a multipart body at its delimiter lines (RFC 2046 §5.1)."""
        buffer, start, end = part.buffer, part.start, part.end
        if depth >= self.caps.depth or self.parts_left <= 0 or self.scan_left <= 0:
            self.limits.add("depth" if depth >= self.caps.depth or self.scan_left <= 0 else "parts")
            self.flatten(part, depth)
            return
        boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")[:200]
        if not boundary:
            self.defects.add("missing_boundary")
        opens, closed = self.delimiters(buffer, start, end, boundary) if boundary else ([], -1)
        if not opens:
            if part.encoding in ("base64", "quoted-printable") and self.reread(part, depth):
                return
            guess = _GUESS_BOUNDARY.search(buffer, max(0, start - 1), min(end, start + 65536))
            if guess is not None and not _CONTENT_FIELD.match(buffer, start, end) and guess[1].rstrip() != boundary:
                self.defects.add("wrong_boundary")
                boundary = guess[1].rstrip()
                opens, closed = self.delimiters(buffer, start, end, boundary)
        if not opens and _CONTENT_FIELD.match(buffer, start, end):
            self.defects.add("wrong_boundary")
            part.children = [self.entity(buffer, start, end, depth + 1)]
            return
        if not opens:
            self.defects.add("no_parts")
            part.children = [Part(depth=depth + 1, buffer=buffer, start=start, end=end, encoding=part.encoding)]
            return
        if closed < 0:
            self.defects.add("missing_close_delimiter")
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        part.children = []
        for line, begin, stop in opens:
            if line > closed >= 0:
                self.defects.add("parts_after_close")
            part.children.append(self.entity(buffer, begin, max(begin, stop), depth + 1, default=default))
        last = closed if closed >= 0 else end
        part.outside = (
            (start, max(start, opens[0][0])),
            (min(last + len(boundary) + 5, end), end) if closed > opens[-1][0] else (end, end),
        )

    def delimiters(self, buffer: bytes, start: int, end: int, boundary: bytes) -> tuple[list[tuple[int, int, int]], int]:
        """([(offset of the delimiter line, start of its part, end of its part)], offset of the closing delimiter or -1)."""
        mark = b"\n--" + boundary
        lines: list[tuple[int, int]] = []  # (offset of the line break before the delimiter, start of what follows; -1 closes)
        at = max(0, start - 1)
        if start == 0 and buffer.startswith(mark[1:]):
            lines.append((0, self.after(buffer, len(mark) - 1, end)))
        allowed = max(self.parts_left - self.caps.tail_parts, 1)
        while True:
            found = buffer.find(mark, at, end)
            self.scan_left -= (end if found < 0 else found) - at
            if found < 0:
                break
            at = found + len(mark)
            follows = self.after(buffer, at, end)
            if follows == -2:
                self.misses_left -= 1
                if self.misses_left < 0:
                    self.limits.add("parts")
                    break
                continue
            lines.append((found, follows))
            if len(lines) > allowed:
                self.limits.add("parts")
                lines += self.last_delimiters(buffer, at, end, mark)
                break
        closed = next((offset for offset, follows in lines if follows == -1), -1)
        opens: list[tuple[int, int, int]] = []
        for index, (offset, follows) in enumerate(lines):
            if follows >= 0:
                stop = lines[index + 1][0] if index + 1 < len(lines) else end
                if stop > follows and buffer[stop - 1] == 13:
                    stop -= 1
                opens.append((offset, follows, stop))
        return opens, closed

    def last_delimiters(self, buffer: bytes, start: int, end: int, mark: bytes) -> list[tuple[int, int]]:
        """The last few delimiter lines of a container that holds more parts than the cap."""
        lines: list[tuple[int, int]] = []
        stop = end
        for _ in range(self.caps.tail_parts * 2):
            found = buffer.rfind(mark, start, stop)
            self.scan_left -= stop - max(found, start)
            if found < 0 or len(lines) >= self.caps.tail_parts:
                break
            follows = self.after(buffer, found + len(mark), end)
            if follows != -2:
                lines.append((found, follows))
            stop = found
        lines.reverse()
        return lines

    @staticmethod
    def after(buffer: bytes, at: int, end: int) -> int:
        """What follows a boundary: the start of the next line, -1 for a closing delimiter, -2 when the line is another one."""
        rest = _DELIMITER_REST.match(buffer, at, end)
        if rest is None:
            return -2
        return -1 if rest[1] else rest.end()

    def reread(self, part: Part, depth: int) -> bool:
        """A multipart in a transfer encoding, which RFC 2045 §6.4 forbids and some readers decode."""
        data = part.sample(1048576).head
        if b"--" not in data[:65536]:
            return False
        self.defects.add("encoded_multipart")
        part.buffer, part.start, part.end, part.encoding = data, 0, len(data), ""
        self.scan_left += len(data)
        self.multipart(part, depth)
        return True

    def enclosed(self, part: Part, depth: int) -> None:
        """A message within the message (RFC 2046 §5.2.1)."""
        if depth >= self.caps.depth or self.parts_left <= 0:
            self.limits.add("depth" if depth >= self.caps.depth else "parts")
            self.flatten(part, depth)
            return
        buffer, start, end = part.buffer, part.start, part.end
        if part.encoding in ("base64", "quoted-printable"):
            self.defects.add("encoded_message")
            buffer = part.sample(1048576).head
            start, end = 0, len(buffer)
            self.scan_left += len(buffer)
        start = self.lead(buffer, start, end)
        if start < end:
            part.children = [self.entity(buffer, start, end, depth + 1, message=True)]

    def flatten(self, part: Part, depth: int) -> None:
        """Below the cap on depth the tree is not followed: what looks like the first and the last parts is read as leaves."""
        buffer, start, end = part.buffer, part.start, part.end
        starts: list[int] = []
        keep = max(2, min(40, self.flat_left))
        reach = 262144
        windows = [(start, end)] if end - start <= 2 * reach else [(start, start + reach), (end - reach, end)]
        for low, high in windows:
            for match in _NESTED.finditer(buffer, max(low - 1, 0), high):
                starts.append(match.end())
                if len(starts) > keep:
                    del starts[keep // 4]  # keep a few of the first and more of the last
        if len(windows) > 1:  # between the windows: the first and the last text part as most programs spell it
            for found in (buffer.find(b"\nContent-Type: text/", start, end), buffer.rfind(b"\nContent-Type: text/", start, end)):
                line = buffer.rfind(b"\n--", max(start, found - 2000), found) if found > 0 else -1
                if line >= 0:
                    starts.append(buffer.find(b"\n", line + 1, end) + 1)
            starts = sorted(set(starts))
        self.flat_left -= len(starts)
        leaves = [Part(depth=depth + 1, buffer=buffer, start=start, end=starts[0] if starts else end)]
        for index, begin in enumerate(starts):
            stop = starts[index + 1] if index + 1 < len(starts) else end
            block_end, body = self.header_end(buffer, begin, stop, False)
            leaf = Part(depth=depth + 1, buffer=buffer, start=body, end=stop)
            self.read_header(leaf, buffer, begin, block_end, False)
            if not leaf.content_type.startswith("multipart/") and leaf.content_type not in _MESSAGES:
                leaves.append(leaf)
        part.children = leaves


def _ascii_text(value: bytes) -> str:
    value = headers.unfold(headers.clip(value, 8192))
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
