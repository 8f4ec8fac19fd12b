"""PDF: links and actions, in the clear and compressed."""

import zlib

from wardline.protocols import pdf


def test_links_in_the_clear():
    data = b"%PDF-1.4\n1 0 obj <</A<</S/URI/URI(http://192.0.2.9/a\\)b)>>>>\n2 0 obj <</URI <687474703A2F2F6578616D706C652E636F6D>>>"
    assert pdf.look(data).urls == ("http://192.0.2.9/a)b", "http://example.com")


def test_links_in_compressed_streams():
    stream = zlib.compress(b"<</URI (http://example.com/x)>> /JavaScript")
    data = b"%PDF-1.5\n1 0 obj <</Filter/FlateDecode/Length 9>>\nstream\r\n" + stream + b"\nendstream"
    found = pdf.look(data)
    assert found.urls == ("http://example.com/x",) and found.flags == ("pdf_javascript",)


def test_flags():
    data = b"%PDF-1.4 /Encrypt 5 0 R /OpenAction /Launch /EmbeddedFile"
    assert set(pdf.look(data).flags) == {"encrypted_document", "pdf_open_action", "pdf_launch", "pdf_embedded_file"}


def test_bounds():
    many = b"%PDF" + b"".join(b"/URI(http://h%d.example)" % number for number in range(500))
    assert len(pdf.look(many).urls) == 32
    bomb = zlib.compress(b"\0" * 10_000_000)
    assert pdf.look(b"%PDF" + b"obj <</FlateDecode>>stream\n" * 2 + bomb).urls == ()
    assert pdf.look(b"%PDF /URI(" + b"\\" * 5000).urls == ()
    assert pdf.look(b"%PDF /URI<zz>").urls == ()


def test_escapes_and_wide_strings():
    assert pdf.look(b"/URI(http://example.com/\\141\\n)").urls == ("http://example.com/a",)
    assert pdf.look(b"/URI(\xfe\xff\0h\0i)").urls == ("hi",)
