"""SPF: check_host against small zones written here (RFC 7208)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import Zone
from wardline.protocols.dns import ERROR, TIMEOUT, Answer, Question, drive
from wardline.protocols.spf import SpfResult, check_host

ZONE = {
    "TXT example.com": [b"other", b"v=spf1 ip4:192.0.2.0/28 a:mail.example.com mx include:_spf.example.net -all"],
    "A mail.example.com": ["192.0.2.40"],
    "AAAA mail.example.com": ["2001:db8::40"],
    "MX example.com": ["10 mx1.example.com", "20 mx2.example.com"],
    "A mx1.example.com": ["192.0.2.50"],
    "A mx2.example.com": ["192.0.2.51"],
    "TXT _spf.example.net": [b"v=spf1 ip6:2001:db8:1::/48 ip4:198.51.100.7 ~all"],
    "TXT redirected.example": [b"v=spf1 redirect=example.com"],
    "TXT soft.example": [b"v=spf1 ~all"],
    "TXT nothing.example": [b"v=spf1"],
    "TXT twice.example": [b"v=spf1 -all", b"V=SPF1 +all"],
    "TXT loop.example": [b"v=spf1 include:loop.example -all"],
    "TXT bad.example": [b"v=spf1 ip4:192.0.2.1 -all junk"],
    "TXT deep.example": [b"v=spf1 include:missing.example -all"],
    "TXT slow.example": TIMEOUT,
    "TXT slower.example": [b"v=spf1 a:slow.example.com -all"],
    "A slow.example.com": ERROR,
    "TXT void.example": [b"v=spf1 a:v1.example a:v2.example a:v3.example +all"],
    "TXT exists.example": [b"v=spf1 exists:%{i}._i.%{d} -all"],
    "A 192.0.2.9._i.exists.example": ["127.0.0.2"],
    "TXT ptr.example": [b"v=spf1 ptr -all"],
    "PTR 9.2.0.192.in-addr.arpa": ["liar.ptr.example", "host.ptr.example"],
    "A host.ptr.example": ["192.0.2.9"],
    "A liar.ptr.example": ["192.0.2.99"],
    "TXT manymx.example": [b"v=spf1 mx -all"],
    "MX manymx.example": [f"{n} mx{n}.example" for n in range(11)],
    "TXT nullmx.example": [b"v=spf1 mx -all"],
    "MX nullmx.example": ["0 "],
    "TXT why.example": [b"v=spf1 -all exp=why.%{d}"],
    "TXT why.why.example": [b"%{i} is not ours, says %{d}"],
}


def check(ip: str, domain: str, zone: Zone | None = None, **more: bool) -> SpfResult:
    return drive(check_host(ip, domain, f"user@{domain}", "mx.example.org", **more), zone or Zone(dict(ZONE)))


@pytest.mark.parametrize(
    ("ip", "domain", "result"),
    [
        ("192.0.2.7", "example.com", "pass"),
        ("192.0.2.40", "example.com", "pass"),
        ("2001:db8::40", "example.com", "pass"),
        ("::ffff:192.0.2.7", "example.com", "pass"),
        ("192.0.2.51", "example.com", "pass"),
        ("198.51.100.7", "example.com", "pass"),
        ("2001:db8:1::5", "example.com", "pass"),
        ("203.0.113.1", "example.com", "fail"),
        ("203.0.113.1", "redirected.example", "fail"),
        ("192.0.2.7", "redirected.example", "pass"),
        ("203.0.113.1", "soft.example", "softfail"),
        ("203.0.113.1", "nothing.example", "neutral"),
        ("203.0.113.1", "absent.example", "none"),
        ("203.0.113.1", "nodots", "none"),
        ("203.0.113.1", "a..example", "none"),
        ("no address", "example.com", "none"),
        ("203.0.113.1", "twice.example", "permerror"),
        ("203.0.113.1", "loop.example", "permerror"),
        ("192.0.2.1", "bad.example", "permerror"),
        ("203.0.113.1", "deep.example", "permerror"),
        ("203.0.113.1", "slow.example", "temperror"),
        ("203.0.113.1", "slower.example", "temperror"),
        ("203.0.113.1", "void.example", "permerror"),
        ("192.0.2.9", "exists.example", "pass"),
        ("192.0.2.8", "exists.example", "fail"),
        ("192.0.2.9", "ptr.example", "pass"),
        ("192.0.2.99", "ptr.example", "fail"),
        ("192.0.2.9", "manymx.example", "permerror"),
        ("192.0.2.9", "nullmx.example", "fail"),
    ],
)
def test_results(ip: str, domain: str, result: str) -> None:
    found = check(ip, domain)
    assert found.result == result
    assert bool(found.problem) or result not in ("temperror", "permerror")


def test_the_deciding_term_is_named() -> None:
    assert check("192.0.2.51", "example.com").mechanism == "mx"
    assert check("203.0.113.1", "example.com").mechanism == "-all"


def test_explanation_only_on_request() -> None:
    assert check("192.0.2.1", "why.example").explanation == ""
    assert check("192.0.2.1", "why.example", explain=True).explanation == "192.0.2.1 is not ours, says why.example"


def test_a_loop_of_includes_asks_ten_times_at_most() -> None:
    zone = Zone(dict(ZONE))
    assert check("203.0.113.1", "loop.example", zone).lookups == 11
    assert len(zone.asked) == 11


def test_a_tree_of_includes_is_bounded() -> None:
    """Every record includes twenty others: the limit counts over all of them."""
    zone = Zone({})

    def lookup(question: Question) -> Answer:
        zone.asked.append(question.key())
        return Answer("ok", (b"v=spf1 " + b" ".join(b"include:n%d.%s" % (n, question.name[-60:].encode()) for n in range(20)),))

    found = drive(check_host("192.0.2.1", "example.com", "a@example.com", "mx"), lookup)
    assert found.result == "permerror"
    assert len(zone.asked) <= 11


def test_a_record_of_64_kilobytes_is_read_once() -> None:
    record = b"v=spf1 " + b"ip4:192.0.2.1 " * 4000 + b"-all"
    assert check("198.51.100.1", "big.example", Zone({"TXT big.example": [record]})).result == "fail"


def test_macro_bomb_is_permerror() -> None:
    record = b"v=spf1 exists:" + b"%{s}" * 10_000 + b".example.com -all"
    zone = Zone({"TXT bomb.example": [record]})
    assert drive(check_host("192.0.2.1", "bomb.example", "x" * 10_000 + "@bomb.example", "mx"), zone).result == "permerror"
    assert zone.asked == ["TXT bomb.example"]


def test_sender_without_local_part_is_postmaster() -> None:
    zone = Zone({"TXT example.org": [b"v=spf1 exists:%{l}.example.org -all"], "A postmaster.example.org": ["127.0.0.2"]})
    assert drive(check_host("192.0.2.1", "example.org", "@example.org", "mx"), zone).result == "pass"
    assert drive(check_host("192.0.2.1", "example.org", "example.org", "mx"), zone).result == "pass"


@given(st.binary(max_size=120), st.text(max_size=40), st.sampled_from(["192.0.2.1", "2001:db8::1", "", "x"]))
def test_any_record_gives_a_result(record: bytes, sender: str, ip: str) -> None:
    def lookup(question: Question) -> Answer:
        return Answer("ok", (b"v=spf1 " + record,)) if question.type == "TXT" else Answer("ok", ("192.0.2.1",))

    found = drive(check_host(ip, "example.com", sender, sender), lookup)
    assert found.result in ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
