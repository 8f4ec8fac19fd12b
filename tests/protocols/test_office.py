"""Office files: what the names of their streams and objects give away."""

from wardline.protocols import office

HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def wide(*names: str) -> bytes:
    return HEAD + b"".join((name.encode("utf-16-le") + b"\0\0").ljust(128, b"\0") for name in names)


def test_kinds_of_ole():
    assert office.ole(wide("WordDocument")) == ("application/msword", [])
    assert office.ole(wide("Workbook")) == ("application/vnd.ms-excel", [])
    assert office.ole(wide("Something")) == ("application/x-ole-storage", [])


def test_macros_encryption_and_objects():
    assert office.ole(wide("WordDocument", "Macros", "_VBA_PROJECT"))[1] == ["macros"]
    assert office.ole(wide("EncryptedPackage"))[1] == ["encrypted_document"]
    assert office.ole(wide("WordDocument", "\x01Ole10Native"))[1] == ["embedded_object"]


def test_rtf():
    assert office.rtf(b"{\\rtf1 hello}") == []
    assert office.rtf(b"{\\rtf1{\\object\\objemb{\\*\\objdata 00}}}") == ["embedded_object"]
    assert office.rtf(b"{\\rtf1{\\object\\objemb\\objupdate}}") == ["embedded_object", "rtf_trick"]
