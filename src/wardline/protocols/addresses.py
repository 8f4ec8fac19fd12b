"""Address lists of mail headers, read as tolerantly as mail programs do (RFC 5322 §3.4, RFC 6854, RFC 6532).

    parse('"Doe, Jo" <Jo@Example.COM>, team: a@example.com, b@example.net;')
      -> [Mailbox("Doe, Jo", "jo@example.com", "example.com"), Mailbox("", "a@example.com", …), Mailbox("", "b@example.net", …)]

One pass over the text, at most `max_mailboxes` results (three quarters from its head, a quarter from its tail). Domains come in lower case
and in A-label form (RFC 5890), where they can be.
"""

import re
from collections.abc import Callable

import idna
import msgspec

from wardline.protocols.headers import decode_words

_SIMPLE = re.compile(r'\s*+(?:"([^"\\<>]*+)"|([^"\\<>()@,:;]*+))\s*+<\s*+([^\s<>@",;:()]++@[^\s<>@",;:()\[\]]++)\s*+>\s*+')
_BARE = re.compile(r"\s*+([^\s<>@\",;:()]++@[^\s<>@\",;:()\[\]]++)\s*+")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"?|<([^<>]*+)>?|([()])|([,;:])|((?:[^"<>(),;:\\]|\\.)++)|(.)', re.DOTALL)
_TAIL_CHARS = 96  # read from the end of an overlong list for each mailbox that is wanted from there
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# The look-behind lets a match start only where a word starts: one attempt for each word, so linear.
_ADDRESS = re.compile(r"(?<![^\s<>\"(),;:@])[^\s<>\"(),;:@]++@[^\s<>\"(),;:@]++")


class Mailbox(msgspec.Struct, frozen=True, gc=False):
    """One mailbox: decoded display name (with comments where there is no other), address in lower case, domain as A-labels ("" when there is none)."""

    display: str = ""
    address: str = ""
    domain: str = ""


def a_label(host: str) -> str:
    """`host` in lower case and A-label form (RFC 5891 §4, UTS 46 mapping); unchanged but for case when it cannot be converted."""
    host = host.strip(".").lower()
    if host.isascii():
        return host
    if len(host) > 253:
        return host[:253]
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError, IndexError, ValueError):
        return host


def mailbox(display: str, address: str, to_a_label: Callable[[str], str] = a_label) -> Mailbox:
    """A Mailbox from its two halves; source routes (`@a,@b:x@y`) are dropped, quotes around the local part too (RFC 5322 §4.4)."""
    address = "".join(address.split())[:512]
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]
    local, at, host = address.rpartition("@")
    if not at:
        return Mailbox(display, address.lower(), "")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = local[1:-1]
    domain = to_a_label(host)
    return Mailbox(display, f"{local.lower()}@{domain}", domain)


def parse(
    text: str, *, max_mailboxes: int = 128, max_chars: int = 65536, to_a_label: Callable[[str], str] = a_label
) -> tuple[list[Mailbox], bool]:
    """(mailboxes, cut): the mailboxes of an address header whose value is `text` (unfolded, encoded words not yet decoded); cut when some were left out.

    Converting a host to A-labels is dear; `to_a_label` lets a caller with many fields put a bound on it.
    """
    simple = _SIMPLE.fullmatch(text)
    if simple:
        name = simple[1] if simple[1] is not None else simple[2]
        return [mailbox(_shown(name), simple[3], to_a_label)], False
    simple = _BARE.fullmatch(text)
    if simple:
        return [mailbox("", simple[1], to_a_label)], False
    if len(text) <= max_chars:
        found, more = _scan(text, max_mailboxes * 3 // 4, to_a_label)
        if not more:
            return found, False
    else:
        found, _ = _scan(text[: max_chars * 3 // 4], max_mailboxes * 3 // 4, to_a_label)
    behind = max_mailboxes // 4
    tail, _ = _scan(_after_comma(text[-behind * _TAIL_CHARS :]), behind * _TAIL_CHARS, to_a_label)
    return found + tail[-behind:], True


def _after_comma(text: str) -> str:
    return text.partition(",")[2] or text


def _shown(name: str) -> str:
    return decode_words(name).strip() if "=?" in name else name.strip()


def _scan(text: str, limit: int, to_a_label: Callable[[str], str]) -> tuple[list[Mailbox], bool]:
    """One pass over the tokens. Returns (mailboxes, whether the limit was reached)."""
    found: list[Mailbox] = []
    words: list[str] = []
    comments: list[str] = []
    address: str | None = None
    bare_seen = False  # an "@" among the words: an address without angle brackets
    depth = 0

    def finish() -> None:
        nonlocal address, bare_seen
        phrase = " ".join(" ".join(words).split()).replace(" ,", ",").strip(", ")
        if address is None:
            if "=?" in phrase:  # the whole field in an encoded word, which RFC 2047 §5 forbids and some readers decode
                phrase = decode_words(phrase)
            bare = _ADDRESS.search(phrase)
            if bare:
                address = bare[0]
                phrase = phrase.replace(address, " ", 1).strip(' <>"')
            elif comments and (bare := _ADDRESS.search(" ".join(comments))):
                address = bare[0]  # `Jo Doe (<jo@example.com>)`
        if address is not None or phrase:
            found.append(mailbox(_shown(phrase or " ".join(comments)), address or "", to_a_label))
        words.clear()
        comments.clear()
        address = None
        bare_seen = False

    for token in _TOKEN.finditer(text):
        quoted, angle, bracket, mark, plain, _ = token.groups()
        if depth:
            if bracket:
                depth += 1 if bracket == "(" else -1
            elif depth == 1 and len(comments) < 8:
                comments.append(token[0])
        elif quoted is not None:
            piece = _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted
            words.append(piece)
        elif angle is not None:
            if address is None or "@" not in address:
                address = angle
            elif "@" in angle:  # a second address without a comma: readers show one or the other, so keep both
                finish()
                address = angle
        elif bracket:
            depth = 1 if bracket == "(" else 0
        elif mark:
            if mark == ":":
                words.clear()  # the name of a group
            elif mark == "," and address is None and words and not bare_seen and len(words) < 64:
                words.append(",")  # "Doe, Jo <jo@example.com>": a name whose quotes were forgotten
            else:
                finish()
                if len(found) >= limit:
                    return found, True
        elif plain is not None:
            if plain[0] == "@" and words and token.start() and text[token.start() - 1] == '"' and address is None:
                address = words.pop() + plain.split(None, 1)[0]  # a quoted local part (RFC 5321 §4.1.2)
            else:
                words.append(plain)
                bare_seen = bare_seen or "@" in plain
    finish()
    return found, False
