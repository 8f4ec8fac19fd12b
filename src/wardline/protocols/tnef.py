"""TNEF (`winmail.dat`): the files and the text that Outlook packs into one attachment ([MS-OXTNEF] §2.1).

    look(b"\\x78\\x9f\\x3e\\x22…") -> Winmail(names=("report.doc",), text="Dear …", flags=("executable",))

Attributes are read one after the other, each with its stated length checked against what is there. Linear, never raises.
"""

import struct

import msgspec

from wardline.protocols import filetype

_TITLE = 0x00018010
_DATA = 0x0006800F
_BODY = 0x0002800C
_SUBJECT = 0x00018004


class Winmail(msgspec.Struct, gc=False):
    """Names of the files inside (at most 64), the plain body, and the flags of the files by their content."""

    names: tuple[str, ...] = ()
    text: str = ""
    flags: tuple[str, ...] = ()


def look(data: bytes, max_names: int = 64) -> Winmail:
    """Read as much of a TNEF stream as is at hand."""
    names: list[str] = []
    texts: list[str] = []
    flags: dict[str, None] = {}
    at = 6  # signature and key
    for _ in range(4096):
        if at + 9 > len(data):
            break
        attribute, size = struct.unpack_from("<II", data, at + 1)
        start = at + 9
        value = data[start : min(start + size, len(data))]
        if attribute == _TITLE and len(names) < max_names:
            names.append(_text(value))
        elif attribute == _DATA:
            flags.update(dict.fromkeys(filetype.type_flags(filetype.detect(value[:65536]))))
        elif attribute in (_BODY, _SUBJECT) and len(texts) < 4:
            texts.append(_text(value[:65536]))
        at = start + size + 2  # a checksum follows
    return Winmail(tuple(names), "\n".join(texts), tuple(flags))


def _text(value: bytes) -> str:
    return value[:65536].split(b"\0", 1)[0].decode("cp1252", "replace")
