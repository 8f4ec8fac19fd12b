"""What an archive lists, without unpacking it (APPNOTE.TXT of zip §4.3, POSIX ustar, RFC 1952 gzip, RAR 4 and 5, 7z signature header).

    look(b"PK\\x03\\x04…", b"", 1200, "application/zip") -> Listing(names=("a.pdf.exe",), flags={"encrypted_archive"})

Only directories are read, at most `max_names` names of them; the one thing decompressed is the first 64 KB of a gzip stream, to see whether a
tar is inside. Sizes that an archive claims are compared, never trusted: a claimed ratio above 1:200 with more than 100 MB is the flag
`bomb`. Any bytes, never raises.
"""

import struct
import zlib

import msgspec

_NAME_BYTES = 512
BOMB_RATIO = 200
BOMB_BYTES = 100 * 1024 * 1024


class Listing(msgspec.Struct, gc=False):
    """Names in order of appearance (at most the cap), and what is notable: encrypted_archive, bomb, truncated_archive, many_members, macros."""

    names: tuple[str, ...] = ()
    flags: set[str] = set()


def look(head: bytes, tail: bytes, size_bytes: int, kind: str, max_names: int = 100) -> Listing:
    """List an archive of type `kind` of which the first and (where cut) the last bytes are at hand."""
    try:
        if kind == "application/zip":
            return _zip(head, tail, max_names)
        if kind == "application/x-tar":
            return _tar(head, max_names)
        if kind == "application/gzip":
            return _gzip(head, max_names)
        if kind == "application/vnd.rar":
            return _rar5(head, max_names) if head[6:8] == b"\x01\x00" else _rar4(head, max_names)
        if kind == "application/x-7z-compressed":
            return _seven_zip(head, tail, size_bytes)
    except (struct.error, IndexError, ValueError, zlib.error):
        return Listing((), {"broken_archive"})
    return Listing()


def _name(raw: bytes, utf8: bool = True) -> str:
    raw = raw[:_NAME_BYTES]
    try:
        return raw.decode("utf-8" if utf8 or not raw.isascii() else "ascii")
    except UnicodeDecodeError:
        return raw.decode("cp437", "replace")


def _zip(head: bytes, tail: bytes, max_names: int) -> Listing:
    """The central directory where it is at hand (it lies at the end), else the local headers."""
    end = tail or head
    at = end.rfind(b"PK\x05\x06", max(0, len(end) - 65557 - 22))
    flags: set[str] = set()
    if at >= 0 and at + 22 <= len(end):
        total, directory_size, directory_at = struct.unpack_from("<HII", end, at + 10)
        start = at - directory_size
        if not (0 <= start < len(end) and end[start : start + 4] == b"PK\x01\x02") and not tail:
            start = directory_at
        if 0 <= start < len(end) and end[start : start + 4] == b"PK\x01\x02":
            if b"vbaProject.bin" in end[start:at]:
                flags.add("macros")
            names, more = _central(end, start, max_names, flags)
            if more or total > max_names:
                flags.add("many_members")
            return Listing(names, flags)
        if total == 0 and directory_size == 0:
            return Listing((), {"empty_archive"})
    flags.add("truncated_archive")
    return Listing(_local(head, max_names, flags), flags)


def _central(data: bytes, at: int, max_names: int, flags: set[str]) -> tuple[tuple[str, ...], bool]:
    names: list[str] = []
    packed_bytes = plain_bytes = 0
    while data[at : at + 4] == b"PK\x01\x02" and at + 46 <= len(data):
        if len(names) >= max_names:
            return tuple(names), True
        bits, method, packed, plain, name_size, extra_size, comment_size = struct.unpack_from("<HH8xIIHHH", data, at + 8)
        if bits & 1:
            flags.add("encrypted_archive")
        if method == 99:
            flags.add("encrypted_archive")  # WinZip AES
        packed_bytes += packed
        plain_bytes += plain
        name = data[at + 46 : at + 46 + name_size]
        names.append(_name(name, bool(bits & 0x800)))
        at += 46 + name_size + extra_size + comment_size
    if plain_bytes > BOMB_BYTES and plain_bytes > BOMB_RATIO * max(packed_bytes, 1):
        flags.add("bomb")
    return tuple(names), False


def _local(data: bytes, max_names: int, flags: set[str]) -> tuple[str, ...]:
    """Names from the local headers, when the central directory is missing or was cut off."""
    names: list[str] = []
    at = data.find(b"PK\x03\x04")
    while at >= 0 and at + 30 <= len(data) and len(names) < max_names:
        bits, packed, name_size, extra_size = struct.unpack_from("<H10xI4xHH", data, at + 6)
        if bits & 1:
            flags.add("encrypted_archive")
        if name_size:
            name = _name(data[at + 30 : at + 30 + name_size], bool(bits & 0x800))
            names.append(name)
            if name.endswith("vbaProject.bin"):
                flags.add("macros")
        at = data.find(b"PK\x03\x04", at + 30 + name_size + extra_size + (packed if packed < len(data) else 0))
    return tuple(names)


def _tar(data: bytes, max_names: int) -> Listing:
    names: list[str] = []
    at = 0
    while at + 512 <= len(data) and data[at] and len(names) < max_names:
        names.append(_name(data[at : at + 100].split(b"\0", 1)[0]))
        octal = data[at + 124 : at + 136].strip(b" \0")
        if not octal.isdigit() or octal.strip(b"01234567"):
            break
        at += 512 + (int(octal, 8) + 511) // 512 * 512
    return Listing(tuple(names), {"many_members"} if len(names) >= max_names else set())


def _gzip(data: bytes, max_names: int) -> Listing:
    """RFC 1952 §2.3: the stored name; then at most 64 KB are inflated, to look for a tar."""
    bits = data[3]
    at = 10
    names: tuple[str, ...] = ()
    if bits & 4:
        at += 2 + struct.unpack_from("<H", data, at)[0]
    if bits & 8:
        stop = data.find(b"\0", at, at + _NAME_BYTES)
        if stop > at:
            names = (data[at:stop].decode("latin-1"),)
    inner = zlib.decompressobj(31).decompress(data, 65536)
    if inner[257:262] == b"ustar":
        listing = _tar(inner, max_names)
        return Listing(names + listing.names, listing.flags | {"nested_archive"})
    return Listing(names, {"nested_archive"} if inner[:4] in (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf") else set())


def _rar4(data: bytes, max_names: int) -> Listing:
    names: list[str] = []
    flags: set[str] = set()
    at = 7
    while at + 7 <= len(data) and len(names) < max_names:
        kind, bits, size = struct.unpack_from("<BHH", data, at + 2)
        if kind == 0x73 and bits & 0x80:
            return Listing((), {"encrypted_archive", "encrypted_names"})
        body = 0
        if kind == 0x74 and at + 32 <= len(data):
            body = struct.unpack_from("<I", data, at + 7)[0]
            name_size = struct.unpack_from("<H", data, at + 26)[0]
            start = at + 32 + (8 if bits & 0x100 else 0)
            names.append(_name(data[start : start + name_size].split(b"\0", 1)[0]))
            if bits & 4:
                flags.add("encrypted_archive")
        elif bits & 0x8000:
            body = struct.unpack_from("<I", data, at + 7)[0]
        if size < 7 or kind == 0x7B:
            break
        at += size + body
    return Listing(tuple(names), flags)


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """A RAR 5 number: seven bits a byte, lowest first, at most ten bytes."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("number too long")


def _rar5(data: bytes, max_names: int) -> Listing:
    names: list[str] = []
    flags: set[str] = set()
    at = 8
    while at + 7 <= len(data) and len(names) < max_names:
        size, after = _vint(data, at + 4)
        stop = after + size
        kind, pos = _vint(data, after)
        bits, pos = _vint(data, pos)
        if kind == 4:
            return Listing((), {"encrypted_archive", "encrypted_names"})
        extra = body = 0
        if bits & 1:
            extra, pos = _vint(data, pos)
        if bits & 2:
            body, pos = _vint(data, pos)
        if kind == 2:
            file_bits, pos = _vint(data, pos)
            _, pos = _vint(data, pos)
            _, pos = _vint(data, pos)
            pos += (4 if file_bits & 2 else 0) + (4 if file_bits & 4 else 0)
            _, pos = _vint(data, pos)
            _, pos = _vint(data, pos)
            name_size, pos = _vint(data, pos)
            names.append(_name(data[pos : pos + min(name_size, _NAME_BYTES)]))
            if extra and stop - extra >= pos:
                _, record = _vint(data, stop - extra)
                if _vint(data, record)[0] == 1:
                    flags.add("encrypted_archive")
        if size == 0 or kind == 5:
            break
        at = stop + body
    return Listing(tuple(names), flags)


def _seven_zip(head: bytes, tail: bytes, size_bytes: int) -> Listing:
    """7zFormat.txt: the header lies at the end; AES (06F10701) in it means encrypted files or names. Names are not read."""
    offset, size = struct.unpack_from("<QQ", head, 12)
    start = 32 + offset
    data = head
    if start + size > len(head):
        data = tail
        start -= size_bytes - len(tail)
    directory = data[max(0, start) : max(0, start) + min(size, 1048576)] if start + size > 0 else b""
    if not directory:
        return Listing((), {"truncated_archive"})
    flags = {"encrypted_archive"} if b"\x06\xf1\x07\x01" in directory else set()
    if flags and directory[:1] == b"\x17":
        flags.add("encrypted_names")
    return Listing((), flags)
