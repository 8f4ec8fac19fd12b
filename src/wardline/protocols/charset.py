"""Bytes to text: the declared charset, else UTF-8, else a bounded guess (RFC 2045 §5.2, RFC 2978, WHATWG labels).

    decode(b"caf\\xe9", "iso-8859-1")  -> ("café", ())
    decode(b"caf\\xc3\\xa9", "us-ascii") -> ("café", ("mislabelled_charset",))
    decode(b"hello", "x-klingon")      -> ("hello", ("unknown_charset",))

Only text codecs that run in linear time may be named by a sender (`punycode` and `idna` are quadratic, `unicode_escape` builds
characters out of ASCII). As web browsers do, Latin-1 is read as Windows-1252 and GB 2312 as GB 18030. Never raises.
"""

import codecs
import re
from functools import cache, lru_cache

from wardline.protocols import charset_guess

# Label (lower case, without separators) -> codec of Python. What is not here is unknown to us and guessed.
_CODECS = {
    "utf8": "utf-8", "unicode11utf8": "utf-8", "utf8mb4": "utf-8", "cputf8": "utf-8", "cp65001": "utf-8",
    "utf7": "utf-7", "unicode11utf7": "utf-7", "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16",
    "utf32": "utf-32", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "iso88591": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso8859115": "iso8859_15", "cp819": "cp1252", "iso885915": "iso8859_15",
    "latin9": "iso8859_15", "iso88592": "iso8859_2", "latin2": "iso8859_2", "iso88593": "iso8859_3", "iso88594": "iso8859_4",
    "iso88595": "iso8859_5", "cyrillic": "iso8859_5", "iso88596": "iso8859_6", "arabic": "iso8859_6", "iso88597": "iso8859_7", "greek": "iso8859_7",
    "iso88598": "iso8859_8", "iso88598i": "iso8859_8", "iso88598e": "iso8859_8", "hebrew": "iso8859_8", "iso88599": "cp1254", "latin5": "cp1254",
    "iso885910": "iso8859_10", "latin6": "iso8859_10", "iso885911": "cp874", "iso885913": "iso8859_13", "iso885914": "iso8859_14",
    "iso885916": "iso8859_16", "windows1250": "cp1250", "cp1250": "cp1250", "windows1251": "cp1251", "cp1251": "cp1251", "win1251": "cp1251",
    "windows1252": "cp1252", "cp1252": "cp1252", "ansi": "cp1252", "windows1253": "cp1253", "cp1253": "cp1253", "windows1254": "cp1254",
    "cp1254": "cp1254", "windows1255": "cp1255", "cp1255": "cp1255", "windows1256": "cp1256", "cp1256": "cp1256", "windows1257": "cp1257",
    "cp1257": "cp1257", "windows1258": "cp1258", "cp1258": "cp1258", "windows874": "cp874", "cp874": "cp874", "tis620": "cp874",
    "koi8r": "koi8_r", "koi8": "koi8_r", "koi8u": "koi8_u", "koi8ru": "koi8_u", "koi8t": "koi8_t", "ibm866": "cp866", "cp866": "cp866", "866": "cp866",
    "ibm437": "cp437", "cp437": "cp437", "ibm850": "cp850", "cp850": "cp850", "cp852": "cp852", "ibm852": "cp852", "cp858": "cp858",
    "macintosh": "mac_roman", "macroman": "mac_roman", "xmacroman": "mac_roman", "mac": "mac_roman", "xmaccyrillic": "mac_cyrillic",
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "cp936": "gb18030", "windows936": "gb18030", "xgbk": "gb18030", "euccn": "gb18030",
    "gb231280": "gb18030", "cngb": "gb18030", "chinese": "gb18030", "hzgb2312": "hz", "hz": "hz",
    "big5": "cp950", "cnbig5": "cp950", "cp950": "cp950", "xxbig5": "cp950", "big5hkscs": "big5hkscs", "big5eten": "cp950",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "mskanji": "cp932", "windows31j": "cp932", "cp932": "cp932", "ms932": "cp932",
    "eucjp": "euc_jp", "xeucjp": "euc_jp", "iso2022jp": "iso2022_jp_ext", "iso2022jp1": "iso2022_jp_ext", "iso2022jp2": "iso2022_jp_2",
    "iso2022jpms": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext",
    "euckr": "cp949", "ksc56011987": "cp949", "ksc5601": "cp949", "ks": "cp949", "ksc56011989": "cp949", "korean": "cp949", "cp949": "cp949",
    "windows949": "cp949", "uhc": "cp949", "iso2022kr": "iso2022_kr", "johab": "johab",
    "viscii": "cp1258", "tcvn": "cp1258", "armscii8": "cp1252", "ptcp154": "ptcp154",
}  # fmt: skip
# These mean "plain ASCII or we do not know": senders write them in front of anything.
_NO_STATEMENT = frozenset(
    {"", "usascii", "ascii", "ansix341968", "iso646us", "unknown8bit", "xunknown", "unknown", "8bit", "7bit", "default", "none", "binary"}
)
_SEPARATORS = re.compile(r"[^a-z0-9]")
# Where ISO 8859 has controls, Windows has quotes and dashes, and writers of "iso-8859-2" mean those.
_C1 = re.compile("[\x80-\x9f]")
_WINDOWS_SIGNS = {code: bytes((code,)).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
# Codecs in which bytes below 0x80 do not always mean ASCII: pure ASCII bytes still have to be decoded.
_SHIFTING = frozenset(
    {"utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "iso2022_jp_ext", "iso2022_jp_2", "iso2022_kr", "hz"}
)


@lru_cache(maxsize=512)
def codec(label: str) -> str | None:
    """The codec of Python that reads `label`; "" when the label states nothing, None when it is unknown."""
    key = _SEPARATORS.sub("", label.lower()[:40])
    if key in _NO_STATEMENT:
        return ""
    found = _CODECS.get(key)
    if found is None and key.startswith("cs"):
        found = _CODECS.get(key[2:])
    return found


def decode(data: bytes, label: str, *, fallback: str = "") -> tuple[str, tuple[str, ...]]:
    """(text, defects): `data` read as `label` says, or as it turned out to be. Undecodable bytes become U+FFFD.

    Defects: unknown_charset (the label means nothing), mislabelled_charset (the label is contradicted by the bytes), raw_8bit (no label and
    no UTF-8), undecodable (characters were replaced). With a `fallback` codec nothing is guessed: for callers whose budget is spent.
    """
    name = codec(label)
    if data.isascii() and name not in _SHIFTING:
        if name is not None:
            if not name and b"\x1b$" in data:
                return _read(data, charset_guess.guess(data[:4096]), ("mislabelled_charset",))
            return data.decode("ascii"), ()
        return data.decode("ascii"), ("unknown_charset",)
    if name is None:
        return _guessed(data, ("unknown_charset",), fallback)
    if name == "":
        return _guessed(data, ("mislabelled_charset",) if label else ("raw_8bit",), fallback)
    if data[:3] == b"\xef\xbb\xbf":
        return _read(data[3:], "utf-8", () if name == "utf-8" else ("mislabelled_charset",))
    if name == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16-be"  # RFC 2781 §4.3
    try:
        text = data.decode(name)
        return (text.translate(_WINDOWS_SIGNS) if name.startswith("iso8859") and _C1.search(text) else text), ()
    except UnicodeDecodeError as error:
        if name == "utf-8" and error.start < len(data) - 4:
            text = data.decode("utf-8", "replace")
            if text.count("\ufffd") * 20 > sum(1 for char in text[:4096] if char > "\x7f") + 20:
                return _guessed(data, ("mislabelled_charset",), fallback)
            return text, ("undecodable",)
        return _read(data, name, ())
    except (ValueError, LookupError):
        return _guessed(data, ("undecodable",), fallback)


def _guessed(data: bytes, defects: tuple[str, ...], fallback: str) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode("utf-8-sig"), defects if defects != ("raw_8bit",) else ()
    except UnicodeDecodeError:
        return _read(data, fallback or charset_guess.guess(data), defects)


def _read(data: bytes, name: str, defects: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode(name), defects
    except UnicodeDecodeError:
        pass
    table = _undefined(name)
    if table is not None:  # one call per undefined byte is slow; translating them first is not
        data = data.translate(table)
        return data.decode(name, "replace"), (*defects, "undecodable")
    return data.decode(name, "replace"), (*defects, "undecodable")


@cache
def _undefined(name: str) -> bytes | None:
    """For a one-byte charset: a table that maps its undefined bytes to `?`; None for the others. At most one entry per codec."""
    if not codecs.lookup(name).name.startswith(("cp12", "cp8", "cp4", "iso8859", "koi8", "mac", "ptcp")):
        return None
    table = bytearray(range(256))
    for byte in range(128, 256):
        try:
            bytes((byte,)).decode(name)
        except UnicodeDecodeError:
            table[byte] = 0x3F
    return bytes(table)


def is_ascii_compatible(label: str) -> bool:
    """Whether bytes below 0x80 mean ASCII in this charset, so that control characters can be blanked before decoding."""
    return codec(label) not in _SHIFTING if label else True


def looks_like_text(text: str) -> bool:
    """Whether decoded text is for people: few control characters and replacement characters in its first 2,000."""
    head = text[:2000]
    return not head or (head.count("\ufffd") + head.count("\0")) * 20 < len(head)
