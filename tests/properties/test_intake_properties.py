"""Intake on any bytes: it never raises, keeps every bound, and is a function of its input."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.domains.mail import body, intake
from wardline.domains.mail.events import Envelope
from wardline.protocols import mime

ENVELOPE = Envelope()
LIMITS = intake.Limits(
    mime=mime.Limits(size_bytes=6000, parts=12, tail_parts=3, depth=4, header_bytes=2000, part_header_bytes=500, fields=24),
    body=body.Limits(
        part_head_bytes=1500, part_tail_bytes=400, all_text_bytes=4000, visible_chars=3000, hidden_chars=800, links=12, attachments=4
    ),
    addresses=8,
    value_bytes=400,
    hops=4,
)
# Pieces that steer a mail parser; hypothesis puts them together in ways that nobody writes.
PIECES = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\t", b"\0", b"--b", b"--b\n", b"--b--\n", b"--", b"From: a@example.com\n", b"To: ", b"<a@b>,", b"Subject: ",
        b"=?utf-8?q?=C3=A9?=", b"=?gb2312?b?/w==?=", b"Content-Type: multipart/mixed; boundary=b\n\n", b"Content-Type: text/html\n\n", b"Content-Type: ",
        b"Content-Type: message/rfc822\n\n", b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"=3D", b"=\n",
        b"; charset=", b"utf-16", b"iso-2022-jp", b"koi8-r", b"x-odd", b'; name="a.zip"', b"; name*0*=utf-8''%41", b"; name*1=b", b"PK\x03\x04", b"PK\x01\x02",
        b"PK\x05\x06", b"%PDF-1.4 /URI(", b"{\\rtf1\\object", b"begin 644 a.txt\nM", b"`\nend\n", b"BEGIN:VCALENDAR\nSUMMARY:", b"<a href='http://x.example/'>",
        b"<div style='display:none'>", b"</", b"http://example.com/", b"Received: from a by b; ", b"Date: Fri, 20 Nov 2026 09:30:00 +0000\n", b"(", b'"', b"\\", b"<",
        b"\xff\xfe", b"\xe9", b"\x1b$B", b"AAAA", b"====", b"Content-Disposition: attachment; filename=", b"x" * 700, b"word " * 90,
    ]
)  # fmt: skip
MESSAGES = st.lists(st.one_of(PIECES, st.binary(max_size=24)), max_size=60).map(b"".join)


def check(raw: bytes) -> None:
    mail = intake._read(raw, ENVELOPE, LIMITS)
    assert mail == intake._read(raw, ENVELOPE, LIMITS)
    assert len(mail.visible_text) <= 3001 and len(mail.hidden_text) <= 801
    assert len(mail.links) <= 12 and len(mail.attachments) <= 4 and len(mail.received) <= 4
    assert len(mail.to) <= 8 and len(mail.headers) <= 24 and len(mail.structure) <= 200
    assert len(mail.fingerprint) == 32 and mail.raw == raw
    for text in (mail.visible_text, mail.subject, *(value for _, value in mail.headers), *(box.display for box in mail.to)):
        assert not any(ord(char) < 32 and char not in "\n\t" for char in text)


@settings(max_examples=300, deadline=None)
@given(MESSAGES)
def test_pieces_in_any_order(raw):
    check(raw)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes(raw):
    check(raw)


SOUND = (
    b"Received: from mx.example.com ([192.0.2.7]) by in.example.net with ESMTP; Fri, 20 Nov 2026 09:30:05 +0000\r\nFrom: =?utf-8?q?J=C3=B6?= <jo@example.com>\r\n"
    b"To: a@example.net\r\nSubject: Minutes\r\n of the meeting\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
    b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4\r\n--c\r\n"
    b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p style=3D\"color:red\">Hello <a href=3D\"http://example.com/\">x</a>\r\n--c--\r\n--b\r\n"
    b"Content-Type: application/zip; name=\"a.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBAoAAAAAAAAAIQAAAAAAAAAAAAAAAAAFAAAAYS50eHRQSwUGAAAAAAAAAAAAAAAAAAAAAAAA\r\n--b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbegin 644 f\r\n#86)C\r\n`\r\nend\r\n--b--\r\n"
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_sound_message_with_bytes_changed(seed, changes):
    source = random.Random(seed)
    raw = bytearray(SOUND)
    for _ in range(changes):
        at = source.randrange(len(raw))
        action = source.randrange(4)
        if action == 0:
            raw[at] = source.randrange(256)
        elif action == 1:
            del raw[at : at + source.randrange(1, 40)]
        elif action == 2:
            raw[at:at] = raw[source.randrange(len(raw)) :][: source.randrange(1, 200)]
        else:
            raw[at:at] = bytes(source.randrange(256) for _ in range(source.randrange(1, 9)))
    check(bytes(raw))


def test_limits_are_named_words():
    for _, raw in (("a", SOUND), ("b", SOUND * 40)):
        mail = intake._read(raw, ENVELOPE, LIMITS)
        assert all(word.replace("_", "").isalpha() for word in mail.limits)
        assert all(word.replace("_", "").isalnum() for word in mail.defects)
