"""URLs as browsers read them, addresses in text, and the organisation behind a host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import fuzz_url
from wardline.protocols import url
from wardline.protocols.url import find, ip4, is_ip, join, parse, registrable, u_label


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path", "tricks"),
    [
        ("http://example.com", "http", "example.com", None, "", ()),
        ("HTTPS://Example.COM:443/A?b#c", "https", "example.com", None, "/A", ()),
        ("http://example.com:8080/", "http", "example.com", 8080, "/", ()),
        ("http:\\\\example.com\\a", "http", "example.com", None, "/a", ("backslash",)),
        ("http:/example.com/a", "http", "example.com", None, "/a", ()),
        ("http:example.com/a", "http", "example.com", None, "/a", ()),
        ("http:////example.com/a", "http", "example.com", None, "/a", ()),
        ("ht\ntp://exa\tmple.com/a", "http", "example.com", None, "/a", ("control",)),
        ("//example.com/a", "http", "example.com", None, "/a", ()),
        ("www.example.com/a", "http", "www.example.com", None, "/a", ()),
        ("example.com:8080/a", "http", "example.com", 8080, "/a", ()),
        ("http://user:pass@example.com/", "http", "example.com", None, "/", ("userinfo",)),
        ("http://www.example.com@192.0.2.1/", "http", "192.0.2.1", None, "/", ("userinfo",)),
        ("http://www.example.com\\@192.0.2.1/", "http", "www.example.com", None, "/@192.0.2.1/", ("backslash",)),
        ("http://ex%61mple.com/", "http", "example.com", None, "/", ("percent_host",)),
        ("http://0xC0.0.2.1/", "http", "192.0.2.1", None, "/", ("numeric_ip",)),
        ("http://3221225985/", "http", "192.0.2.1", None, "/", ("numeric_ip",)),
        ("http://0300.0.2.1/", "http", "192.0.2.1", None, "/", ("numeric_ip",)),
        ("http://[2001:DB8::1]:8080/a", "http", "2001:db8::1", 8080, "/a", ()),
        ("http://[nonsense]/", "http", "", None, "/", ()),
        ("http://münchen.example/", "http", "xn--mnchen-3ya.example", None, "/", ()),
        ("http://faß.example/", "http", "xn--fa-hia.example", None, "/", ()),
        ("http://ＥＸＡＭＰＬＥ．com/", "http", "example.com", None, "/", ("wide_host",)),
        ("http://example。com/", "http", "example.com", None, "/", ("wide_host",)),
        ("http://a.b.c.d.e.f.example.com/", "http", "a.b.c.d.e.f.example.com", None, "/", ("many_labels",)),
        ("http://exa mple.com/", "http", "", None, "/", ("bad_host",)),
        ("http://example.com./", "http", "example.com", None, "/", ()),
        ("http://example.com/http://example.net/", "http", "example.com", None, "/http://example.net/", ("repeated_scheme",)),
        ("http://example.com:99999/", "http", "example.com", None, "/", ()),
        ("http://example.com:8x/", "http", "example.com", None, "/", ("bad_host",)),
        ("mailto:a@Example.com?subject=x", "mailto", "example.com", None, "a@Example.com", ()),
        ("javascript:alert(1)", "javascript", "", None, "alert(1)", ()),
        ("  java\tscript:alert(1)", "javascript", "", None, "alert(1)", ("control",)),
        ("tel:+15550100", "tel", "", None, "+15550100", ()),
        ("custom://host.example/x", "custom", "host.example", None, "/x", ()),
    ],
)
def test_parse(text: str, scheme: str, host: str, port: int | None, path: str, tricks: tuple[str, ...]) -> None:
    found = parse(text)
    assert found is not None
    assert (found.scheme, found.host, found.port, found.path, found.tricks) == (scheme, host, port, path, tricks)
    assert found.userinfo == ("userinfo" in tricks)


@pytest.mark.parametrize("text", ["", "  ", "#top", "/path", "page", "?query", "\\path", "../x"])
def test_no_address_of_its_own(text: str) -> None:
    assert parse(text) is None


def test_parts() -> None:
    found = parse("https://shop.example.co.uk/a/b?c=d&e#f")
    assert found is not None
    assert (found.registrable, found.path, found.query, found.fragment, found.is_ip) == ("example.co.uk", "/a/b", "c=d&e", "f", False)


def test_a_long_address_is_cut_and_says_so() -> None:
    found = parse("http://example.com/" + "a" * 5_000)
    assert found is not None
    assert found.tricks == ("long",)
    assert len(found.url) == url.URL_CHARS


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", ""),
        ("com", ""),
        ("city.kobe.jp", "city.kobe.jp"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("one.github.io", "one.github.io"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown.invalidtld", "unknown.invalidtld"),
        ("", ""),
        ("a..com", ""),
        (".".join("a" * 120) + ".example.com", "example.com"),
    ],
)
def test_registrable(host: str, expected: str) -> None:
    assert registrable(host) == expected


def test_ip_spellings() -> None:
    assert ip4("192.0.2.1") == "192.0.2.1"
    assert ip4("0xc0000201") == "192.0.2.1"
    assert ip4("192.513") == "192.0.2.1"
    for wrong in ("256.1.1.1", "1.2.3.4.5", "08.1.1.1", "1..2", "", "a", "4294967296"):
        assert ip4(wrong) is None, wrong
    assert is_ip("2001:db8::1")
    assert is_ip("192.0.2.1")
    assert not is_ip("example1")


def test_unicode_form() -> None:
    assert u_label("xn--mnchen-3ya.example") == "münchen.example"
    assert u_label("xn--\udcff.example") == "xn--\udcff.example"
    assert u_label("plain.example") == "plain.example"


@pytest.mark.parametrize(
    ("base", "reference", "expected"),
    [
        ("http://example.com/a/b", "c", "http://example.com/a/c"),
        ("http://example.com/a/b?q", "/c", "http://example.com/c"),
        ("http://example.com", "c", "http://example.com/c"),
        ("http://example.com/a", "//example.net/x", "http://example.net/x"),
        ("http://example.com/a?x#y", "?z", "http://example.com/a?z"),
        ("http://example.com/a", "https://example.net/", "https://example.net/"),
        ("nonsense", "c", "c"),
        ("mailto:a@example.com", "c", "c"),
        ("http://example.com", "", ""),
    ],
)
def test_join(base: str, reference: str, expected: str) -> None:
    assert join(base, reference) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://example.com/a, and https://example.net.", ["http://example.com/a", "https://example.net"]),
        ("(http://example.com/a_(b)) <https://example.org>", ["http://example.com/a_(b", "https://example.org"]),
        ("www.example.com/x or example.com or shop.example.co.uk!", ["www.example.com/x", "example.com", "shop.example.co.uk"]),
        ("write to a.b+c@example.com; or mailto:d@example.net", ["a.b+c@example.com", "d@example.net"]),
        ("hxxp://evil[.]example.com/a hxxps[:]//example(.)net", ["http://evil.example.com/a", "https://example.net"]),
        ("192.0.2.1 192.0.2.1/login 192.0.2.1:8080/x v1.2.3", ["192.0.2.1/login", "192.0.2.1:8080/x"]),
        ("run setup.py, read notes.md. End.It is e.g. Mr.Smith i.e. 3.14 a.m.", []),
        ('"http://example.com/a"http://example.net/b', ["http://example.com/a", "http://example.net/b"]),
        ("http://example.com http://example.com", ["http://example.com"]),
        ("HTTP://EXAMPLE.COM/X", ["HTTP://EXAMPLE.COM/X"]),
        ("http:\\\\example.com\\x", ["http:\\\\example.com\\x"]),
        ("münchen.de bücher.example.com", ["münchen.de", "bücher.example.com"]),
        ("http:// https://", []),
        ("a,b.c,example.com,d", ["example.com"]),
    ],
)
def test_find(text: str, expected: list[str]) -> None:
    assert find(text) == expected


def test_find_is_bounded_and_reads_head_and_tail() -> None:
    assert find(" ".join(f"http://e{n}.example/" for n in range(50)), 7) == [f"http://e{n}.example/" for n in range(7)]
    assert find("a.b " * 200_000 + "http://example.com/win") == ["http://example.com/win"]
    assert find("." * 100_000 + " http://example.com/" + "x" * 100_000)[0].startswith("http://example.com/x")
    assert find("x" * 100_000 + ".http://example.com/win") == ["http://example.com/win"]


@given(st.text(alphabet=st.sampled_from("htps:/\\.@#?%[]()<>\"' \t\n0x19afAB-_com.deüａ。\u200b\u0660"), max_size=80))
def test_never_fails(text: str) -> None:
    fuzz_url.check(text)


@given(st.text(max_size=60))
def test_never_fails_on_any_text(text: str) -> None:
    fuzz_url.check("http://" + text)
    fuzz_url.check(text)
