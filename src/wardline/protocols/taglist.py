"""Tag lists, the one syntax that DKIM signatures, key records, ARC fields and DMARC records share.

    b"v=1; a=rsa-sha256; d=example.com; b=dGVz\\r\\n dA=="  ->  {"v": "1", "a": "rsa-sha256", "d": "example.com", "b": "dGVz\\r\\n dA=="}

Standard: RFC 6376 §3.2. Bounded (64 KB, 100 tags) and linear.
"""

SIZE_LIMIT = 65536
TAGS_LIMIT = 100

_WHITESPACE = " \t\r\n"
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME = _LETTERS | frozenset("0123456789_")


class TagListProblem(ValueError):
    """What is wrong with the list, in a few words that hold nothing of it."""


def parse(text: bytes, *, lenient: bool = False) -> dict[str, str]:
    """Reads a tag list; names keep their case, the white space inside values stays.

    Raises TagListProblem for a list that is too long, a tag without "=", a bad name or a name that stands twice. `lenient` skips such tags
    instead (RFC 7489 §6.3: what cannot be read in the rest of a policy is ignored) and keeps the first of two.
    """
    if len(text) > SIZE_LIMIT:
        raise TagListProblem("longer than 64 KB")
    pieces = text.decode("utf-8", "replace").split(";", TAGS_LIMIT + 1)
    if len(pieces) > TAGS_LIMIT + 1:
        raise TagListProblem(f"more than {TAGS_LIMIT} tags")
    tags: dict[str, str] = {}
    for place, piece in enumerate(pieces):
        name, separator, value = piece.partition("=")
        name = name.strip(_WHITESPACE)
        if not separator and not name and (place == len(pieces) - 1 or lenient):
            continue
        if not separator or not name or name[0] not in _LETTERS or not _NAME.issuperset(name):
            if lenient:
                continue
            raise TagListProblem("a tag without a name or without =")
        if name in tags:
            if lenient:
                continue
            raise TagListProblem("a tag that stands twice")
        tags[name] = value.strip(_WHITESPACE)
    return tags


def joined(value: str) -> str:
    """A value with all white space taken out, as base64 and h= lists want it."""
    return "".join(value.split())


def without_signature(field: bytes) -> bytes:
    """A signature field with the value of its b= tag deleted, everything else untouched (RFC 6376 §3.5, §3.7)."""
    name, colon, value = field.partition(b":")
    pieces = value.split(b";")
    for place, piece in enumerate(pieces):
        tag, equals, _ = piece.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            pieces[place] = tag + equals
            break
    return name + colon + b";".join(pieces)
