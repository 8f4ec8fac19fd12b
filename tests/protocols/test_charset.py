"""Charsets: declared, mislabelled, unknown, hostile."""

import pytest

from wardline.protocols import charset


@pytest.mark.parametrize(
    ("data", "label", "text", "defects"),
    [
        (b"hello", "", "hello", ()),
        (b"hello", "us-ascii", "hello", ()),
        ("café".encode(), "", "café", ()),
        ("café".encode(), "UTF-8", "café", ()),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "utf-8", "café", ()),
        ("café".encode("latin-1"), "iso-8859-1", "café", ()),
        ("“quoted”".encode("cp1252"), "iso-8859-1", "“quoted”", ()),
        ("café".encode(), "us-ascii", "café", ("mislabelled_charset",)),
        ("café".encode("latin-1"), "us-ascii", "café", ("mislabelled_charset",)),
        ("café au lait, s'il vous plaît".encode("latin-1"), "", "café au lait, s'il vous plaît", ("raw_8bit",)),
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет", ()),
        ("Привет".encode("cp1251"), "windows-1251", "Привет", ()),
        ("日本語".encode("shift_jis"), "Shift_JIS", "日本語", ()),
        ("日本語".encode("iso-2022-jp"), "ISO-2022-JP", "日本語", ()),
        ("发票".encode("gb18030"), "gb2312", "发票", ()),
        ("안녕".encode("cp949"), "ks_c_5601-1987", "안녕", ()),
        ("hé".encode("utf-7"), "utf-7", "hé", ()),
        ("hé".encode("utf-16"), "utf-16", "hé", ()),
        (b"hello", "x-klingon", "hello", ("unknown_charset",)),
        (b"hello", "punycode", "hello", ("unknown_charset",)),
        (b"hello", "zlib", "hello", ("unknown_charset",)),
        (b"hello", "unicode_escape", "hello", ("unknown_charset",)),
        ("“ł”".encode("cp1250").replace("ł".encode("cp1250"), "ł".encode("iso8859_2")), "iso-8859-2", "“ł”", ()),
        (b"a\x81b", "cp1252", "a?b", ("undecodable",)),
        (b"", "utf-16", "", ()),
    ],
)
def test_decoding(data, label, text, defects):
    assert charset.decode(data, label) == (text, defects)


def test_a_lying_utf8_label_is_corrected():
    text, defects = charset.decode("Привет, это письмо о скидках и подарках".encode("cp1251"), "utf-8")
    assert "скидках" in text and defects == ("mislabelled_charset",)


def test_one_broken_byte_does_not_change_the_charset():
    text, defects = charset.decode("naïve café über".encode() + b"\xff" + b" and a longer tail of text", "utf-8")
    assert text.startswith("naïve café über\ufffd") and defects == ("undecodable",)


def test_with_a_fallback_nothing_is_guessed():
    assert charset.decode("Привет".encode("koi8-r"), "", fallback="cp1252")[0] == "Привет".encode("koi8-r").decode("cp1252")


@pytest.mark.parametrize(
    "label", ["utf-16", "utf-7", "iso-2022-jp", "gb18030", "cp1252", "koi8-r", "big5", "utf-8", "", "x", "é", "a" * 9999]
)
def test_any_bytes_decode(label):
    for data in (bytes(range(256)) * 4, b"\xd8\x00" * 50, b"+" * 99, b"\x1b$B" * 30, b"\xff"):
        text, _ = charset.decode(data, label)
        assert isinstance(text, str)


def test_which_charsets_are_ascii_below_0x80():
    assert charset.is_ascii_compatible("") and charset.is_ascii_compatible("koi8-r") and charset.is_ascii_compatible("x-klingon")
    assert not charset.is_ascii_compatible("utf-16") and not charset.is_ascii_compatible("iso-2022-jp")
