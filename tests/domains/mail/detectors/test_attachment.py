"""attachment: disguises and programs speak, ordinary files do not."""

import pytest

from tests.domains.mail.builders import ask, mail
from wardline.domains.mail.detectors.attachment import Attachment as Detector
from wardline.domains.mail.events import Attachment


def score(*files: Attachment, text: str = "see attached") -> float | None:
    return ask(Detector(), mail(text=text, attachments=files)).score


@pytest.mark.parametrize(
    ("file", "least"),
    [
        (Attachment(name="invoice.pdf.exe", flags=("double_extension", "executable")), 0.95),
        (Attachment(name="photo\u202egpj.scr", flags=("rlo_name", "executable")), 0.95),
        (Attachment(name="setup.exe", detected_type="application/x-dosexec", flags=("executable",)), 0.9),
        (Attachment(name="scan.lnk", flags=("shortcut", "executable")), 0.9),
        (Attachment(name="order.iso", flags=("disk_image", "executable")), 0.85),
        (Attachment(name="a.zip", members=("readme.txt", "order.scr")), 0.9),
        (Attachment(name="a.zip", members=("x/order.pdf.exe",), flags=("member_double_extension",)), 0.95),
        (Attachment(name="Report.docm", flags=("macros",)), 0.7),
        (Attachment(name="Sign in.html", flags=("html", "html_form", "html_password")), 0.9),
        (Attachment(name="voice.htm", flags=("html", "html_script")), 0.85),
        (Attachment(name="logo.svg", flags=("svg", "html_script")), 0.9),
        (Attachment(name="a.zip", flags=("encrypted_archive",)), 0.7),
    ],
)
def test_dangerous(file: Attachment, least: float) -> None:
    found = score(file)
    assert found is not None and found > least


def test_a_password_in_the_text_makes_an_encrypted_archive_worse() -> None:
    plain, given = (
        score(Attachment(name="a.zip", flags=("encrypted_archive",))),
        score(Attachment(name="a.zip", flags=("encrypted_archive",)), text="Password: 1234"),
    )
    assert plain is not None and given is not None and plain < given


@pytest.mark.parametrize(
    "file",
    [
        Attachment(name="invoice.pdf", content_type="application/pdf"),
        Attachment(name="fix.patch", content_type="text/x-patch"),
        Attachment(name="build.sh", content_type="text/x-shellscript", flags=("executable", "script")),
        Attachment(name="tool.py", content_type="text/x-python", flags=("script",)),
        Attachment(name="main.js", content_type="text/javascript", flags=("executable", "script")),
        Attachment(name="archive.v1.2.tar.gz", flags=("archive",)),
        Attachment(name="photos.zip", members=("a.jpg", "b.jpg"), flags=("archive",)),
        Attachment(name="logo.svg", flags=("svg",)),
        Attachment(name="signature.asc", content_type="application/pgp-signature"),
        Attachment(name="", content_type="message/rfc822"),
        Attachment(name="capture.bin", content_type="application/octet-stream", flags=("executable",)),
    ],
)
def test_ordinary(file: Attachment) -> None:
    assert (score(file) or 0.0) <= 0.5


def test_nothing_attached_says_so() -> None:
    signal = ask(Detector(), mail())
    assert signal.score is None and "No attachments" in signal.reason
