"""What mail looks like inside Wardline: the envelope a gateway hands over, and the message as intake read it.

    Envelope(client_ip="192.0.2.7", helo="mx.example.com", mail_from="a@example.com", recipients=("b@example.net",))
    Mail(subject="Invoice", visible_text="Please pay …", links=(Link(url="http://192.0.2.9/x", …),), …)

A Mail lives in memory only, while one message is decided. What is journalled is what detectors measured of it.
All text is decoded, control characters replaced, and within the limits of intake; `limits` names every cap that was hit and
`defects` everything that could not be read.
"""

from datetime import datetime
from functools import cached_property

import msgspec

from wardline.domains.mail.lexicon import EDGE_CHARS, Text


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What the transport said. Believed only where the gateway's peer is configured as trusted; empty means unknown."""

    client_ip: str = ""
    client_name: str = ""
    helo: str = ""
    mail_from: str = ""
    recipients: tuple[str, ...] = ()
    authenticated_user: str = ""
    queue_id: str = ""
    tls: bool | None = None
    direction: str = "in"
    site: str = "default"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One address that a reader could follow. `host` is lower-case A-label form, `registrable` the organisation's domain (public suffix + 1)."""

    url: str
    scheme: str = ""
    host: str = ""
    registrable: str = ""
    port: int | None = None
    userinfo: bool = False
    path: str = ""
    text: str = ""  # what a person sees as the link, for HTML anchors
    origin: str = "text"  # text, anchor, image, form, style, area, base, header
    hidden: bool = False  # inside something that a person does not see


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One part that is not the message's text. `content_type` is declared, `detected_type` is by content ("application/zip", "text/html", "")."""

    name: str = ""
    content_type: str = ""
    detected_type: str = ""
    size_bytes: int = 0
    inline: bool = False
    flags: tuple[
        str, ...
    ] = ()  # double_extension, executable, macros, encrypted_archive, nested_archive, html, svg, script, rlo_name, type_mismatch, bomb …
    members: tuple[str, ...] = ()  # file names listed in an archive, within limits


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One Received field, newest first. Empty means not stated."""

    from_name: str = ""
    helo: str = ""
    ip: str = ""
    by_name: str = ""
    protocol: str = ""
    at: datetime | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One mailbox of an address header: decoded display name, address as written in lower case, its domain in A-label form."""

    display: str = ""
    address: str = ""
    domain: str = ""


class HtmlFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the HTML parts were made of; counts over all HTML parts of the message."""

    parts: int = 0
    tags: int = 0
    images: int = 0
    remote_images: int = 0
    forms: int = 0
    password_inputs: int = 0
    scripts: int = 0
    iframes: int = 0
    comments_chars: int = 0
    hidden_chars: int = 0
    hidden_by: tuple[str, ...] = ()  # display, visibility, size, colour, offscreen, opacity, zero_width, attribute
    zero_width_chars: int = 0
    max_depth: int = 0
    meta_refresh: bool = False
    base_href: bool = False
    broken_tags: int = 0


class Mail(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One message as intake read it."""

    envelope: Envelope
    raw: bytes  # the whole message as received; only intake, authentication and the raw text view look at it
    size_bytes: int
    fingerprint: str  # hex digest of the canonical body: finds a decision again when no id travelled with the message
    headers: tuple[tuple[str, str], ...] = ()  # in order of appearance: name as written, value unfolded and decoded
    subject: str = ""
    sender: Address = Address()  # From, the first mailbox
    senders: int = 0  # how many mailboxes From held
    reply_to: tuple[Address, ...] = ()
    sender_header: Address = Address()  # Sender
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    date: datetime | None = None
    message_id: str = ""
    received: tuple[Hop, ...] = ()
    structure: str = ""  # "alternative(plain,html)", "mixed(plain,pdf)": the MIME tree in one short line, at most 200 characters
    visible_text: str = ""  # what a person sees: text parts and rendered HTML, in reading order
    hidden_text: str = ""  # what the HTML holds and a person does not see
    html: HtmlFacts = HtmlFacts()
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = ""  # script guess: latin, cyrillic, han, … ; "" unknown
    limits: tuple[
        str, ...
    ] = ()  # caps that were hit: size, parts, depth, headers, header_bytes, addresses, links, attachments, html_tags, text …
    defects: tuple[str, ...] = ()  # what could not be read: no_headers, bad_base64, unknown_charset, nul_bytes, bare_cr, missing_boundary …

    @cached_property
    def phrases(self) -> Text:
        """What lexicons search: the text, and the subject before it unless the text is very long. Made when it is first asked for."""
        return Text(self.visible_text if len(self.visible_text) >= 2 * EDGE_CHARS else f"{self.subject} {self.visible_text}")

    @cached_property
    def is_list(self) -> bool:
        """Whether a mailing list sent it on, as it says itself (RFC 2919, RFC 2369)."""
        return any(name.lower() in ("list-id", "list-post") for name, _ in self.headers)

    def header(self, name: str) -> str | None:
        """The first value of a header, by case-insensitive name; None when the message has none."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None
