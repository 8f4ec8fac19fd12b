"""TNEF streams, built attribute by attribute."""

import struct

from wardline.protocols import tnef


def stream(*attributes: tuple[int, bytes]) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(
        b"\x02" + struct.pack("<II", kind, len(value)) + value + b"\0\0" for kind, value in attributes
    )


def test_names_text_and_content():
    found = tnef.look(
        stream((0x00018004, b"Subject\0"), (0x0002800C, b"Hello\0"), (0x00018010, b"a.exe\0"), (0x0006800F, b"MZ" + b"\0" * 99))
    )
    assert found.names == ("a.exe",) and found.text == "Subject\nHello" and found.flags == ("executable",)


def test_lengths_that_lie():
    assert tnef.look(stream((0x00018010, b"a.txt\0"))[:-2]).names == ("a.txt",)
    assert tnef.look(b"\x78\x9f\x3e\x22\x01\x00\x02" + struct.pack("<II", 0x00018010, 0xFFFFFFFF) + b"a.txt").names == ("a.txt",)
    assert tnef.look(b"") == tnef.Winmail()
    assert len(tnef.look(stream(*[(0x00018010, b"a\0")] * 500)).names) == 64
