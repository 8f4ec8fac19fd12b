"""HTML character references to text, on UTF-8 bytes.

    decode(b"caf&eacute; &#x41;&#66; &copy 2 &bogus;")  -> "café AB © 2 &bogus;" in UTF-8
    decode(b"?a=1&copy=2", attribute=True)              -> b"?a=1&copy=2"

WHATWG HTML §13.2.5.72-80: longest match for the old names that may lack their semicolon, windows-1252 for numbers 128 to 159, U+FFFD for
what is no character. Control characters become spaces. A reference looks at most 40 bytes ahead, so a flood of `&` costs linear time.
"""

import re
from html.entities import html5

NAMED: dict[bytes, bytes] = {name.encode(): text.encode() for name, text in html5.items()}
OLD_NAME_BYTES = 6  # the longest name that may stand without its semicolon ("frac12", "middot", …)

_windows_1252 = {
    0x80: 0x20AC, 0x82: 0x201A, 0x83: 0x0192, 0x84: 0x201E, 0x85: 0x2026, 0x86: 0x2020, 0x87: 0x2021, 0x88: 0x02C6, 0x89: 0x2030, 0x8A: 0x0160,
    0x8B: 0x2039, 0x8C: 0x0152, 0x8E: 0x017D, 0x91: 0x2018, 0x92: 0x2019, 0x93: 0x201C, 0x94: 0x201D, 0x95: 0x2022, 0x96: 0x2013, 0x97: 0x2014,
    0x98: 0x02DC, 0x99: 0x2122, 0x9A: 0x0161, 0x9B: 0x203A, 0x9C: 0x0153, 0x9E: 0x017E, 0x9F: 0x0178,
}  # fmt: skip

_reference = re.compile(rb"&(?:#(?:([0-9]++)|[xX]([0-9a-fA-F]++));?|([a-zA-Z][a-zA-Z0-9]{1,31}+)(;?))")


def number(code: int) -> bytes:
    """The character of a numeric reference, as UTF-8."""
    code = _windows_1252.get(code, code)
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        code = 0xFFFD
    elif (code < 0x20 and code not in (9, 10, 12, 13)) or code == 0x7F:
        code = 0x20
    return chr(code).encode()


def _text(found: re.Match[bytes]) -> bytes:
    name = found[3]
    if name is None:
        # Nine digits already are more than the last code point; leading zeros are dropped first.
        if found[1] is not None:
            return number(int(found[1].lstrip(b"0")[:9] or b"0"))
        return number(int(found[2].lstrip(b"0")[:8] or b"0", 16))
    if found[4]:
        text = NAMED.get(name + b";")
        if text is not None:
            return text
    for size in range(min(len(name), OLD_NAME_BYTES), 1, -1):
        text = NAMED.get(name[:size])
        if text is not None:
            return text + name[size:] + found[4]
    return found[0]


def _attribute_text(found: re.Match[bytes]) -> bytes:
    """In attributes, an old name without semicolon counts only when neither a letter, a digit nor `=` follows: query strings stay whole."""
    name = found[3]
    if name is None:
        return _text(found)
    if found[4]:
        return NAMED.get(name + b";", found[0])
    if found.string[found.end() : found.end() + 1] == b"=":
        return found[0]
    return NAMED.get(name, found[0])


def decode(text: bytes, attribute: bool = False) -> bytes:
    """The text with its references resolved; unknown ones stay as written."""
    if b"&" not in text:
        return text
    return _reference.sub(_attribute_text if attribute else _text, text)
