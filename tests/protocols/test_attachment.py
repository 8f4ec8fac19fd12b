"""One attached file: type, flags, members, links."""

import io
import zipfile

from wardline.protocols import attachment


def examine(data: bytes, name: str = "", content_type: str = "application/octet-stream") -> attachment.Findings:
    return attachment.examine(data, b"", len(data), name, content_type)


def a_zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as handle:
        for name in names:
            handle.writestr(name, b"data")
    return buffer.getvalue()


def test_a_program_that_pretends():
    found = examine(b"MZ" + b"\0" * 200, "invoice.pdf.exe", "application/pdf")
    assert found.detected_type == "application/x-dosexec"
    assert set(found.flags) == {"double_extension", "executable"}
    assert "type_mismatch" in examine(b"MZ" + b"\0" * 200, "invoice.pdf").flags


def test_an_innocent_file_has_no_flags():
    assert examine(b"%PDF-1.4", "a.pdf", "application/pdf").flags == ()
    assert examine(b"hello", "a.txt", "text/plain").flags == ()


def test_archives_list_their_tricks():
    found = examine(a_zip("a.pdf.exe", "inner.zip", "page.html", "../up"), "a.zip")
    assert {"archive", "member_double_extension", "member_executable", "nested_archive", "member_html", "member_path_name"} <= set(
        found.flags
    )
    assert found.members[0] == "a.pdf.exe"


def test_office_documents_and_macros():
    plain = examine(a_zip("[Content_Types].xml", "word/document.xml"), "a.docx")
    assert plain.detected_type.endswith("wordprocessingml.document") and plain.flags == ()
    assert "macros" in examine(a_zip("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "a.docm").flags


def test_disk_images():
    assert "disk_image" in examine(b"\0" * 32769 + b"CD001", "a.iso").flags
    assert "disk_image" in attachment.examine(b"\0" * 600, b"\0" * 88 + b"conectix" + b"\0" * 504, 10**6, "a.bin", "").flags


def test_which_files_need_more_than_their_head():
    assert attachment.wants_more(b"PK\x03\x04", "a.zip") and attachment.wants_more(b"", "a.iso")
    assert not attachment.wants_more(b"\x89PNG\r\n\x1a\n", "a.png")


def test_links_of_a_pdf_and_text_of_a_calendar():
    assert examine(b"%PDF-1.4 /URI(http://192.0.2.9/a)", "a.pdf").urls == ("http://192.0.2.9/a",)
    assert examine(b"BEGIN:VCALENDAR\nSUMMARY:Prize\n", "a.ics").text == "Prize"
