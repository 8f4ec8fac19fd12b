"""Authentication-Results: reading what a trusted host found, writing what we found, and telling whose a field claims to be.

    parse("mx.example.com 1; spf=pass smtp.mailfrom=example.net; dkim=fail (bad) header.d=example.net")
    -> AuthenticationResults("mx.example.com", results=(MethodResult("spf", "pass", properties={"smtp.mailfrom": "example.net"}), …))

Standard: RFC 8601 §2.2 (syntax), §5 (removing forged fields). One pass over at most 16 KB, comments nested to any depth without recursion.
"""

import unicodedata
from collections.abc import Iterable

import msgspec

SIZE_LIMIT = 16384
RESULTS_LIMIT = 64
PROPERTIES_LIMIT = 16
_SPECIAL = frozenset(';=()"\\ \t\r\n<>@,:')


class MethodResult(msgspec.Struct, frozen=True):
    """One method: "dkim", its result "pass", "header.d" and other properties to their values, reason= and the last comment."""

    method: str
    result: str
    properties: dict[str, str] = {}
    reason: str = ""
    comment: str = ""


class AuthenticationResults(msgspec.Struct, frozen=True):
    """One field. authserv_id in lower case; results in order, empty for "none"."""

    authserv_id: str
    results: tuple[MethodResult, ...] = ()
    version: int = 1

    def of(self, method: str) -> list[MethodResult]:
        """The results of one method."""
        return [result for result in self.results if result.method == method]


Token = tuple[str, str]  # kind: "word", "quoted", "comment" or the separator itself; its text


def tokens(value: str) -> list[Token]:
    """The value as words, quoted strings, comments and the separators ; and =. An open comment or string ends with the value. Linear."""
    value = value[:SIZE_LIMIT]
    out: list[Token] = []
    place, size = 0, len(value)
    while place < size:
        character = value[place]
        if character in " \t\r\n":
            place += 1
        elif character == "(":
            text, place = _comment(value, place)
            out.append(("comment", text))
        elif character == '"':
            text, place = _quoted(value, place)
            out.append(("quoted", text))
        elif character in ";=":
            out.append((character, character))
            place += 1
        else:
            start = place
            # Everything up to white space, a separator, a string or a comment is a word: real fields hold <a@b>, /, and : unquoted.
            while place < size and value[place] not in ' \t\r\n;=("':
                place += 1
            out.append(("word", value[start:place]))
    return out


def _comment(value: str, place: int) -> tuple[str, int]:
    depth, start = 0, place + 1
    while place < len(value):
        character = value[place]
        if character == "\\":
            place += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return value[start:place], place + 1
        place += 1
    return value[start:], len(value)


def _quoted(value: str, place: int) -> tuple[str, int]:
    out: list[str] = []
    place += 1
    while place < len(value):
        character = value[place]
        if character == "\\" and place + 1 < len(value):
            place += 1
            character = value[place]
        elif character == '"':
            return "".join(out), place + 1
        out.append(character)
        place += 1
    return "".join(out), place


def parse(value: str | bytes) -> AuthenticationResults | None:
    """Reads one field value. None when it names no host. Results that cannot be read are left out; never raises."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    parts: list[list[Token]] = [[]]
    for token in tokens(text):
        if token[0] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    head = [token for token in parts[0] if token[0] in ("word", "quoted")]
    host = head[0][1].lower().rstrip(".") if head else ""
    if not host:
        return None
    version = head[1][1] if len(head) > 1 else "1"
    results = [found for part in parts[1 : RESULTS_LIMIT + 1] if (found := _result(part)) is not None]
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 4 else 1
    return AuthenticationResults(host, tuple(results), number)


def _result(part: list[Token]) -> MethodResult | None:
    """ "dkim=pass (ok) reason=x header.d=example.com": pairs of word = value, the first names the method."""
    comment = next((text for kind, text in reversed(part) if kind == "comment"), "")
    plain = [token for token in part if token[0] != "comment"]
    pairs: list[tuple[str, str]] = []
    place = 0
    while place + 2 < len(plain) and len(pairs) < PROPERTIES_LIMIT + 2:
        if plain[place][0] == "word" and plain[place + 1][0] == "=" and plain[place + 2][0] in ("word", "quoted"):
            pairs.append((plain[place][1].lower(), plain[place + 2][1]))
            place += 3
        else:
            place += 1
    if not pairs:
        return None
    method, result = pairs[0]
    properties = {name: text[:512] for name, text in pairs[1:] if name != "reason"}
    reason = next((text for name, text in pairs[1:] if name == "reason"), "")
    return MethodResult(method.partition("/")[0][:64], result.lower()[:64], properties, reason[:512], comment[:512])


def quote(text: str) -> str:
    """A value as it may stand in a field: as it is where that is a plain word, else quoted; control characters become spaces."""
    clean = "".join(character if character.isprintable() else " " for character in text[:512])
    if clean and not _SPECIAL.intersection(clean):
        return clean
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def format_results(authserv_id: str, results: Iterable[MethodResult]) -> str:
    """Writes a field value, one result a line. What `parse` gives back of it equals what went in, within the limits."""
    lines = [quote(authserv_id)]
    for result in list(results)[:RESULTS_LIMIT]:
        comment = f" ({_plain_comment(result.comment)})" if result.comment else ""
        reason = f" reason={quote(result.reason)}" if result.reason else ""
        properties = "".join(f" {name}={_property(text)}" for name, text in list(result.properties.items())[:PROPERTIES_LIMIT])
        lines.append(f"{result.method}={result.result}{comment}{reason}{properties}")
    return ";\r\n\t".join(lines) if len(lines) > 1 else lines[0] + "; none"


def _property(text: str) -> str:
    """A property value; an address or @domain may stand unquoted (RFC 8601 §2.2: pvalue)."""
    return (
        text
        if text.isascii() and text.isprintable() and 0 < len(text) <= 512 and not (_SPECIAL - {"@"}).intersection(text)
        else quote(text)
    )


def _plain_comment(text: str) -> str:
    return "".join(character if character.isprintable() and character not in "()\\" else " " for character in text[:512])


def claims_authserv_id(value: str | bytes, our_name: str) -> bool:
    """Whether a field claims to come from `our_name`, so that the border must take it out (RFC 8601 §5).

    Reads the field in every way a lenient reader might: comments, quotes, folding, case, a version, a trailing dot, full-width letters.
    In doubt the answer is yes: a foreign field lost costs nothing, a forged one believed costs a mailbox.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    ours = _folded(our_name)
    if not ours:
        return False
    text = text[:SIZE_LIMIT]
    head: list[Token] = []
    for token in tokens(text):
        if token[0] == ";":
            break
        head.append(token)
    spoken = [text for kind, text in head if kind != "comment"]
    words = [_folded(text) for text in spoken]
    joined = _folded("".join(spoken))
    # First the words as they stand, then glued together ("mx." "example.com"), then with a version glued on.
    if ours in words or joined == ours or joined.rstrip("0123456789") in (ours, ours.rstrip("0123456789")):
        return True
    # Readers that know no comments or strings take the text up to the first semicolon.
    bare = _folded(text.partition(";")[0])
    return bare.startswith(ours) and (len(bare) == len(ours) or not (bare[len(ours)].isalnum() or bare[len(ours)] in ".-_"))


def _folded(text: str) -> str:
    """Letters as a lenient reader compares them: compatibility forms folded, no white space, control or format characters, no trailing dot."""
    plain = unicodedata.normalize("NFKC", text[:2048]).casefold()
    kept = "".join(
        character for character in plain if not character.isspace() and unicodedata.category(character)[0] != "C" and character not in '"\\'
    )
    return kept.rstrip(".")
