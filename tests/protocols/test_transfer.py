"""Content-Transfer-Encodings, sound and broken (RFC 2045 §6)."""

import base64
import binascii

import pytest

from wardline.protocols import transfer


@pytest.mark.parametrize(
    ("data", "encoding", "decoded", "defects"),
    [
        (b"plain\n", "", b"plain\n", set()),
        (b"plain\n", "8bit", b"plain\n", set()),
        (b"plain\n", "x-odd", b"plain\n", {"unknown_encoding"}),
        (b"caf=C3=A9=\n!", "quoted-printable", "café!".encode(), set()),
        (b"bad=ZZ=", "quoted-printable", b"bad=ZZ", set()),
        (b"aGVs\r\nbG8=\r\n", "base64", b"hello", set()),
        (b"aGVsbG8", "base64", b"hello", {"base64_padding"}),
        (b"aGVsbG8hX", "base64", b"hello!", {"base64_padding"}),
        (b"aGVs!!bG8=", "base64", b"hello", {"bad_base64"}),
        (b"aGVsbG8=\nIHdvcmxk\nIQ==", "base64", b"hello world!", {"base64_pieces"}),
        (b"====", "base64", b"", set()),
        (b"", "base64", b"", set()),
        (b"begin 644 a.txt\n" + binascii.b2a_uu(b"hello") + b"`\nend\n", "x-uuencode", b"hello", set()),
    ],
)
def test_decoding(data, encoding, decoded, defects):
    sample = transfer.sample(data, encoding, 1000, 0)
    assert sample.data == decoded
    assert sample.defects == defects
    assert not sample.cut


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
def test_head_and_tail_of_a_large_body(encoding):
    plain = b"".join(b"line %06d\n" % number for number in range(20000))
    data = {"": plain, "base64": base64.encodebytes(plain), "quoted-printable": binascii.b2a_qp(plain)}[encoding]
    sample = transfer.sample(data, encoding, 3000, 1500)
    assert sample.cut
    assert sample.head.startswith(b"line 000000\n") and sample.tail.endswith(b"line 019999\n")
    assert len(sample.head) <= 3003 and len(sample.tail) <= 1506
    assert plain.endswith(sample.tail)


def test_base64_cut_exactly_whatever_the_line_length():
    plain = bytes(range(256)) * 40
    encoded = base64.b64encode(plain)
    odd_lines = b"\n".join(encoded[at : at + 61] for at in range(0, len(encoded), 61))
    sample = transfer.sample(odd_lines, "base64", 300, 300)
    assert plain.startswith(sample.head) and plain.endswith(sample.tail) and sample.size_bytes == len(plain)


def test_very_many_base64_pieces():
    assert transfer.sample(b"YQ==" * 9000, "base64", 100_000, 0).data.startswith(b"a" * 2000)
    assert transfer.sample(b"YWE=" * 9000 + b"Y", "base64", 100_000, 0).head.startswith(b"aa" * 2000)


def test_uuencoded_files_in_text():
    text = b"Hello\nbegin 644 a b.txt\n" + binascii.b2a_uu(b"x" * 45) + b"`\nend\nbye\nbegin nothing\n"
    files = transfer.uu_files(text)
    assert [name for _, _, name in files] == [b"a b.txt"]
    decoded, behind, defects = transfer.uudecode(text, files[0][1], 1000)
    assert decoded == b"x" * 45 and text[behind:].startswith(b"bye") and not defects


def test_uudecode_stops_at_the_cap():
    data = binascii.b2a_uu(b"x" * 45) * 1000
    assert len(transfer.uudecode(data, 0, 90)[0]) == 90
