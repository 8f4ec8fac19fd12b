"""The SPF record: grammar and macros (RFC 7208 §4.6, §7, §12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols import spf_record
from wardline.protocols.spf_record import SyntaxProblem, expand, macro_string, parse, shorten

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "v": "in-addr",
    "h": "mx.example.org",
    "c": "192.0.2.3",
    "r": "mx.example.net",
    "t": "1763722800",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%%%_%-", "% %20"),
        ("%{S}", "strong-bad%40email.example.com"),
    ],
)
def test_macros(text: str, expanded: str) -> None:
    """The examples of RFC 7208 §7.4 and their neighbours."""
    assert expand(macro_string(text), VALUES) == expanded


@pytest.mark.parametrize("text", ["%", "%{", "%{}", "%{x}", "%{d0}", "%{d2x}", "%a", "%{d" + "1" * 300 + "}", "a b", "%{c}", "é"])
def test_macros_that_are_none(text: str) -> None:
    with pytest.raises(SyntaxProblem):
        macro_string(text)


def test_explanations_may_hold_more() -> None:
    assert expand(macro_string("see %{c} at %{t}", explaining=True), VALUES) == "see 192.0.2.3 at 1763722800"


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 all:x",
        "v=spf1 ip4",
        "v=spf1 ip4:192.0.2.256",
        "v=spf1 ip4:192.0.2.0/33",
        "v=spf1 ip4:192.0.2.0/032",
        "v=spf1 ip6:2001:db8::/129",
        "v=spf1 ip6:fe80::1%eth0",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 exists:com",
        "v=spf1 a:/24",
        "v=spf1 a/33",
        "v=spf1 a//129",
        "v=spf1 mx:example.com/x",
        "v=spf1 nothing",
        "v=spf1 -",
        "v=spf1 redirect=example.com redirect=example.net",
        "v=spf1 redirect=",
        "v=spf1 exp=%{",
        "v=spf1 x=%{z}",
        "v=spf1 a:example.123",
        "v=spf1 a:-example.-com",
        "v=spf1 \xe9",
    ],
)
def test_bad_records(record: str) -> None:
    with pytest.raises(SyntaxProblem):
        parse(record.encode("latin-1"))


def test_a_record_in_parts() -> None:
    record = parse(
        b"v=spf1 ip4:192.0.2.0/24 ~a:mail.example.com/28//64 mx/29 ?ptr +exists:%{ir}.example.com x=y redirect=_spf.example.com -ALL"
    )
    assert [(term.mechanism, term.qualifier) for term in record.terms] == [
        ("ip4", "pass"),
        ("a", "softfail"),
        ("mx", "pass"),
        ("ptr", "neutral"),
        ("exists", "pass"),
        ("all", "fail"),
    ]
    assert (record.terms[1].prefix4, record.terms[1].prefix6, record.terms[1].target) == (28, 64, ("mail.example.com",))
    assert record.redirect == ("_spf.example.com",)


def test_macro_bombs_end_at_the_limit() -> None:
    bomb = macro_string("%{s}" * 10_000)
    with pytest.raises(SyntaxProblem):
        expand(bomb, VALUES)
    with pytest.raises(SyntaxProblem):
        macro_string("%{" * 100_000)
    with pytest.raises(SyntaxProblem):
        parse(b"v=spf1" + b" ip4:192.0.2.1" * 5000)


def test_long_names_lose_labels_on_the_left() -> None:
    assert shorten("example.com.") == "example.com"
    name = "a." * 200 + "example.com"
    assert len(shorten(name)) <= 253
    assert shorten(name).endswith("a.example.com")
    assert shorten("x" * 300) == "x" * 300


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_the_one_error(record: bytes) -> None:
    try:
        parse(b"v=spf1 " + record)
    except SyntaxProblem:
        pass
    spf_record.is_record(record)
