"""Mail intake: the bytes of one message to what a person and the detectors see of it.

    read(b"From: Jo <jo@example.com>\\r\\nSubject: Hi\\r\\n\\r\\nSee http://192.0.2.9/a\\r\\n", Envelope(client_ip="192.0.2.7"))
      -> Mail(subject="Hi", sender=Address("Jo", "jo@example.com", "example.com"), visible_text="See …", links=(Link(…),), …)

Pure: bytes and structs in, a struct out; no I/O, no clock, no state. For any bytes it returns a Mail in time and memory that are linear in
the message and bounded by `Limits`. What was cut is named in `Mail.limits`, what could not be read in `Mail.defects`; where a cap cuts,
head and tail are read. Standards: RFC 5322, RFC 2045 to 2047, RFC 2231, as read by the modules of `protocols`.
"""

import hashlib
import re

import msgspec

from wardline.domains.mail import body as bodies
from wardline.domains.mail.events import Address, Envelope, Hop, Link, Mail
from wardline.protocols import addresses, dates, headers, mime, received, url
from wardline.protocols.mime import Limits as MimeLimits

_ANGLED = re.compile(r"<\s*+((?:https?|mailto):[^<>\s]{1,2000}+)>", re.IGNORECASE)
_ONCE = (b"from", b"subject", b"date", b"message-id", b"reply-to", b"sender", b"to", b"cc")
_SCRIPTS = (
    ("cyrillic", re.compile("[\u0400-\u052f]")),
    ("greek", re.compile("[\u0370-\u03ff]")),
    ("hebrew", re.compile("[\u0590-\u05ff]")),
    ("arabic", re.compile("[\u0600-\u077f\ufb50-\ufdff\ufe70-\ufeff]")),
    ("devanagari", re.compile("[\u0900-\u097f]")),
    ("thai", re.compile("[\u0e00-\u0e7f]")),
    ("kana", re.compile("[\u3040-\u30ff]")),
    ("hangul", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("han", re.compile("[\u3400-\u9fff]")),
    ("latin", re.compile("[A-Za-z\u00c0-\u024f]")),
)
_ASCII = re.compile("[\x00-\x7f]+")
_LETTER = re.compile("[A-Za-z]")
_CONTROLS = bytes.maketrans(bytes((*range(32), 127)), b" " * 33)
_CONTROLS_BUT_NUL = bytes.maketrans(bytes((*range(1, 32), 127)), b" " * 32)
_FINGERPRINT_BYTES = 262144


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every cap of intake. The words that `Mail.limits` uses: size, parts, depth, headers, header_bytes, addresses, hops, text, links, attachments, html_*."""

    mime: MimeLimits = MimeLimits()
    body: bodies.Limits = bodies.Limits()
    addresses: int = 128  # [addresses] in one header
    a_labels: int = 32  # Unicode domains of addresses that are converted to A-labels
    value_bytes: int = 16384  # [header_bytes] of one header's value; address lists may have four times that
    hops: int = 40  # [hops] Received fields that are read, three quarters of them the newest


def read(raw: bytes, envelope: Envelope, *, limits: Limits = Limits()) -> Mail:
    """The message `raw` that came with `envelope`, as `limits` allow. Never raises."""
    try:
        return _read(raw, envelope, limits)
    except Exception:  # the net under the tests: a fault of ours must not lose a message
        return Mail(envelope=envelope, raw=raw, size_bytes=len(raw), fingerprint=_digest(raw[:65536], b""), defects=("intake_failed",))


def _read(raw: bytes, envelope: Envelope, limits: Limits) -> Mail:
    message = mime.parse(raw, limits.mime)
    head = _Head(message, limits)
    content = bodies.Body(limits.body)
    content.add(message.root)
    visible, cut_visible = _clip_text("\n".join(text for text in content.visible if text), limits.body.visible_chars)
    hidden, cut_hidden = _clip_text("\n".join(text for text in content.hidden if text), limits.body.hidden_chars)
    if cut_visible or cut_hidden:
        content.limits.add("text")
    links = _links([*content.links, *head.links()], limits.body.links, content.limits)
    from_boxes = head.mailboxes(b"from")
    senders = head.mailboxes(b"sender")
    dated = head.first(b"date")
    return Mail(
        envelope=envelope,
        raw=raw,
        size_bytes=len(raw),
        fingerprint=fingerprint(message),
        headers=head.decoded,
        subject=head.first(b"subject"),
        sender=next((box for box in from_boxes if box.address), from_boxes[0] if from_boxes else Address()),
        senders=len(from_boxes),
        reply_to=head.mailboxes(b"reply-to"),
        sender_header=senders[0] if senders else Address(),
        to=head.mailboxes(b"to"),
        cc=head.mailboxes(b"cc"),
        date=dates.parse(dated) if dated else None,
        message_id=head.first(b"message-id").strip("<> \t")[:998],
        received=head.hops(),
        structure=bodies.structure(message.root),
        visible_text=visible,
        hidden_text=hidden,
        html=content.facts(),
        links=links,
        attachments=tuple(content.attachments),
        language=script(visible),
        limits=tuple(sorted(message.limits | content.limits | head.limits)),
        defects=tuple(sorted(message.defects | content.defects | head.defects)),
    )


class _Head:
    """The header of one message: decoded fields and the facts read from them."""

    def __init__(self, message: mime.Message, limits: Limits) -> None:
        self.caps = limits
        self.limits: set[str] = set()
        self.defects: set[str] = set()
        self.a_labels_left = limits.a_labels
        self.raw: dict[bytes, list[bytes]] = {}
        self.texts: dict[bytes, str] = {}
        fields = message.fields
        if not fields:
            self.decoded: tuple[tuple[str, str], ...] = ()
            return
        names = b"\0".join([name for name, _ in fields])
        texts = self.values([value for _, value in fields])
        self.decoded = tuple(zip(names.decode("ascii").split("\0"), texts, strict=True))
        for key, (_, value), text in zip(names.lower().split(b"\0"), fields, texts, strict=True):
            values = self.raw.get(key)
            if values is None:
                self.raw[key] = [value]
                self.texts[key] = text
            else:
                values.append(value)
        for key in _ONCE:
            if len(self.raw.get(key, ())) > 1:
                self.defects.add(f"duplicate_{key.decode().replace('-', '_')}")

    def values(self, raw: list[bytes]) -> list[str]:
        """All values as text. They are unfolded and decoded in one go, then the odd ones (8-bit, encoded words, too long) one by one."""
        cap = self.caps.value_bytes
        joined = b"\0".join(raw)
        plain = joined.replace(b"\n\t", b" ").replace(b"\n", b"").translate(_CONTROLS_BUT_NUL).decode("latin-1").split("\0")
        if len(plain) != len(raw):  # a NUL within a value
            plain = [""] * len(raw)
            odd = list(range(len(raw)))
        elif len(joined) > cap or b"=?" in joined or not joined.isascii():
            odd = [at for at, value in enumerate(raw) if len(value) > cap or b"=?" in value or not value.isascii()]
        else:
            odd = []
        texts = [text.strip() for text in plain]
        for at in odd:
            value = raw[at]
            if len(value) > cap:
                self.limits.add("header_bytes")
                value = headers.clip(value, cap)
            texts[at] = headers.decode(value, defects=self.defects)
        return texts

    def first(self, name: bytes) -> str:
        """The decoded value of the first field of this name, "" when there is none."""
        return self.texts.get(name, "")

    def mailboxes(self, name: bytes) -> tuple[Address, ...]:
        """The mailboxes of all fields of this name."""
        found: list[Address] = []
        room = self.caps.addresses
        for value in self.raw.get(name, ())[:16]:
            clipped = headers.clip(value, self.caps.value_bytes * 4)
            boxes, cut = addresses.parse(_text(headers.unfold(clipped)), max_mailboxes=room, to_a_label=self.a_label)
            if cut or len(clipped) < len(value):
                self.limits.add("addresses")
            found += [Address(display=box.display[:256], address=box.address, domain=box.domain) for box in boxes]
        if len(found) > room:
            self.limits.add("addresses")
            found = found[: room * 3 // 4] + found[-(room // 4) :]
        return tuple(found)

    def a_label(self, host: str) -> str:
        """A host in A-label form, within the budget of the message; behind it Unicode hosts are only put in lower case."""
        if not host.isascii():
            self.a_labels_left -= 1
            if self.a_labels_left < 0:
                return host.lower().strip(".")
        return addresses.a_label(host)

    def hops(self) -> tuple[Hop, ...]:
        """The Received fields, newest first."""
        values = self.raw.get(b"received", [])
        cap = self.caps.hops
        if len(values) > cap:
            self.limits.add("hops")
            values = values[: cap * 3 // 4] + values[-(cap // 4) :]
        hops = []
        for value in values:
            hop = received.parse(_text(headers.unfold(value[:2000])))
            hops.append(Hop(from_name=hop.from_name, helo=hop.helo, ip=hop.ip, by_name=hop.by_name, protocol=hop.protocol, at=hop.at))
        return tuple(hops)

    def links(self) -> list[tuple[str, str, str, bool]]:
        """Where List-Unsubscribe leads (RFC 2369 §3.2)."""
        text = self.first(b"list-unsubscribe")
        return [(found, "", "header", False) for found in _ANGLED.findall(text[:4096])[:4]] if text else []


def _text(value: bytes) -> str:
    value = value.translate(_CONTROLS)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _clip_text(text: str, max_chars: int) -> tuple[str, bool]:
    """Three quarters of the cap from the head and a quarter from the tail of a text that is longer."""
    if len(text) <= max_chars:
        return text, False
    return text[: max_chars * 3 // 4] + "\n" + text[-(max_chars // 4) :], True


def _links(found: list[tuple[str, str, str, bool]], cap: int, limits: set[str]) -> tuple[Link, ...]:
    """Each distinct link once, in order; over the cap three quarters from the head and a quarter from the tail."""
    distinct = list(dict.fromkeys(found))
    if len(distinct) > cap:
        limits.add("links")
        distinct = distinct[: cap * 3 // 4] + distinct[-(cap // 4) :]
    links: list[Link] = []
    for address, text, origin, hidden in distinct:
        if "@" in address and ":" not in address and "/" not in address:
            address = f"mailto:{address}"
        parsed = url.parse(address)
        if parsed is None:
            links.append(Link(url=address[:2048], text=text, origin=origin, hidden=hidden))
            continue
        links.append(
            Link(
                url=parsed.url,
                scheme=parsed.scheme,
                host=parsed.host,
                registrable=parsed.registrable,
                port=parsed.port,
                userinfo=parsed.userinfo,
                path=parsed.path,
                text=text,
                origin=origin,
                hidden=hidden,
            )
        )
    return tuple(links)


def script(text: str) -> str:
    """The script that most letters of the first 2,000 characters belong to: latin, cyrillic, han, …; "" for a text without letters."""
    sample = text[:2000]
    if sample.isascii():
        return "latin" if _LETTER.search(sample) else ""
    if len(_ASCII.sub("", sample)) * 16 < len(sample) and _LETTER.search(sample):
        return "latin"  # a few signs and accents among ASCII: no need to count
    counts = [(len(pattern.findall(sample)), name) for name, pattern in _SCRIPTS]
    best, name = max(counts)
    if name == "han" and any(count * 10 > best for count, other in counts if other == "kana"):
        return "kana"  # Japanese mixes both
    return name if best else ""


def fingerprint(message: mime.Message) -> str:
    """A digest of the canonical body, the same before and after a mail store had the message.

    Line ends, blank lines at either end, quoting of `From ` lines (RFC 4155) and all header fields do not count. A message without a body is
    known by its From, Subject and Date. Of a large body 256 KB from either end count.
    """
    buffer, start, end = message.root.buffer, message.root.start, message.root.end
    while start < end:
        chunk = buffer[max(start, end - 65536) : end]
        kept = chunk.rstrip()
        end -= len(chunk) - len(kept)
        if kept:
            break
    if start >= end:
        fields = {name.lower(): value for name, value in reversed(message.fields)}
        known = b"\n".join(b" ".join(fields.get(name, b"").split()) for name in (b"from", b"subject", b"date"))
        return _digest(known, b"header")
    reach = 2 * _FINGERPRINT_BYTES
    head = _canonical(buffer[start : min(end, start + reach)])
    if len(head) <= _FINGERPRINT_BYTES:
        return _digest(head, b"")
    tail = _canonical(buffer[max(start, end - reach) : end]) if end - start > reach else head
    return _digest(head[:_FINGERPRINT_BYTES], tail[-_FINGERPRINT_BYTES:])


def _canonical(data: bytes) -> bytes:
    data = data.replace(b"\r\n", b"\n").lstrip(b"\n")
    if b"From " in data:
        data = data.replace(b"\n>From ", b"\nFrom ")
        data = data[1:] if data.startswith(b">From ") else data
    return data


def _digest(head: bytes, tail: bytes) -> str:
    digest = hashlib.blake2b(head, digest_size=16)
    digest.update(tail)
    return digest.hexdigest()
