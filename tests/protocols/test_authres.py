"""Authentication-Results: reading, writing, and telling whose a field claims to be (RFC 8601)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.authres import RESULTS_LIMIT, AuthenticationResults, MethodResult, claims_authserv_id, format_results, parse


def test_a_usual_field() -> None:
    found = parse(
        ' mx.Example.com 1; spf=pass (sender ip is 192.0.2.1) smtp.mailfrom=a@example.net;\r\n\tdkim=fail reason="body hash" '
        "header.d=example.net header.i=@example.net; dmarc=pass (p=REJECT) header.from=example.net"
    )
    assert found == AuthenticationResults(
        "mx.example.com",
        (
            MethodResult("spf", "pass", {"smtp.mailfrom": "a@example.net"}, comment="sender ip is 192.0.2.1"),
            MethodResult("dkim", "fail", {"header.d": "example.net", "header.i": "@example.net"}, "body hash"),
            MethodResult("dmarc", "pass", {"header.from": "example.net"}, comment="p=REJECT"),
        ),
        1,
    )
    assert [result.result for result in found.of("dkim")] == ["fail"]


@pytest.mark.parametrize(
    ("value", "host", "methods"),
    [
        ("example.com; none", "example.com", []),
        ("example.com", "example.com", []),
        ('"example.com"; spf=pass', "example.com", ["spf"]),
        ("(a (nested) comment) example.com (x) 1 ; dkim/1 = pass", "example.com", ["dkim"]),
        ("example.com; spf=pass; ; junk; = ; dkim=none", "example.com", ["spf", "dkim"]),
        ("example.com; x=(open comment", "example.com", []),
        ('example.com; spf="open string', "example.com", ["spf"]),
        ("example.com.; auth=pass (cram-md5) smtp.auth=a@example.com", "example.com", ["auth"]),
    ],
)
def test_odd_fields(value: str, host: str, methods: list[str]) -> None:
    found = parse(value)
    assert found is not None
    assert found.authserv_id == host
    assert [result.method for result in found.results] == methods


@pytest.mark.parametrize("value", ["", ";", "  (only a comment)  ", ";spf=pass", '""; spf=pass'])
def test_fields_of_nobody(value: str) -> None:
    assert parse(value) is None


def test_writing() -> None:
    results = [
        MethodResult("spf", "pass", {"smtp.mailfrom": "a@example.net"}),
        MethodResult("dkim", "fail", {"header.d": "example.net"}, "body hash", "late"),
    ]
    text = format_results("mx.example.com", results)
    assert (
        text == 'mx.example.com;\r\n\tspf=pass smtp.mailfrom=a@example.net;\r\n\tdkim=fail (late) reason="body hash" header.d=example.net'
    )
    assert format_results("mx.example.com", []) == "mx.example.com; none"


def test_writing_what_an_attacker_chose() -> None:
    text = format_results(
        "mx.example.com", [MethodResult("spf", "pass", {"smtp.mailfrom": 'a"b\r\nX: y;dkim=pass'}, comment="x) ; dkim=pass (")]
    )
    found = parse(text)
    assert found is not None
    assert [result.method for result in found.results] == ["spf"]
    assert "\nX:" not in text


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["spf", "dkim", "x-y"]), st.sampled_from(["pass", "fail"]), VALUES, VALUES), max_size=5))
def test_what_is_written_is_read_back(rows: list[tuple[str, str, str, str]]) -> None:
    results = tuple(MethodResult(method, result, {"header.d": value}, reason) for method, result, value, reason in rows)
    found = parse(format_results("mx.example.com", results))
    assert found is not None
    assert found.results == results


OURS = "mx.example.com"


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.com; spf=pass",
        "MX.Example.COM; spf=pass",
        "  mx.example.com 1; spf=pass",
        "mx.example.com1; spf=pass",
        "mx.example.com.; spf=pass",
        '"mx.example.com"; spf=pass',
        '"mx.exa\\mple.com"; spf=pass',
        "(x) mx.example.com (y) 1 (z); spf=pass",
        "(x (y)\\) z) mx.example.com; spf=pass",
        "\r\n\tmx.example.com\r\n ; spf=pass",
        "mx.(x)example.com; spf=pass",
        "mx. example.com; spf=pass",
        "mx.example.com",
        "mx.example.com spf=pass",
        "mx.example.com/1; spf=pass",
        "ｍｘ.example.com; spf=pass",
        "mx.exam\u200bple.com; spf=pass",
        "mx.example\x00.com; spf=pass",
        "mx.example.com(never closed; spf=pass",
        '"mx.example.com; spf=pass',
        "mx.example.com=; spf=pass",
        "mx.example.com,; spf=pass",
        b"mx.example.com; spf=pass",
        b"\xffmx.example.com mx.example.com; spf=pass",
    ],
)
def test_fields_that_claim_to_be_ours(value: str | bytes) -> None:
    assert claims_authserv_id(value, OURS)


@pytest.mark.parametrize(
    "value",
    [
        "mx2.example.com; spf=pass",
        "example.com; x=mx.example.com",
        "amx.example.com; spf=pass",
        "mx.example.com.evil.example; spf=pass",
        "",
        "; mx.example.com",
        "(mx.example.com) other.example; none",
    ],
)
def test_fields_that_do_not(value: str) -> None:
    assert not claims_authserv_id(value, OURS)


def test_our_name_may_be_international_or_missing() -> None:
    assert claims_authserv_id("MX.BÜCHER.example; none", "mx.bücher.example")
    assert not claims_authserv_id("x; none", "")


def test_bombs_are_bounded() -> None:
    assert parse("a;" + "spf=pass;" * 100_000) is not None
    assert len(parse("a;" + "spf=pass;" * 100_000).results) == RESULTS_LIMIT  # type: ignore[union-attr]
    parse("(" * 1_000_000)
    parse('a; x="' + "\\" * 1_000_000)
    assert not claims_authserv_id("(" * 1_000_000, OURS)


@given(st.text(max_size=200))
def test_any_text(value: str) -> None:
    parse(value)
    claims_authserv_id(value, OURS)
    found = parse(format_results(value, [MethodResult("spf", "pass", {"smtp.mailfrom": value}, value, value)]))
    assert found is None or len(found.results) == 1
