"""Mail intake as a whole: the facts of a message, its fingerprint, bad input, and spam behind every cap."""

from datetime import UTC, datetime

import pytest

from wardline.domains.mail import body, intake
from wardline.domains.mail.events import Envelope
from wardline.protocols import mime

ENVELOPE = Envelope(client_ip="192.0.2.7", helo="mx.example.com", mail_from="jo@example.com", recipients=("a@example.net",))
SPAM = "Cheap pills at http://spam.example.com/buy today"
SAMPLE = (
    b"Received: from mx.example.com (mx.example.com [192.0.2.7]) by in.example.net with ESMTPS id 1; Fri, 20 Nov 2026 09:30:05 +0000\r\n"
    b"Received: from pc ([198.51.100.4]) by mx.example.com with ESMTP; Fri, 20 Nov 2026 09:30:01 +0000\r\n"
    b"From: =?utf-8?q?J=C3=B6?= Doe <Jo@Example.com>\r\n"
    b"Sender: list@example.org\r\n"
    b"Reply-To: <other@example.org>\r\n"
    b"To: a@example.net, \"B, C\" <b@example.net>\r\n"
    b"Cc: c@example.net\r\n"
    b"Subject: Minutes\r\n of the meeting\r\n"
    b"Date: Fri, 20 Nov 2026 09:30:00 +0000\r\n"
    b"Message-ID: <m1@example.com>\r\n"
    b"List-Unsubscribe: <https://list.example.org/leave?u=1>, <mailto:leave@example.org>\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n"
    b"\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nAgenda for Tuesday\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>Agenda for <a href=\"https://www.example.com/agenda\">Tuesday</a></p>\r\n"
    b"--b--\r\n"
)  # fmt: skip


def read(raw: bytes, limits: intake.Limits | None = None):
    mail = intake._read(raw, ENVELOPE, limits or intake.Limits())  # without the net, so that a fault shows
    assert intake.read(raw, ENVELOPE, limits=limits or intake.Limits()) == mail
    return mail


def test_the_facts_of_a_message():
    mail = read(SAMPLE)
    assert mail.subject == "Minutes of the meeting"
    assert (mail.sender.display, mail.sender.address, mail.sender.domain) == ("Jö Doe", "jo@example.com", "example.com")
    assert mail.senders == 1
    assert [box.address for box in mail.to] == ["a@example.net", "b@example.net"] and mail.to[1].display == "B, C"
    assert (
        mail.cc[0].address == "c@example.net"
        and mail.reply_to[0].domain == "example.org"
        and mail.sender_header.address == "list@example.org"
    )
    assert mail.date == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert mail.message_id == "m1@example.com"
    assert [(hop.ip, hop.by_name) for hop in mail.received] == [("192.0.2.7", "in.example.net"), ("198.51.100.4", "mx.example.com")]
    assert mail.structure == "alternative(plain,html)"
    assert mail.visible_text == "Agenda for Tuesday" and mail.hidden_text == ""
    assert mail.header("subject") == "Minutes of the meeting" and mail.headers[0][0] == "Received"
    assert {(link.host, link.registrable, link.origin) for link in mail.links} == {
        ("www.example.com", "example.com", "anchor"), ("list.example.org", "example.org", "header"), ("example.org", "example.org", "header"),
    }  # fmt: skip
    assert mail.html.parts == 1 and mail.language == "latin"
    assert not mail.limits and not mail.defects
    assert mail.envelope is ENVELOPE and mail.raw is SAMPLE and mail.size_bytes == len(SAMPLE)


def test_several_senders_and_several_from_fields():
    mail = read(b"From: A <a@example.com>, b@example.com\nFrom: c@example.com\nSubject: x\nSubject: y\n\nz")
    assert mail.senders == 3 and mail.sender.address == "a@example.com" and mail.subject == "x"
    assert {"duplicate_from", "duplicate_subject"} <= set(mail.defects)


class TestFingerprint:
    def of(self, raw: bytes) -> str:
        return read(raw).fingerprint

    def test_what_a_mail_store_changes_does_not_change_it(self):
        lf = SAMPLE.replace(b"\r\n", b"\n")
        same = {
            self.of(SAMPLE), self.of(lf), self.of(SAMPLE + b"\r\n\r\n"), self.of(lf.rstrip()), self.of(b"X-Added: 1\r\nStatus: RO\r\n" + SAMPLE),
            self.of(b"From jo@example.com Fri Nov 20 09:30:00 2026\n" + lf + b"\n"), self.of(SAMPLE.replace(b"m1@example.com", b"m2@example.com")),
        }  # fmt: skip
        assert len(same) == 1

    def test_mbox_quoting_does_not_change_it(self):
        assert self.of(b"Subject: x\n\nFrom here on\nFrom there\n") == self.of(b"Subject: x\n\n>From here on\n>From there\n")

    def test_another_body_has_another(self):
        assert self.of(b"Subject: x\n\none") != self.of(b"Subject: x\n\ntwo")
        long = b"Subject: x\n\n" + b"x" * 700_000
        assert len({self.of(long), self.of(long + b"y"), self.of(long.replace(b"\nx", b"\ny", 1))}) == 3

    def test_line_ends_of_a_large_body(self):
        body_lines = b"".join(b"line %d\n" % number for number in range(120_000))
        lf = b"Subject: x\n\n" + body_lines
        assert self.of(lf) == self.of(lf.replace(b"\n", b"\r\n"))

    def test_without_a_body_the_header_identifies(self):
        one, two = b"From: a@example.com\nSubject: one\n\n", b"From: a@example.com\nSubject: two\n\n"
        assert self.of(one) != self.of(two)
        assert self.of(one) == self.of(b"X-Added: 1\n" + one.replace(b"\n", b"\r\n") + b"\r\n")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "latin"), ("12 34", ""), ("", ""), ("Привет, как дела", "cyrillic"), ("您好，公司发票", "han"), ("日本語のメールです", "kana"), ("안녕하세요", "hangul"),
        ("שלום", "hebrew"), ("مرحبا", "arabic"), ("สวัสดี", "thai"), ("Καλημέρα", "greek"), ("déjà vu", "latin"), ("नमस्ते", "devanagari"),
        ("a long sentence in English – with one dash", "latin"),
    ],
)  # fmt: skip
def test_scripts(text, script):
    assert intake.script(text) == script


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"this is no message at all", "no_headers"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "nul_bytes"),
        (SAMPLE.replace(b"\r\n", b"\r"), "bare_cr"),
        (SAMPLE.replace(b"text/plain", b"text/plain; charset=x-klingon"), "unknown_charset"),
        (b"Content-Transfer-Encoding: base64\n\n!!!! not base64 \xff", "bad_base64"),
        (b"Content-Type: multipart/mixed\n\nno boundary", "missing_boundary"),
        (b"Subject: \xe9\n\nx", "raw_8bit_header"),
    ],
)
def test_bad_input_is_named(raw, defect):
    assert defect in read(raw).defects


def test_a_fault_of_ours_still_gives_a_mail(monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(mime, "parse", fail)
    mail = intake.read(b"Subject: x\n\ny", ENVELOPE)
    assert mail.defects == ("intake_failed",) and mail.raw == b"Subject: x\n\ny"


HEAD = b"From: a@example.com\nSubject: x\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n" % (level, level) for level in range(60))
SMALL = intake.Limits(mime=mime.Limits(size_bytes=20_000, parts=30, tail_parts=6, fields=40, header_bytes=8_000), addresses=16, hops=8)


@pytest.mark.parametrize(
    ("limit", "raw"),
    [
        ("size", HEAD + b"\n" + b"word " * 10_000 + SPAM.encode()),
        ("size", HEAD + b"\n" + SPAM.encode() + b"word " * 10_000),
        ("parts", MIXED + b"--b\n\nhello\n" * 500 + b"--b\n\n" + SPAM.encode() + b"\n--b--\n"),
        ("depth", HEAD + NESTED + b"Content-Type: text/plain\n\n" + SPAM.encode()),
        ("depth", (HEAD + b"Content-Type: message/rfc822\n\n") * 60 + HEAD + b"\n" + SPAM.encode()),
        ("headers", b"X-A: b\n" * 200 + HEAD + b"\n" + SPAM.encode()),
        ("header_bytes", b"X-Long: " + b"x" * 15_000 + b"\n" + HEAD + b"\n" + SPAM.encode()),
        ("addresses", b"To: " + b", ".join(b"u%d@example.net" % number for number in range(300)) + b"\n" + HEAD + b"\n" + SPAM.encode()),
        ("hops", b"Received: from a by b; Fri, 20 Nov 2026 09:30:00 +0000\n" * 20 + HEAD + b"\n" + SPAM.encode()),
        ("html_tags", HEAD + b"Content-Type: text/html\n\n" + b"<i>x" * 900 + SPAM.encode()),
        ("links", HEAD + b"\n" + b" ".join(b"http://h%d.example.com/" % number for number in range(400)) + b" " + SPAM.encode()),
        ("attachments", MIXED + b"--b\nContent-Type: image/png; name=a.png\n\nx\n" * 20 + b"--b\n\n" + SPAM.encode() + b"\n--b--\n"),
        ("text", HEAD + b"\n" + b"word " * 3_000 + SPAM.encode()),
    ],
)
def test_known_spam_behind_every_cap_is_seen_and_the_cap_is_named(limit, raw):
    caps = body.Limits(
        part_head_bytes=8_000,
        part_tail_bytes=2_000,
        links=32,
        attachments=8,
        html=body.HtmlLimits(tags=400, head_chars=12_000, tail_chars=2_000),
    )
    limits = intake.Limits(mime=SMALL.mime, addresses=SMALL.addresses, hops=SMALL.hops, body=caps)
    mail = read(raw, limits)
    assert limit in mail.limits
    assert "Cheap pills" in mail.visible_text
    assert any(link.host == "spam.example.com" for link in mail.links)
    assert mail.sender.address == "a@example.com" or limit == "size"
