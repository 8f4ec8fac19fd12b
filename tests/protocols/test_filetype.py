"""File types by content, tricks in names."""

import pytest

from wardline.protocols import filetype


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", ""),
        (b"just words", ""),
        (b"%PDF-1.7", "application/pdf"),
        (b"junk before %PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"MZ" + b"\0" * 100, "application/x-dosexec"),
        (b"MZ" + b" is how this long sentence begins, and it goes on for more than sixty-four bytes", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"{\\rtf1", "application/rtf"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
        (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
        (b"\0" * 257 + b"ustar", "application/x-tar"),
        (b"\0" * 32769 + b"CD001", "application/x-iso9660-image"),
        (b"vhdxfile", "application/x-vhdx"),
        (b"  <!DOCTYPE html><html>", "text/html"),
        (b"\xef\xbb\xbf<html>", "text/html"),
        ("<html>".encode("utf-16"), "text/html"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "image/svg+xml"),
        (b"<html><svg>", "text/html"),
        (b'<?xml version="1.0"?><a/>', "application/xml"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"BEGIN:VCALENDAR", "text/calendar"),
        (b"-----BEGIN PGP SIGNATURE-----", "application/pgp-signature"),
        (b"-----BEGIN PGP MESSAGE-----", "application/pgp-encrypted"),
    ],
)
def test_types(head, kind):
    assert filetype.detect(head) == kind


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("report.pdf", []),
        ("", []),
        ("report.pdf.exe", ["double_extension", "executable"]),
        ("report.pdf          .exe", ["long_blank_name", "double_extension", "executable"]),
        ("annexe\u202efdp.exe", ["rlo_name", "executable"]),
        ("report.exe. . ", ["trailing_dots", "executable"]),
        ("a\u200bb.js", ["invisible_name", "executable", "script"]),
        ("../../etc/passwd", ["path_name"]),
        ("invoice.docm", ["macro_type"]),
        ("disk.iso", ["disk_image"]),
        ("notes.one", ["onenote"]),
        ("link.lnk", ["executable", "shortcut"]),
        ("statement.pdf.html", ["double_extension"]),
        ("v1.2.report.pdf", []),
    ],
)
def test_names(name, flags):
    assert filetype.name_flags(name) == flags


def test_extension_is_what_the_system_acts_on():
    assert filetype.extension("A.PDF") == "pdf"
    assert filetype.extension("a.exe . .") == "exe"
    assert filetype.extension("noext") == ""


@pytest.mark.parametrize(
    ("name", "declared", "detected", "wrong"),
    [
        ("a.pdf", "application/pdf", "application/pdf", False),
        ("a.pdf", "application/pdf", "application/x-dosexec", True),
        ("a.jpg", "image/jpeg", "image/png", False),
        ("a.docx", "application/zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", False),
        ("a", "image/png", "text/html", True),
        ("a.pdf", "application/pdf", "", False),
    ],
)
def test_contradictions(name, declared, detected, wrong):
    assert filetype.contradicts(name, declared, detected) is wrong


def test_types_of_zips():
    assert filetype.office_type(("[Content_Types].xml", "word/document.xml")).endswith("wordprocessingml.document")
    assert filetype.office_type(("META-INF/MANIFEST.MF", "A.class")) == "application/java-archive"
    assert filetype.office_type(("AndroidManifest.xml",)).endswith("android.package-archive")
    assert filetype.office_type(("a.txt",)) == ""
