"""The tree of parts: structure, tolerance, caps (RFC 2045, RFC 2046)."""

import base64

import pytest

from wardline.protocols import mime
from wardline.protocols.mime import Limits


def leaves(raw: bytes, limits: Limits | None = None) -> list[tuple[str, bytes]]:
    """(type, decoded content without outer blanks) of each leaf."""
    message = mime.parse(raw, limits or Limits())
    return [(part.content_type, part.sample(1 << 20).data.strip()) for part in message.root.walk() if not part.children]


def multipart(*parts: bytes, kind: bytes = b"mixed", boundary: bytes = b"b", close: bool = True) -> bytes:
    body = b"".join(b"--%s\n%s\n" % (boundary, part) for part in parts)
    end = b"--%s--\n" % boundary if close else b""
    return b"Subject: x\nContent-Type: multipart/%s; boundary=%s\n\n%s%s" % (kind, boundary, body, end)


def test_a_plain_message():
    message = mime.parse(b"From: a@example.com\r\nSubject: x\r\n\r\nhello\r\n")
    assert message.fields == [(b"From", b"a@example.com"), (b"Subject", b"x")]
    assert message.root.content_type == "text/plain" and not message.root.declared
    assert message.root.sample(100).data == b"hello\r\n"
    assert not message.limits and not message.defects


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_every_line_end_gives_the_same_tree(line_end):
    raw = multipart(b"\none", b"Content-Type: text/html\n\n<p>two").replace(b"\n", line_end)
    assert leaves(raw) == [("text/plain", b"one"), ("text/html", b"<p>two")]


def test_nested_parts_and_their_order():
    inner = multipart(b"\nplain", b"Content-Type: text/html\n\n<b>html", kind=b"alternative", boundary=b"inner").partition(b"\n")[2]
    raw = multipart(inner, b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(b"\x89PNG"))
    assert leaves(raw) == [("text/plain", b"plain"), ("text/html", b"<b>html"), ("image/png", b"\x89PNG")]


def test_what_a_part_states():
    raw = multipart(
        b'Content-Type: application/pdf; name="b.pdf"\nContent-Disposition: attachment; filename="a.pdf"\nContent-ID: <id@example.com>\n'
        b"Content-Transfer-Encoding: BASE64\n\nAAAA"
    )
    part = mime.parse(raw).root.children[0]
    assert (part.content_type, part.name, part.disposition, part.encoding, part.content_id) == (
        "application/pdf", "a.pdf", "attachment", "base64", "id@example.com",
    )  # fmt: skip


def test_a_message_within_a_message():
    inner = b"From: b@example.net\nSubject: inner\nContent-Type: text/html\n\n<i>inner"
    message = mime.parse(multipart(b"Content-Type: message/rfc822\n\n" + inner))
    carried = message.root.children[0].children[0]
    assert carried.is_message and carried.fields[1] == (b"Subject", b"inner") and carried.content_type == "text/html"


def test_a_digest_holds_messages():
    message = mime.parse(multipart(b"\nFrom: a@example.com\n\none", kind=b"digest"))
    assert message.root.children[0].content_type == "message/rfc822"


@pytest.mark.parametrize(
    ("raw", "found", "defect"),
    [
        (multipart(b"\none", b"\ntwo", close=False), [b"one", b"two"], "missing_close_delimiter"),
        (multipart(b"\none") + b"--b\n\nlate\n", [b"one", b"late"], "parts_after_close"),
        (b"Content-Type: multipart/mixed\n\n--x\n\none\n--x--\n", [b"one"], "missing_boundary"),
        (b"Content-Type: multipart/mixed; boundary=other\n\n--x\n\none\n--x--\n", [b"one"], "wrong_boundary"),
        (b"Content-Type: multipart/mixed; boundary=x\n\njust text", [b"just text"], "no_parts"),
        (b"Content-Type: multipart/mixed; boundary=x\n\nContent-Type: text/plain\n\nbare", [b"bare"], "wrong_boundary"),
        (multipart(b"no header here"), [b"no header here"], "part_without_headers"),
        (b"just text\nand more", [b"just text\nand more"], "no_headers"),
        (b"\n\nFrom: a@example.com\n\nbody", [b"body"], "leading_blank_lines"),
        (b"   \nFrom: a@example.com\n\nbody", [b"body"], "leading_blank_lines"),
        (b"Subject: x\nno blank line here\nmore", [b"no blank line here\nmore"], "stray_header_line"),
        (b"Subject: x\n \nafter a line of blanks\n\nmore", [b"after a line of blanks\n\nmore"], "stray_header_line"),
        (b"Subject: x\n\n\0body", [b"\0body"], "nul_bytes"),
        (b"", [b""], "empty"),
        (b"Content-Type: nonsense\n\nbody", [b"body"], "bad_content_type"),
        (b"Content-Type: text/plain\nContent-Type: text/html\n\n<p>", [b"<p>"], "duplicate_content_type"),
        (b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nbody", [b"body"], "duplicate_encoding"),
    ],
)
def test_what_is_broken_is_read_and_named(raw, found, defect):
    message = mime.parse(raw)
    assert [part.sample(9999).data.strip() for part in message.root.walk() if not part.children] == found
    assert defect in message.defects


def test_of_several_types_the_one_that_shows_most_wins():
    assert mime.parse(b"Content-Type: text/plain\nContent-Type: text/html\n\n<p>").root.content_type == "text/html"
    raw = b"Content-Type: text/plain\n" + multipart(b"\nx")
    assert mime.parse(raw).root.content_type == "multipart/mixed"


def test_mbox_separator_lines_are_skipped():
    assert mime.parse(b"From a@example.com Fri Nov 20 09:30:00 2026\nSubject: x\n\ny").fields == [(b"Subject", b"x")]


def test_a_boundary_that_begins_another():
    raw = multipart(b"Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--bb\n\ntwo\n--bb--", b"\nthree", boundary=b"b")
    assert [content for _, content in leaves(raw)] == [b"one", b"two", b"three"]


def test_a_delimiter_with_blanks_behind_it():
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b" + b" " * 900 + b"\n\none\n--b-- \t\n"
    assert leaves(raw) == [("text/plain", b"one")]


def test_a_container_in_base64_is_read():
    inner = b"--i\nContent-Type: text/html\n\n<p>deep\n--i--\n"
    raw = b"Content-Type: multipart/mixed; boundary=i\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    message = mime.parse(raw)
    assert "encoded_multipart" in message.defects
    assert [part.sample(99).data.strip() for part in message.root.walk() if not part.children] == [b"<p>deep"]


def test_a_message_in_base64_is_read():
    inner = base64.encodebytes(b"Subject: deep\n\nhidden text\n")
    message = mime.parse(multipart(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner))
    assert "encoded_message" in message.defects
    assert message.root.children[0].children[0].sample(99).data == b"hidden text\n"


def test_text_outside_the_parts_is_located():
    raw = b"Content-Type: multipart/mixed; boundary=b\n\nbefore\n--b\n\nin\n--b--\nbehind\n"
    root = mime.parse(raw).root
    assert [root.buffer[start:end].strip() for start, end in root.outside] == [b"before", b"behind"]


class TestCaps:
    def test_parts_head_and_tail(self):
        raw = multipart(*(b"\npart %d" % number for number in range(100)))
        message = mime.parse(raw, Limits(parts=10, tail_parts=3))
        contents = [part.sample(99).data for part in message.root.children]
        assert "parts" in message.limits
        assert contents[0] == b"part 0" and contents[-1] == b"part 99" and len(contents) <= 12

    def test_depth_shows_the_innermost(self):
        raw = b""
        for level in range(40):
            raw += b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n" % (level, level)
        message = mime.parse(raw + b"Content-Type: text/plain\n\ninnermost", Limits(depth=5))
        assert "depth" in message.limits
        assert any(part.sample(99).data.endswith(b"innermost") for part in message.root.walk() if not part.children)

    def test_depth_of_messages_shows_the_innermost(self):
        raw = b"From: a@example.com\nContent-Type: message/rfc822\n\n" * 40 + b"Subject: x\n\ninnermost"
        message = mime.parse(raw, Limits(depth=5))
        assert "depth" in message.limits
        assert any(part.sample(9999).data.endswith(b"innermost") for part in message.root.walk() if not part.children)

    def test_size_head_and_tail(self):
        raw = b"Subject: x\n\nhead " + b"x" * 10000 + b" tail"
        message = mime.parse(raw, Limits(size_bytes=1000))
        data = message.root.sample(9999).data
        assert "size" in message.limits and data.startswith(b"head") and data.endswith(b"tail") and message.size_bytes == len(raw)

    def test_fields(self):
        message = mime.parse(b"X: y\n" * 1000 + b"Subject: last\n\nbody", Limits(fields=20))
        assert "headers" in message.limits and message.fields[-1] == (b"Subject", b"last")
        assert message.root.sample(99).data == b"body"

    def test_header_bytes(self):
        message = mime.parse(b"A: 1\nX-Long: " + b"y" * 100000 + b"\nSubject: last\n\nbody", Limits(header_bytes=2000))
        assert "header_bytes" in message.limits
        assert message.fields[0] == (b"A", b"1") and message.fields[-1] == (b"Subject", b"last")

    def test_header_bytes_of_all_parts_together(self):
        part = b"X-Long: " + b"y" * 5000 + b"\n\nbody"
        message = mime.parse(multipart(*([part] * 50)), Limits(all_header_bytes=20000))
        assert "header_bytes" in message.limits and len(message.root.children) == 50

    def test_lines_that_only_begin_like_a_delimiter(self):
        raw = multipart(b"\n" + b"--bx\n" * 500 + b"end", b"\nlast")
        message = mime.parse(raw, Limits(misses=100))
        assert "parts" in message.limits
        assert b"last" in message.root.children[-1].sample(9999).data

    def test_no_budget_to_search_is_named(self):
        raw = multipart(multipart(multipart(b"\ndeep", boundary=b"z"), boundary=b"y"))
        message = mime.parse(b"X: " + b"y" * 70000 + b"\n" + raw, Limits(scan_factor=0))
        assert any(b"deep" in part.sample(9999).data for part in message.root.walk() if not part.children)


def test_samples_of_a_part_are_bounded():
    raw = b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41" * 10000 + b"\ntail=21"
    sample = mime.parse(raw).root.sample(300, 60)
    assert sample.cut and sample.head.startswith(b"AAAA") and sample.tail.endswith(b"tail!") and len(sample.data) <= 400
