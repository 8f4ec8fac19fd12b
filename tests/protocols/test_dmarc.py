"""DMARC: discovery, alignment and judgement (RFC 7489)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import Zone
from wardline.protocols.dmarc import (
    DmarcResult,
    aligned,
    evaluate,
    from_domain_problem,
    from_domains,
    is_record,
    organisational_domain,
    parse,
)
from wardline.protocols.dns import TIMEOUT, drive

ZONE = {
    "TXT _dmarc.example.com": [b"v=spf1 -all", b"v=DMARC1; p=reject; sp=quarantine; pct=30; rua=mailto:r@example.com"],
    "TXT _dmarc.strict.example.com": [b"v=DMARC1; p=none; adkim=s; aspf=s"],
    "TXT _dmarc.twice.example": [b"v=DMARC1; p=none", b"v=DMARC1; p=reject"],
    "TXT _dmarc.broken.example": [b"v=DMARC1; p=perhaps"],
    "TXT _dmarc.reports.example": [b"v=DMARC1; p=perhaps; rua=mailto:r@example.com"],
    "TXT _dmarc.slow.example": TIMEOUT,
    "TXT _dmarc.testing.example": [b"v=DMARC1; p=reject; t=y"],
    "TXT _dmarc.example.co.uk": [b"v=DMARC1; p=quarantine"],
}


def check(domain: str, spf: list[tuple[str, str]] | None = None, dkim: list[tuple[str, str]] | None = None) -> DmarcResult:
    return drive(evaluate(domain, spf or [], dkim or []), Zone(dict(ZONE)))


@pytest.mark.parametrize(
    ("domain", "organisation"),
    [
        ("a.b.example.com", "example.com"),
        ("example.com", "example.com"),
        ("A.Example.CO.UK.", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("com", "com"),
        ("", ""),
        ("x..y", "x..y"),
    ],
)
def test_organisational_domain(domain: str, organisation: str) -> None:
    assert organisational_domain(domain) == organisation


@pytest.mark.parametrize(
    ("one", "other", "strict", "result"),
    [
        ("mail.example.com", "news.example.com", False, True),
        ("mail.example.com", "news.example.com", True, False),
        ("Example.com.", "example.com", True, True),
        ("example.co.uk", "example2.co.uk", False, False),
        ("", "", False, False),
        ("example.com", "notexample.com", False, False),
    ],
)
def test_alignment(one: str, other: str, strict: bool, result: bool) -> None:
    assert aligned(one, other, strict=strict) is result


def test_a_record_in_parts() -> None:
    record = parse(ZONE["TXT _dmarc.example.com"][1], "example.com")  # type: ignore[index]
    assert record is not None
    assert (record.policy, record.subdomain_policy, record.percent, record.reports_to) == (
        "reject",
        "quarantine",
        30,
        ("mailto:r@example.com",),
    )


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (b"v=DMARC1; p=REJECT; pct=500; ri=x; fo", "reject"),
        (b"v=DMARC1 ;p=none;;", "none"),
        (b"v=DMARC1; sp=none", None),
        (b"v=DMARC1; p=bad", None),
        (b"v=DMARC1; p=none; sp=bad", None),
        (b"v=DMARC1; p=none;" + b"x=1;" * 500, None),
    ],
)
def test_records_with_flaws(text: bytes, policy: str | None) -> None:
    record = parse(text, "example.com")
    assert (record.policy if record else None) == policy
    assert record is None or record.percent == 100


@pytest.mark.parametrize(
    ("text", "result"),
    [(b"v=DMARC1", True), (b" v = DMARC1 ;p=none", True), (b"v=dmarc1;p=none", False), (b"p=none; v=DMARC1", False), (b"", False)],
)
def test_which_records_count(text: bytes, result: bool) -> None:
    assert is_record(text) is result


@pytest.mark.parametrize(
    ("domain", "spf", "dkim", "result", "policy", "by"),
    [
        ("example.com", [("pass", "example.com")], [], "pass", "reject", "spf"),
        ("example.com", [("pass", "bounce.example.com")], [("pass", "example.com")], "pass", "reject", "dkim,spf"),
        ("example.com", [("fail", "example.com")], [("fail", "example.com")], "fail", "reject", ""),
        ("example.com", [("pass", "example.net")], [("pass", "example.org")], "fail", "reject", ""),
        ("news.example.com", [], [("pass", "mail.example.com")], "pass", "quarantine", "dkim"),
        ("strict.example.com", [("pass", "a.strict.example.com")], [("pass", "example.com")], "fail", "none", ""),
        ("strict.example.com", [], [("pass", "strict.example.com")], "pass", "none", "dkim"),
        ("example.com", [("temperror", "example.com")], [], "temperror", "reject", ""),
        ("example.com", [("temperror", "example.net")], [], "fail", "reject", ""),
        ("example.com", [("temperror", "example.com")], [("pass", "example.com")], "pass", "reject", "dkim"),
        ("a.example.co.uk", [], [], "fail", "quarantine", ""),
        ("absent.example", [], [], "none", "", ""),
        ("twice.example", [], [], "none", "", ""),
        ("broken.example", [], [], "permerror", "", ""),
        ("reports.example", [], [], "fail", "none", ""),
        ("slow.example", [("pass", "slow.example")], [], "temperror", "", ""),
        ("nodots", [], [], "none", "", ""),
    ],
)
def test_results(domain: str, spf: list[tuple[str, str]], dkim: list[tuple[str, str]], result: str, policy: str, by: str) -> None:
    found = check(domain, spf, dkim)
    assert (found.result, found.policy, found.aligned_by) == (result, policy, by)


def test_percent_and_testing_are_told() -> None:
    assert check("example.com").percent == 30
    assert check("testing.example").testing


def test_two_questions_at_most() -> None:
    zone = Zone({})
    drive(evaluate("a.b.c.d.e.f.example.com", [], []), zone)
    assert zone.asked == ["TXT _dmarc.a.b.c.d.e.f.example.com", "TXT _dmarc.example.com"]


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        ("alice@example.com", ["example.com"]),
        ("Alice <alice@Example.COM>", ["example.com"]),
        ('"bank@bank.example" <a@example.com>', ["example.com"]),
        ('"a\\" <x@example.org>" <a@example.com>', ["example.com"]),
        ("(a@example.org) a@example.com (x (y))", ["example.com"]),
        ("bank@bank.example <a@example.com>", ["example.com"]),
        ("<a@bank.example> <b@example.com>", ["bank.example", "example.com"]),
        ("a@example.com, b@example.net", ["example.com", "example.net"]),
        ("team: a@example.com;", ["example.com"]),
        ("a@b@example.com", ["example.com"]),
        ("a@bücher.example", ["xn--bcher-kva.example"]),
        ("nobody", []),
        ("", []),
        ("a@example.com," * 100, ["example.com"] * 16),
    ],
)
def test_domains_of_from(value: str, domains: list[str]) -> None:
    assert from_domains(value) == domains


@pytest.mark.parametrize(
    ("domains", "fields", "problem"),
    [
        (["example.com"], 1, ""),
        (["example.com", "example.com"], 1, ""),
        (["example.com", "example.net"], 1, "many_from_domains"),
        (["example.com"], 2, "many_from_fields"),
        ([], 0, "no_from"),
        ([], 1, "no_domain"),
        ([""], 1, "no_domain"),
    ],
)
def test_what_cannot_be_evaluated(domains: list[str], fields: int, problem: str) -> None:
    assert from_domain_problem(domains, fields) == problem


@given(st.binary(max_size=200), st.text(max_size=200))
def test_anything(record: bytes, text: str) -> None:
    is_record(record)
    parse(record, "example.com")
    assert len(from_domains(text)) <= 16
    assert check(text).result in ("none", "fail", "pass", "permerror", "temperror")
