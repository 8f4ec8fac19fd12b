"""The body as its reader meets it: reading order, both sides of an alternative, attachments, budgets."""

import base64
import binascii

from wardline.domains.mail import body as bodies
from wardline.protocols import mime

SPAM = "Cheap pills at http://spam.example.com/buy today"


def read(raw: bytes, **caps) -> bodies.Body:
    body = bodies.Body(bodies.Limits(**caps))
    body.add(mime.parse(raw).root)
    return body


def multipart(kind: str, *parts: str) -> bytes:
    return (f"Content-Type: multipart/{kind}; boundary=b\n\n" + "".join(f"--b\n{part}\n" for part in parts) + "--b--\n").encode()


def text(body: bodies.Body) -> str:
    return "\n".join(body.visible)


def test_plain_text_and_its_links():
    body = read(b"\nVisit http://example.com/a or www.example.net now")
    assert text(body).strip() == "Visit http://example.com/a or www.example.net now"
    assert [link[0] for link in body.links] == ["http://example.com/a", "www.example.net"]


def test_html_is_seen_and_hidden_text_told_apart():
    body = read(b'Content-Type: text/html\n\n<p>Hello <a href="http://192.0.2.9/a">example.com</a><span style="display:none">secret</span>')
    assert "Hello" in text(body) and "secret" not in text(body)
    assert "secret" in "".join(body.hidden)
    assert ("http://192.0.2.9/a", "example.com", "anchor", False) in body.links
    assert body.facts().parts == 1


def test_text_behind_a_comment_that_never_ends_counts_as_hidden():
    body = read(f"Content-Type: text/html\n\n<html><!--#x>{SPAM} {'and more words ' * 20}".encode())
    assert SPAM in "".join(body.hidden) and SPAM not in text(body)


def test_both_sides_of_an_alternative_that_differ():
    body = read(multipart("alternative", f"\n{SPAM}", "Content-Type: text/html\n\n<p>Minutes of the meeting on Tuesday"))
    assert SPAM in text(body) and "Minutes" in text(body)


def test_an_alternative_that_repeats_itself_is_told_once():
    body = read(
        multipart("alternative", "\nMinutes of the meeting", "Content-Type: text/html\n\n<p>Minutes of the <b>meeting</b> on Tuesday")
    )
    assert text(body).count("Minutes") == 1


def test_reading_order_across_parts():
    body = read(multipart("mixed", "\nfirst", "Content-Type: text/html\n\n<p>second", "\nthird"))
    assert [word for word in text(body).split() if word in ("first", "second", "third")] == ["first", "second", "third"]


def test_a_message_within_shows_its_subject_and_text():
    body = read(
        multipart(
            "mixed", "\nsee below", "Content-Type: message/rfc822\n\nSubject: =?utf-8?q?caf=C3=A9?=\nFrom: b@example.net\n\ninner words"
        )
    )
    assert all(words in text(body) for words in ("see below", "café", "b@example.net", "inner words"))


def test_flowed_text_is_joined():
    body = read(b"Content-Type: text/plain; format=flowed; delsp=yes\n\nhttp://example.com/ \nlong\nnext\n-- \nsig")
    assert "http://example.com/long\nnext\n--\nsig" in text(body)


def test_controls_are_blanked():
    assert text(read(b"\na\x00b\x07c\x7fd")).strip() == "a b c d"
    assert text(read("Content-Type: text/plain; charset=utf-8\n\na\u0085b é".encode())).strip() == "a b é"
    assert text(read(b"Content-Type: text/plain; charset=iso-8859-2\n\na\x85b \xe9")).strip() == "a…b é"


def test_text_outside_the_parts_counts_as_hidden():
    words = "stuffing words that only a naive filter reads " * 5
    body = read(b"Content-Type: multipart/mixed; boundary=b\n\n" + words.encode() + b"\n--b\n\nshown\n--b--\n")
    assert "stuffing" in "".join(body.hidden) and "stuffing" not in text(body) and "text_outside_parts" in body.defects


def test_lines_in_the_header_that_are_no_fields_are_shown():
    body = read(b"Subject: x\n" + SPAM.encode() + b"\nFrom: a@example.com\n\nbody")
    assert "Cheap pills" in text(body) and any("spam.example.com" in link[0] for link in body.links)


def test_html_without_a_type_is_read_as_html():
    body = read(b'Subject: x\n\n<html><body><a href="http://192.0.2.9/a">go</a>')
    assert ("http://192.0.2.9/a", "go", "anchor", False) in body.links


class TestAttachments:
    def test_a_file_is_described(self):
        encoded = base64.b64encode(b"MZ" + b"\0" * 300).decode()
        body = read(
            multipart(
                "mixed",
                "\nhi",
                f'Content-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf.exe"\nContent-Transfer-Encoding: base64\n\n{encoded}',
            )
        )
        (file,) = body.attachments
        assert (file.name, file.content_type, file.detected_type, file.size_bytes, file.inline) == (
            "a.pdf.exe", "application/pdf", "application/x-dosexec", 302, False,
        )  # fmt: skip
        assert "double_extension" in file.flags

    def test_html_and_svg_files_are_read_and_marked(self):
        page = '<html><form action="http://192.0.2.9/post"><input type=password>Sign in</form>'
        body = read(multipart("mixed", "\nhi", f"Content-Type: text/html\nContent-Disposition: attachment; filename=a.html\n\n{page}"))
        assert "Sign in" in text(body)
        assert [link[2] for link in body.links if link[0] == "http://192.0.2.9/post"] == ["attachment"]
        assert {"html", "html_form", "html_password"} <= set(body.attachments[0].flags)
        drawing = '<svg xmlns="http://www.w3.org/2000/svg"><a href="http://192.0.2.9/b"><text>Open</text></a></svg>'
        body = read(multipart("mixed", f"Content-Type: application/octet-stream; name=a.svg\n\n{drawing}"))
        assert "svg" in body.attachments[0].flags and any(link[0] == "http://192.0.2.9/b" for link in body.links)

    def test_text_files_are_read(self):
        body = read(multipart("mixed", f"Content-Type: text/plain; name=a.txt\n\n{SPAM}"))
        assert SPAM in text(body) and body.attachments[0].name == "a.txt"

    def test_links_of_a_pdf_are_found(self):
        body = read(multipart("mixed", "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.4 /URI(http://192.0.2.9/c)"))
        assert ("http://192.0.2.9/c", "", "attachment", False) in body.links

    def test_a_named_page_is_shown_in_place(self):
        body = read(b'Content-Type: text/html; name="a.html"\n\n<a href="http://192.0.2.9/e">go</a>')
        assert ("http://192.0.2.9/e", "go", "anchor", False) in body.links and body.attachments[0].name == "a.html"

    def test_a_page_is_known_by_its_name_too(self):
        body = read(multipart("mixed", 'Content-Type: application/octet-stream; name="a.htm"\n\nplain start <b>then</b> <u>markup</u>'))
        assert "plain start then markup" in text(body)

    def test_an_attached_message_file_is_read(self):
        body = read(
            multipart("mixed", f'Content-Type: application/octet-stream; name="a.eml"\n\nSubject: Hi\nFrom: c@example.com\n\n{SPAM}')
        )
        assert SPAM in text(body) and "c@example.com" in text(body) and body.attachments[0].name == "a.eml"

    def test_an_invitation_is_read(self):
        body = read(
            multipart(
                "alternative",
                "\nx",
                "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nSUMMARY:Prize\nURL:http://192.0.2.9/d\n",
            )
        )
        assert "Prize" in text(body) and ("http://192.0.2.9/d", "", "attachment", False) in body.links

    def test_uuencoded_files_in_text(self):
        encoded = b"begin 644 run.exe\n" + binascii.b2a_uu(b"MZ" + b"\0" * 40) + b"`\nend\n"
        body = read(b"\nhello\n" + encoded + b"bye")
        assert body.attachments[0].name == "run.exe" and "executable" in body.attachments[0].flags
        assert "hello" in text(body) and "bye" in text(body) and "begin 644" not in text(body)

    def test_more_than_the_cap_keeps_first_and_last(self):
        parts = [f"Content-Type: image/png; name=n{number}.png\n\nx" for number in range(40)]
        body = read(multipart("mixed", *parts), attachments=8)
        assert "attachments" in body.limits and len(body.attachments) == 8
        assert body.attachments[0].name == "n0.png" and body.attachments[-1].name == "n39.png"


class TestBudgets:
    def test_a_long_part_shows_head_and_tail(self):
        body = read(b"\nhead " + b"word " * 100_000 + SPAM.encode())
        assert "text" in body.limits and text(body).strip().startswith("head") and text(body).endswith(SPAM)

    def test_the_last_part_is_read_when_the_budget_is_gone(self):
        body = read(multipart("mixed", "\n" + "word " * 5000, f"\n{SPAM}"), all_text_bytes=1000)
        assert SPAM in text(body)

    def test_the_last_link_is_found_behind_many(self):
        filler = " ".join(f"http://h{number}.example.com/" for number in range(600))
        body = read(f"\n{filler} {SPAM}".encode(), links=32)
        assert "links" in body.limits and any(link[0] == "http://spam.example.com/buy" for link in body.links)

    def test_the_last_page_is_read_when_the_tags_are_gone(self):
        parts = ["Content-Type: text/html\n\n" + "<b>x" * 30_000, f"Content-Type: text/html\n\n<p>{SPAM}"]
        body = read(multipart("mixed", *parts))
        assert SPAM in text(body)


def test_structure_in_one_line():
    raw = multipart("mixed", "Content-Type: text/html\n\nx", "Content-Type: image/png\n\nx")
    assert bodies.structure(mime.parse(raw).root) == "mixed(html,png)"
    many = multipart("mixed", *["Content-Type: text/html\n\nx"] * 90)
    assert len(bodies.structure(mime.parse(many).root)) <= 200
