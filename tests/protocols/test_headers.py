"""Header fields: splitting, unfolding, encoded words, parameters (RFC 5322 §2.2, RFC 2047, RFC 2231)."""

import pytest

from wardline.protocols import headers


def test_fields_keep_order_case_and_folds():
    block = headers.split(b"Subject: one\n two\nSUBJECT : three\r\nX-Empty:\nTo:a@example.com")
    assert block.fields == [(b"Subject", b"one\n two"), (b"SUBJECT", b"three"), (b"X-Empty", b""), (b"To", b"a@example.com")]
    assert not block.stray and not block.defects and not block.limits


def test_a_line_that_is_no_field_is_kept_and_named():
    block = headers.split(b"From: a@example.com\nthis is no field\nSubject: x")
    assert block.stray == [b"this is no field"]
    assert [name for name, _ in block.fields] == [b"From", b"Subject"]
    assert block.defects == {"stray_header_line"}


def test_a_lone_cr_ends_a_line_and_is_a_defect():
    block = headers.split(b"Subject: x\rFrom: a@example.com")
    assert [name for name, _ in block.fields] == [b"Subject", b"From"]
    assert block.defects == {"bare_cr"}


def test_head_and_tail_are_read_when_there_are_too_many_fields():
    block = headers.split(b"\n".join(b"X-%d: v" % number for number in range(100)), max_fields=8)
    assert block.limits == {"headers"}
    assert [name for name, _ in block.fields] == [b"X-0", b"X-1", b"X-2", b"X-3", b"X-4", b"X-5", b"X-98", b"X-99"]


def test_head_and_tail_are_read_of_a_long_block():
    block = headers.split(b"First: 1\n" + b"X: y\n" * 1000 + b"Last: 2", max_bytes=400)
    assert block.limits == {"header_bytes"}
    assert block.fields[0] == (b"First", b"1") and block.fields[-1] == (b"Last", b"2")


def test_unfolding_removes_the_break_and_keeps_a_blank():
    assert headers.unfold(b"a\r\n b\n\tc") == b"a b c"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"  blanks\n around ", "blanks around"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?Y2Fmw6k=?=", "café"),
        (b"=?iso-8859-1?q?caf=E9_au_lait?= x", "café au lait x"),
        (b"=?utf-8?b?w6k=?= =?utf-8?b?w6g=?=", "éè"),
        (b"=?utf-8?b?ww?= =?utf-8?b?qQ?=", "é"),  # no padding, and a character split over two words
        (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        (b"=?utf-8*en?q?a?=", "a"),
        (b"=?koi8-r?q?=F0=D2=C9=D7=C5=D4?=", "Привет"),
        (b"=?x-klingon?q?abc?=", "abc"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        ("rå".encode(), "rå"),
        ("rå".encode("latin-1"), "rå"),
        (b"a\x00b\x1bc", "a b c"),
    ],
)
def test_values_as_text(raw, text):
    assert headers.decode(raw).strip() == text.strip()


def test_defects_of_values_are_named():
    defects: set[str] = set()
    headers.decode(b"=?x-klingon?q?abc?= =?utf-8?b?A?=", defects=defects)
    headers.decode(b"\xe9", defects=defects)
    assert {"unknown_charset", "raw_8bit_header"} <= defects


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text/plain", {}),
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ('text/plain; CHARSET="utf-8"; x=y', {"charset": "utf-8", "x": "y"}),
        ('a/b; name="a;b=c"; x=1', {"name": "a;b=c", "x": "1"}),
        ('a/b; name="a\\"b"', {"name": 'a"b'}),
        ('a/b; name="open', {"name": "open"}),
        ("a/b; name*=utf-8''caf%C3%A9", {"name": "café"}),
        ("a/b; name*0*=utf-8''a%20; name*1=b; name*2*=%C3%A9", {"name": "a bé"}),
        ("a/b; name*1=b; name*0=a", {"name": "ab"}),
        ('a/b; name="=?utf-8?q?caf=C3=A9?="', {"name": "café"}),
        ("a/b boundary=x", {"boundary": "x"}),
        ("a/b;;; ; x = y ;", {"x": "y"}),
        ("a/b; name*99999999999999999999=x", {"name": "x"}),
    ],
)
def test_parameters(value, found):
    assert headers.parameters(value) == found


def test_the_first_of_two_equal_parameters_wins():
    defects: set[str] = set()
    assert headers.parameters("a/b; boundary=x; boundary=y", defects=defects) == {"boundary": "x"}
    assert defects == {"duplicate_parameter"}


def test_parameters_are_counted():
    defects: set[str] = set()
    found = headers.parameters("a/b" + "".join(f"; p{number}=v" for number in range(500)), defects=defects)
    assert len(found) == 64 and defects == {"too_many_parameters"}


def test_clip_keeps_head_and_tail():
    assert headers.clip(b"a" * 60 + b"z" * 60, 40) == b"a" * 30 + b" " + b"z" * 10
