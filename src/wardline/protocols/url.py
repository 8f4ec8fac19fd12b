"""URLs as browsers and mail clients read them: tolerant parsing, addresses in running text, the organisation behind a host.

    parse("hTTps:\\\\user:pw@ex%61mple.com:8443/a?b") -> Url(scheme="https", host="example.com", port=8443, userinfo=True, path="/a", …)
    find("see www.example.com/x, or a@example.net!", 10) -> ["www.example.com/x", "a@example.net"]
    registrable("mail.shop.example.co.uk")              -> "example.co.uk"

Standards: WHATWG URL (parsing of special schemes, IPv4 in octal, hexadecimal and as one number), RFC 3986 §5.3 (joining), RFC 5891 (IDNA),
the Public Suffix List (suffixes.py). Everything is linear in an input cut at 2,048 characters.
"""

import ipaddress
import re
from functools import lru_cache

import idna
import msgspec

from wardline.protocols.suffixes import HOST_CHARS, organisation
from wardline.protocols.suffixes import is_top_level as is_top_level

URL_CHARS = 2_048
LABEL_CHARS = 63
WORDS = 4_000  # words of a text that are looked at for addresses: the first three quarters and the last quarter of them

_special_ports = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
_opaque = frozenset(
    (
        "mailto",
        "tel",
        "sms",
        "data",
        "javascript",
        "vbscript",
        "cid",
        "mid",
        "about",
        "callto",
        "skype",
        "bitcoin",
        "ethereum",
        "intent",
        "urn",
        "blob",
        "file",
    )
)
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31}):")
# What nearly every honest address looks like; all others take the long way, with the same result.
_usual = re.compile(
    r"(https?)://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4})(/[^?#\\\s\x00-\x20]*+)?(?:\?([^#\s\x00-\x20]*+))?(?:#([^\s\x00-\x20]*+))?"
)
_percent = re.compile(r"%([0-9A-Fa-f]{2})")
_plain_host = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_ip4_part = re.compile(r"(?:0[xX]([0-9a-fA-F]*)|([0-9]+))")
_forbidden = frozenset(' #%/:<>?@[\\]^|\x00\t\n\r\x7f"`{}')


class Url(msgspec.Struct, frozen=True):
    """One address. `host` is in lower-case A-label form, an IPv4 address dotted, an IPv6 address without brackets; "" when there is none.

    `tricks` names what honest addresses do not do: userinfo, backslash, control, numeric_ip, percent_host, bad_host, many_labels, long,
    wide_host (full-width characters), repeated_scheme.
    """

    url: str
    scheme: str = ""
    host: str = ""
    registrable: str = ""
    port: int | None = None
    userinfo: bool = False
    path: str = ""
    query: str = ""
    fragment: str = ""
    tricks: tuple[str, ...] = ()

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP address."""
        return is_ip(self.host)


def is_ip(host: str) -> bool:
    """Whether a host in `Url.host` form is an IPv4 or IPv6 address."""
    return ":" in host or (host[-1:].isdigit() and ip4(host) is not None)


def ip4(host: str) -> str | None:
    """The dotted form of an IPv4 address in any spelling that browsers accept: "0x7f.1" -> "127.0.0.1", "3221225985" -> "192.0.2.1"."""
    parts = host[:64].rstrip(".").split(".")
    if not 1 <= len(parts) <= 4:
        return None
    numbers = []
    for part in parts:
        found = _ip4_part.fullmatch(part)
        if found is None:
            return None
        if found[1] is not None:
            numbers.append(int(found[1] or "0", 16))
        elif len(part) > 1 and part[0] == "0":
            if "8" in part or "9" in part:
                return None
            numbers.append(int(part, 8))
        else:
            numbers.append(int(part))
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        return None
    value = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        value += number << 8 * (3 - index)
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def _ip6(text: str) -> str | None:
    """A bracketed IPv6 address in its shortest form, or None."""
    try:
        return str(ipaddress.IPv6Address(text.partition("%")[0]))
    except ValueError:
        return None


def _checked(host: str) -> str | None:
    """The ASCII host when its labels have 1 to 63 characters that hosts may have, else None."""
    host = host.rstrip(".")
    if not host or len(host) > HOST_CHARS or not _forbidden.isdisjoint(host) or not host.isprintable():
        return None
    return host if all(0 < len(label) <= LABEL_CHARS for label in host.split(".")) else None


@lru_cache(maxsize=4096)
def a_label(host: str) -> str | None:
    """A host name in lower-case A-label form (UTS 46 mapping, then IDNA 2008); None when it cannot be one. At most 253 characters."""
    host = host.rstrip(".").lower()
    if not host or len(host) > HOST_CHARS:
        return None
    if host.isascii():
        return _checked(host)
    try:
        return _checked(idna.encode(host, uts46=True, transitional=False, std3_rules=False).decode("ascii").lower())
    except (idna.IDNAError, UnicodeError, IndexError, ValueError):
        pass
    # Browsers look up names that IDNA 2008 refuses (emoji, symbols); Punycode of each mapped label is what they send.
    try:
        labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
        return _checked(
            ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in labels).lower()
        )
    except (idna.IDNAError, UnicodeError, ValueError):
        return None


def u_label(host: str) -> str:
    """A host name as a person would see it: "xn--mnchen-3ya.example" -> "münchen.example"; labels that do not decode stay as they are."""
    if "xn--" not in host:
        return host
    labels = []
    for label in host[:HOST_CHARS].split("."):
        if label.startswith("xn--") and len(label) <= LABEL_CHARS:
            try:
                label = label[4:].encode("ascii").decode("punycode")
            except (UnicodeError, ValueError, OverflowError):
                pass
        labels.append(label)
    return ".".join(labels)


def registrable(host: str) -> str:
    """Public suffix + 1 of a host in A-label form; the host itself for an IP address; "" for a bare public suffix or no host."""
    return host if is_ip(host) else organisation(host)


def _host(text: str, tricks: list[str]) -> str:
    """The host of an authority, without user and port."""
    if "%" in text:
        tricks.append("percent_host")
        text = _percent.sub(lambda found: chr(int(found[1], 16)), text)
        try:
            text = text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            pass
    if text.startswith("["):
        return _ip6(text[1:].partition("]")[0]) or ""
    lowered = text.lower()
    if not lowered.isascii() and any("\uff00" <= char <= "\uffef" or char in "。．｡" for char in lowered):
        tricks.append("wide_host")
    host = lowered.rstrip(".") if _plain_host.fullmatch(lowered) and len(lowered) <= HOST_CHARS else a_label(lowered)
    if not host:
        tricks.append("bad_host")
        return ""
    tail = host.rpartition(".")[2]
    if tail[:1].isdigit():
        dotted = ip4(host)
        if dotted is not None:
            if dotted != host:
                tricks.append("numeric_ip")
            return dotted
    if host.count(".") > 5:
        tricks.append("many_labels")
    return host


def parse(url: str) -> Url | None:
    """An address as a browser would read it; None when it is none (empty, a bare fragment, a relative path, only white space).

    A missing scheme counts as http when the text begins like a host ("www.example.com/x", "//example.com").
    """
    usual = _usual.fullmatch(url) if len(url) <= URL_CHARS else None
    if usual is not None:
        scheme, host, path, query, fragment = usual.groups("")
        lowered = path.lower()
        if not host.rpartition(".")[2][:1].isdigit() and "http:/" not in lowered and "https:/" not in lowered:
            return Url(url, scheme, host, registrable(host), None, False, path, query, fragment)
    tricks: list[str] = []
    if len(url) > URL_CHARS:
        tricks.append("long")
        url = url[:URL_CHARS]
    text = url.strip("\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f \u00a0\u200b\ufeff")
    if "\t" in text or "\n" in text or "\r" in text:
        tricks.append("control")
        text = text.replace("\t", "").replace("\n", "").replace("\r", "")
    if not text or text[0] == "#":
        return None
    found = _scheme.match(text)
    scheme, rest = "", text
    if found:
        scheme, rest = found[1].lower(), text[found.end() :]
        if scheme not in _special_ports:
            if scheme in _opaque:
                if scheme == "mailto":
                    address = rest.partition("?")[0]
                    host = a_label(address.rpartition("@")[2].strip()[:HOST_CHARS]) or "" if "@" in address else ""
                    return Url(text, scheme, host, registrable(host), None, False, address, rest.partition("?")[2], "", tuple(tricks))
                return Url(text, scheme, path=rest, tricks=tuple(tricks))
            if rest[:1].isdigit() and "." in scheme:
                scheme, rest = "", text  # "example.com:8080/x"
            elif not rest.startswith("//"):
                return Url(text, scheme, path=rest, tricks=tuple(tricks))
    elif text[0] in "/\\" and text[1:2] not in ("/", "\\"):
        return None
    if "\\" in rest.partition("?")[0].partition("#")[0]:
        tricks.append("backslash")
        before, mark, after = rest.partition("?")
        rest = before.replace("\\", "/") + mark + after
    named = scheme != ""
    rest = rest.lstrip("/") if named or rest.startswith("//") else rest
    cut = len(rest)
    for mark in "/?#":
        at = rest.find(mark, 0, cut)
        if at >= 0:
            cut = at
    authority, tail = rest[:cut], rest[cut:]
    _, at_sign, place = authority.rpartition("@")
    port: int | None = None
    if place.startswith("["):
        bracket = place.find("]")
        after = place[bracket + 1 :] if bracket >= 0 else ""
        digits = after[1:] if after.startswith(":") else ""
        name = place
    else:
        name, _, digits = place.partition(":")
    if digits.isascii() and digits.isdigit():
        number = int(digits[:6])
        port = number if number <= 65_535 else None
    elif digits:
        tricks.append("bad_host")
    host = _host(name, tricks) if name else ""
    if not named:
        if "." not in host and ":" not in host:
            return None  # "page.html" has a dot and is read as a host; "page" is relative
        scheme = "http"
    if at_sign:
        tricks.append("userinfo")
    if port is not None and _special_ports.get(scheme) == port:
        port = None
    before, _, fragment = tail.partition("#")
    path, _, query = before.partition("?")
    lowered = path.lower()
    if "http:/" in lowered or "https:/" in lowered:
        tricks.append("repeated_scheme")
    return Url(text, scheme, host, registrable(host), port, at_sign != "", path, query, fragment, tuple(tricks))


def join(base: str, url: str) -> str:
    """The address of a relative reference inside a document with this base (RFC 3986 §5.3, without dot segments); absolute ones stay."""
    reference = url.strip()
    if not reference or _scheme.match(reference) or not base:
        return url
    found = _scheme.match(base)
    if found is None:
        return url
    scheme, rest = found[0], base[found.end() :].replace("\\", "/")
    if not rest.startswith("//"):
        return url
    if reference.replace("\\", "/").startswith("//"):
        return scheme + reference
    slash = rest.find("/", 2)
    authority = rest if slash < 0 else rest[:slash]
    authority = authority.partition("?")[0].partition("#")[0]
    if reference[0] in "/\\":
        return scheme + authority + reference
    if reference[0] in "?#":
        return base.partition("#")[0].partition(reference[0])[0] + reference
    path = "/" if slash < 0 else rest[slash:].partition("?")[0].partition("#")[0]
    return scheme + authority + path[: path.rfind("/") + 1] + reference


# Addresses in running text: the text is split at white space once; only words with a dot or "://" are looked at further.
_marked = re.compile(r"(?:h(?:tt|xx)ps?|ftp):[/\\]{1,3}", re.IGNORECASE)
_url_end = re.compile(r"[<>\"`{}|^]")
_cuts = re.compile(r"[<>\"'`{}|^()\[\],;=\u00ab\u00bb\u201c-\u201f]+")
_address = re.compile(r"[\w.!#$%&*+/?^~-]{1,64}@[\w.-]{3,253}")
_name = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})", re.IGNORECASE)
_ip4_name = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_closing = ".,;:!?)]}>'\u2019\u201d\u3002\uff0c\uff09\u300d\u2026*_~"
# Endings of files that are top-level domains too: hosts only with "www." or a path. Words that begin a sentence run into the one before: hosts
# only in lower case.
_file_endings = frozenset(["py", "sh", "pl", "rs", "md", "ps", "zip", "mov", "java", "cpp", "mm", "tex", "so"])
_sentence_words = frozenset(
    [
        "in",
        "is",
        "it",
        "at",
        "to",
        "no",
        "am",
        "an",
        "as",
        "be",
        "by",
        "do",
        "my",
        "me",
        "us",
        "so",
        "la",
        "de",
        "as",
        "if",
        "you",
        "how",
        "now",
        "here",
        "call",
        "like",
        "care",
        "help",
    ]
)


def _bare_host(host: str, more: bool) -> bool:
    """Whether a word without scheme names a host; `more` when a path or a port follows."""
    found = _name.fullmatch(host)
    if found is None:
        return more and _ip4_name.fullmatch(host) is not None
    ending = found[1].lower()
    if not ending.isascii():
        ending = a_label(ending) or ""
    if not is_top_level(ending):
        return False
    if more or host[:4].lower() == "www.":
        return True
    return ending not in _file_endings and not (ending in _sentence_words and found[1] != ending)


def _bare(word: str) -> str | None:
    """A host, host with path, or mail address that a word without scheme consists of."""
    word = word.strip(_closing + "-=/\\" if word.startswith(("-", "=", "/", "*", "_", "~", ".")) else "").rstrip(_closing)
    if "." not in word or len(word) > URL_CHARS:
        return None
    if "@" in word[:65]:
        word = word.removeprefix("mailto:")
        return word if _address.fullmatch(word) and _bare_host(word.rpartition("@")[2], True) else None
    cut = len(word)
    for mark in "/?#:\\":
        at = word.find(mark, 0, cut)
        if at >= 0:
            cut = at
    rest = word[cut:]
    if rest[:1] == ":" and not rest[1:2].isdigit():
        return None
    return word if _bare_host(word[:cut], len(rest) > 1) else None


def find(text: str, limit: int = 100) -> list[str]:
    """Addresses in running text, in order, at most `limit`: URLs, host names with a known ending, mail addresses.

    Defanged forms are put right (`hxxp`, `example[.]com`). Repeats are kept once. Linear in the text; of a text with more than
    `WORDS` words that may be addresses, the head and the tail are read.
    """
    found: dict[str, None] = {}
    # A dot that only ends a sentence is the usual case, and is left out by the cheapest test.
    words = [word for word in text.split() if ("." in word and "." in word[:-1]) or (":" in word and ("://" in word or ":\\\\" in word))]
    if len(words) > WORDS:
        words = words[: WORDS - WORDS // 4] + words[len(words) - WORDS // 4 :]
    for word in words:
        if len(word) > 4 * URL_CHARS:
            word = word[: 2 * URL_CHARS] + " " + word[-2 * URL_CHARS :]
        if "[" in word or "(" in word:
            word = word.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":")
        position = 0
        while len(found) < limit:
            marked = _marked.search(word, position)
            before = word[position : marked.start()] if marked else word[position:]
            if "." in before:
                for piece in _cuts.split(before):
                    if "." in piece and (bare := _bare(piece)) is not None and len(found) < limit:
                        found[bare] = None
            if marked is None:
                break
            end = _url_end.search(word, marked.end())
            position = end.start() if end else len(word)
            address = word[marked.start() : min(position, marked.start() + URL_CHARS)]
            if address[1:3] in ("xx", "XX"):
                address = "http" + address[4:]
            address = address.rstrip(_closing)
            if len(address) > marked.end() - marked.start() and len(found) < limit:
                found[address] = None
        if len(found) >= limit:
            break
    return list(found)
