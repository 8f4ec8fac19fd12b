"""Address lists (RFC 5322 §3.4), as mail programs read them."""

import pytest

from wardline.protocols import addresses
from wardline.protocols.addresses import Mailbox


def box(display, address):
    return Mailbox(display, address, address.rpartition("@")[2])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@example.com", [box("", "a@example.com")]),
        ("<A@Example.COM>", [box("", "a@example.com")]),
        ("Jo Doe <jo@example.com>", [box("Jo Doe", "jo@example.com")]),
        ('"Doe, Jo" <jo@example.com>', [box("Doe, Jo", "jo@example.com")]),
        ('"say \\"hi\\"" <jo@example.com>', [box('say "hi"', "jo@example.com")]),
        ("=?utf-8?q?J=C3=B6?= <jo@example.com>", [box("Jö", "jo@example.com")]),
        ('"=?utf-8?q?J=C3=B6?=" <jo@example.com>', [box("Jö", "jo@example.com")]),
        ("a@example.com (Jo Doe)", [box("Jo Doe", "a@example.com")]),
        ("a@example.com, b@example.net", [box("", "a@example.com"), box("", "b@example.net")]),
        ("team: a@example.com, b@example.net;", [box("", "a@example.com"), box("", "b@example.net")]),
        ("undisclosed-recipients:;", []),
        ("<@hop.example,@hop2.example:a@example.com>", [box("", "a@example.com")]),
        ("a@bücher.example", [box("", "a@xn--bcher-kva.example")]),
        ("Jo <jo@example.com> <evil@example.net>", [box("Jo", "jo@example.com"), box("", "evil@example.net")]),
        ("support@bank.example <evil@example.net>", [box("support@bank.example", "evil@example.net")]),
        ('"a b"@example.com', [box("", "ab@example.com")]),
        ("=?utf-8?q?Jo_=3Cjo=40example.com=3E?=", [box("Jo", "jo@example.com")]),
        ("Doe, Jo <jo@example.com>, b@example.net", [box("Doe, Jo", "jo@example.com"), box("", "b@example.net")]),
        ("Account team ,_<a@example.com>", [box("Account team, _", "a@example.com")]),
        ("Jo Doe (<jo@example.com>)", [box("Jo Doe", "jo@example.com")]),
        ("Nobody", [Mailbox("Nobody", "", "")]),
        ("", []),
        ("Jo <not an address>", [Mailbox("Jo", "notanaddress", "")]),
    ],
)
def test_mailboxes(text, found):
    boxes, cut = addresses.parse(text)
    assert [(b.display, b.domain) for b in boxes] == [(b.display, b.domain) for b in found]
    assert not cut
    for got, wanted in zip(boxes, found, strict=True):
        assert got.address == wanted.address


def test_head_and_tail_of_a_long_list():
    text = ", ".join(f"u{number}@example.com" for number in range(5000))
    boxes, cut = addresses.parse(text, max_mailboxes=16)
    assert cut and len(boxes) == 16
    assert boxes[0].address == "u0@example.com" and boxes[-1].address == "u4999@example.com"


def test_a_label_never_raises_and_lowers():
    assert addresses.a_label("EXAMPLE.com.") == "example.com"
    for host in ("ß.example", "xn--\u00e9", "\u202e", "é" * 400, "..", "a..é"):
        assert isinstance(addresses.a_label(host), str)
