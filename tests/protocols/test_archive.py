"""What archives list. The zip, tar and gzip files are made by the standard library, the others byte by byte."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
import zlib

import pytest

from wardline.protocols import archive

KINDS = ["application/zip", "application/x-tar", "application/gzip", "application/vnd.rar", "application/x-7z-compressed"]


def a_zip(*names: str, content: bytes = b"data") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as handle:
        for name in names:
            handle.writestr(name, content)
    return buffer.getvalue()


def look(data: bytes, kind: str, **more):
    return archive.look(data, b"", len(data), kind, **more)


def test_zip_names():
    listing = look(a_zip("a.txt", "dir/b.exe", "ü.pdf"), KINDS[0])
    assert listing.names == ("a.txt", "dir/b.exe", "ü.pdf") and not listing.flags


def test_zip_from_head_and_tail():
    data = a_zip("a.txt", "b.txt", content=random.Random(1).randbytes(5000))
    assert archive.look(data[:100], data[-400:], len(data), KINDS[0]).names == ("a.txt", "b.txt")


def test_a_cut_zip_is_read_from_its_local_headers():
    listing = look(a_zip("a.txt", "b.txt")[:-60], KINDS[0])
    assert "truncated_archive" in listing.flags and "a.txt" in listing.names


def test_an_encrypted_zip_is_flagged():
    data = bytearray(a_zip("a.txt"))
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    assert "encrypted_archive" in look(bytes(data), KINDS[0]).flags


def test_a_claimed_bomb_is_flagged_and_not_unpacked():
    data = bytearray(a_zip("a.txt"))
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<II", data, at + 20, 1000, 0xF0000000)
    assert "bomb" in look(bytes(data), KINDS[0]).flags


def test_macros_are_seen_behind_the_cap_on_names():
    names = [f"word/{number}.xml" for number in range(300)] + ["word/vbaProject.bin"]
    listing = look(a_zip(*names), KINDS[0], max_names=10)
    assert len(listing.names) == 10 and listing.flags == {"macros", "many_members"}


def test_tar_and_tar_gz():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as handle:
        for name in ("a.js", "b.txt"):
            info = tarfile.TarInfo(name)
            info.size = 600
            handle.addfile(info, io.BytesIO(b"x" * 600))
    assert look(buffer.getvalue(), KINDS[1]).names == ("a.js", "b.txt")
    packed = look(gzip.compress(buffer.getvalue()), KINDS[2])
    assert packed.names == ("a.js", "b.txt") and packed.flags == {"nested_archive"}


def test_gzip_name_and_bomb():
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="inside.txt", fileobj=buffer, mode="wb") as handle:
        handle.write(b"\0" * 50_000_000)
    assert look(buffer.getvalue(), KINDS[2]).names == ("inside.txt",)


def rar4(name: bytes, bits: int = 0) -> bytes:
    header = (
        struct.pack("<HBHH", 0, 0x74, 0x8000 | bits, 32 + len(name))
        + struct.pack("<IIBIIBBHI", 4, 4, 0, 0, 0, 29, 0x30, len(name), 0)
        + name
    )
    return b"Rar!\x1a\x07\x00" + struct.pack("<HBHH6x", 0, 0x73, 0, 13) + header + b"data"


def test_rar4():
    assert look(rar4(b"a.exe"), KINDS[3]).names == ("a.exe",)
    assert "encrypted_archive" in look(rar4(b"a.exe", 4), KINDS[3]).flags
    assert "encrypted_names" in look(b"Rar!\x1a\x07\x00" + struct.pack("<HBHH6x", 0, 0x73, 0x80, 13), KINDS[3]).flags


def test_rar5():
    def block(kind: int, body: bytes, bits: int = 0) -> bytes:
        inner = bytes((kind, bits)) + body
        return b"\0\0\0\0" + bytes((len(inner),)) + inner

    name = b"b.js"
    member = block(2, bytes((0, 4, 0, 0, 0, len(name))) + name)
    data = b"Rar!\x1a\x07\x01\x00" + block(1, b"\0") + member + block(5, b"\0")
    assert look(data, KINDS[3]).names == ("b.js",)
    assert look(b"Rar!\x1a\x07\x01\x00" + block(4, b"\0\0\x0f"), KINDS[3]).flags == {"encrypted_archive", "encrypted_names"}


def test_seven_zip():
    def seven(directory: bytes) -> bytes:
        start = struct.pack("<QQI", 10, len(directory), 0)
        return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + b"x" * 10 + directory

    assert not look(seven(b"\x01\x04\x06"), KINDS[4]).flags
    assert look(seven(b"\x01\x06\xf1\x07\x01"), KINDS[4]).flags == {"encrypted_archive"}
    assert look(seven(b"\x17\x06\xf1\x07\x01"), KINDS[4]).flags == {"encrypted_archive", "encrypted_names"}


@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_never_raises(kind):
    source = random.Random(7)
    sound = [a_zip("a", "b"), rar4(b"a"), gzip.compress(b"x" * 99), b"7z\xbc\xaf\x27\x1c" + bytes(40), b"Rar!\x1a\x07\x01\x00" + bytes(40)]
    for data in sound:
        for _ in range(200):
            broken = bytearray(data)
            for _ in range(source.randrange(1, 6)):
                broken[source.randrange(len(broken))] = source.randrange(256)
            archive.look(bytes(broken[: source.randrange(len(broken) + 1)]), b"", 10**6, kind)
