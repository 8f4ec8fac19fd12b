"""The SPF record and its macros: text to terms, checked as a whole before any of it is evaluated.

    v=spf1 ip4:192.0.2.0/24 a:mail.example.com/28 include:%{d1r}._spf.example.com -all

Standard: RFC 7208 §4.5, §4.6, §5, §6, §7 and §12 (grammar). One pass over the text; a record of 64 KB costs a few milliseconds.
"""

import socket
from urllib.parse import quote

import msgspec

MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
DELIMITERS = ".-+,/_="
# An expansion longer than this is an attack: a name has 253 characters, and the left of a longer one is cut off anyway (RFC 7208 §7.3).
EXPANSION_LIMIT = 8192
TERMS_LIMIT = 4096

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME = _NAME_START | frozenset("0123456789-_.")
_DIGITS = frozenset("0123456789")
_ALNUM = _NAME_START | _DIGITS


class SyntaxProblem(ValueError):
    """The record breaks the grammar: check_host answers permerror (RFC 7208 §4.6)."""


class Expansion(msgspec.Struct, frozen=True):
    """One macro-expand: letter, how many labels from the right to keep (0 = all), reversed or not, its delimiters, URL-escaped or not."""

    letter: str
    keep: int
    reverse: bool
    delimiters: str
    escape: bool


MacroString = tuple[str | Expansion, ...]


class Network(msgspec.Struct, frozen=True):
    """The network of an ip4 or ip6 term, as integers: `head` is its address without the last `shift` bits."""

    version: int
    head: int
    shift: int


class Term(msgspec.Struct, frozen=True):
    """One directive. `target`: the domain-spec or None; `network`: for ip4 and ip6; prefixes as written or the defaults 32 and 128."""

    mechanism: str
    qualifier: str
    target: MacroString | None = None
    network: Network | None = None
    prefix4: int = 32
    prefix6: int = 128
    text: str = ""


class Record(msgspec.Struct, frozen=True):
    """A whole record: directives in order, and the two modifiers that mean something."""

    terms: tuple[Term, ...]
    redirect: MacroString | None = None
    explanation: MacroString | None = None


def is_record(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: "v=spf1" followed by a space or the end (RFC 7208 §4.5)."""
    return text[:6].lower() == b"v=spf1" and text[6:7] in (b"", b" ")


def parse(text: bytes) -> Record:
    """Reads one record. Raises SyntaxProblem, naming the term."""
    try:
        plain = text.decode("ascii")
    except UnicodeDecodeError:
        raise SyntaxProblem("the record holds characters outside ASCII") from None
    words = [word for word in plain[6:].split(" ") if word]
    if len(words) > TERMS_LIMIT:
        raise SyntaxProblem(f"more than {TERMS_LIMIT} terms")
    terms: list[Term] = []
    modifiers: dict[str, MacroString] = {}
    for word in words:
        name = _modifier_name(word)
        if name is None:
            terms.append(_directive(word))
            continue
        value = word[len(name) + 1 :]
        name = name.lower()
        if name in ("redirect", "exp"):
            if name in modifiers:
                raise SyntaxProblem(f"{name}= stands twice")
            modifiers[name] = domain_spec(value)
        else:
            macro_string(value)
    return Record(tuple(terms), modifiers.get("redirect"), modifiers.get("exp"))


def _modifier_name(word: str) -> str | None:
    """ "redirect" of "redirect=example.com", None when the word is no modifier."""
    name, separator, _ = word.partition("=")
    if separator and name and name[0] in _NAME_START and _NAME.issuperset(name):
        return name
    return None


def _directive(word: str) -> Term:
    qualifier = QUALIFIERS.get(word[0], "")
    rest = word[1:] if qualifier else word
    end = next((place for place, character in enumerate(rest[:8]) if character in ":/"), len(rest))
    mechanism, argument = rest[:end].lower(), rest[end:]
    qualifier = qualifier or "pass"
    text = word[:80]
    if mechanism not in MECHANISMS:
        raise SyntaxProblem(f"unknown mechanism in {text!r}")
    if mechanism == "all":
        if argument:
            raise SyntaxProblem(f"all takes no argument: {text!r}")
        return Term(mechanism, qualifier, text=text)
    if mechanism in ("ip4", "ip6"):
        return Term(mechanism, qualifier, network=_network(mechanism, argument, text), text=text)
    prefix4, prefix6 = 32, 128
    if mechanism in ("a", "mx"):
        argument, prefix4, prefix6 = _prefixes(argument, text)
    if argument.startswith(":"):
        return Term(mechanism, qualifier, domain_spec(argument[1:]), None, prefix4, prefix6, text)
    if argument or mechanism in ("include", "exists"):
        raise SyntaxProblem(f"{mechanism} needs a domain: {text!r}" if not argument else f"cannot read {text!r}")
    return Term(mechanism, qualifier, None, None, prefix4, prefix6, text)


def _prefix(digits: str, limit: int, text: str) -> int:
    """A CIDR length without leading zeros."""
    if not digits or len(digits) > 3 or not _DIGITS.issuperset(digits) or (digits[0] == "0" and len(digits) > 1) or int(digits) > limit:
        raise SyntaxProblem(f"no CIDR length from 0 to {limit} in {text!r}")
    return int(digits)


def _prefixes(argument: str, text: str) -> tuple[str, int, int]:
    """Takes dual-cidr-length off the end: ":example.com/24//64" -> (":example.com", 24, 64)."""
    prefix4, prefix6 = 32, 128
    head, separator, digits = argument.rpartition("//")
    if separator and _DIGITS.issuperset(digits):
        argument, prefix6 = head, _prefix(digits, 128, text)
    head, separator, digits = argument.rpartition("/")
    if separator and _DIGITS.issuperset(digits):
        argument, prefix4 = head, _prefix(digits, 32, text)
    return argument, prefix4, prefix6


def _network(mechanism: str, argument: str, text: str) -> Network:
    host, slash, digits = argument[1:].partition("/")
    version, bits, family = (4, 32, socket.AF_INET) if mechanism == "ip4" else (6, 128, socket.AF_INET6)
    try:
        # Ten times as fast as `ipaddress`, which counts in a record with thousands of terms; as strict, and without scopes.
        packed = socket.inet_pton(family, host) if argument.startswith(":") else b""
    except (OSError, ValueError):
        packed = b""
    if not packed or not host.isascii():
        raise SyntaxProblem(f"no address in {text!r}")
    shift = bits - (_prefix(digits, bits, text) if slash else bits)
    return Network(version, int.from_bytes(packed) >> shift, shift)


def macro_string(text: str, *, explaining: bool = False) -> MacroString:
    """Reads a macro-string (RFC 7208 §7.1). `explaining` allows the letters c, r and t, and spaces, of an explanation."""
    parts: list[str | Expansion] = []
    place = 0
    while place < len(text):
        percent = text.find("%", place)
        literal = text[place:] if percent < 0 else text[place:percent]
        if literal:
            if not literal.isascii() or not literal.isprintable() or (not explaining and " " in literal):
                raise SyntaxProblem("a character that no macro-string holds")
            parts.append(literal)
        if percent < 0:
            break
        follows = text[percent + 1 : percent + 2]
        if follows in ("%", "_", "-"):
            parts.append({"%": "%", "_": " ", "-": "%20"}[follows])
            place = percent + 2
            continue
        # A macro is short: letter, digits, "r", delimiters. Looking no further than 200 characters keeps "%{%{%{" linear.
        end = text.find("}", percent, percent + 200)
        if follows != "{" or end < 0:
            raise SyntaxProblem("a % that begins no macro")
        parts.append(_expansion(text[percent + 2 : end], explaining))
        place = end + 1
    return tuple(parts)


def _expansion(body: str, explaining: bool) -> Expansion:
    letter = body[:1].lower()
    if not letter or letter not in ("slodiphcrtv" if explaining else "slodiphv"):
        raise SyntaxProblem(f"no macro letter in %{{{body[:20]}}}")
    place = 1
    while place < len(body) and body[place] in _DIGITS:
        place += 1
    digits = body[1:place]
    if digits and int(digits[:9]) == 0:
        raise SyntaxProblem("a macro that keeps 0 labels")
    reverse = body[place : place + 1] in ("r", "R")
    delimiters = body[place + reverse :]
    if any(character not in DELIMITERS for character in delimiters):
        raise SyntaxProblem(f"no delimiter in %{{{body[:20]}}}")
    return Expansion(letter, int(digits[:9]) if digits else 0, reverse, delimiters or ".", body[0].isupper())


def domain_spec(text: str) -> MacroString:
    """Reads a domain-spec: a macro-string that ends in a macro or in a top label that is not a number (RFC 7208 §7.1)."""
    parts = macro_string(text)
    if not parts:
        raise SyntaxProblem("an empty domain")
    last = parts[-1]
    if isinstance(last, Expansion):
        return parts
    if text.endswith(("%%", "%_", "%-")):
        return parts
    _, dot, top = last.removesuffix(".").rpartition(".")
    if not dot or not is_top_label(top):
        raise SyntaxProblem(f"a domain without a top label: {text[-80:]!r}")
    return parts


def is_top_label(label: str) -> bool:
    """Letters, digits and inner hyphens, and not digits alone."""
    if not label or label[0] == "-" or label[-1] == "-" or not _ALNUM.union("-").issuperset(label):
        return False
    return not _DIGITS.issuperset(label)


def expand(parts: MacroString, values: dict[str, str]) -> str:
    """Fills a macro-string in. Raises SyntaxProblem when it grows beyond EXPANSION_LIMIT. `values` holds each letter's text."""
    out: list[str] = []
    length = 0
    for part in parts:
        text = part if isinstance(part, str) else _transform(part, values[part.letter])
        length += len(text)
        if length > EXPANSION_LIMIT:
            raise SyntaxProblem(f"a macro that expands beyond {EXPANSION_LIMIT} characters")
        out.append(text)
    return "".join(out)


def _transform(part: Expansion, value: str) -> str:
    for delimiter in set(part.delimiters) - {"."}:
        value = value.replace(delimiter, "\0")
    if "." in part.delimiters:
        value = value.replace(".", "\0")
    pieces = value.split("\0")
    if part.reverse:
        pieces.reverse()
    if part.keep:
        pieces = pieces[-part.keep :]
    joined = ".".join(pieces)
    return quote(joined, safe="-._~") if part.escape else joined


def shorten(name: str) -> str:
    """Cuts labels off the left until the name has 253 characters at most (RFC 7208 §7.3)."""
    name = name.removesuffix(".")
    while len(name) > 253:
        # Jump to the first dot that leaves 253 or fewer instead of dropping one label at a time.
        dot = name.find(".", max(len(name) - 254, 0))
        if dot < 0:
            return name
        name = name[dot + 1 :]
    return name
