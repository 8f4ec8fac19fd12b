"""DKIM: messages signed here with keys made here (RFC 6376, RFC 8301, RFC 8463)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import MESSAGE, Signer, Zone, ed25519_key, key_record, keys_zone, rsa_key
from wardline.protocols.dkim import DkimResult, verify
from wardline.protocols.dkim_key import Rules
from wardline.protocols.dns import ERROR, TIMEOUT, Answer, drive

RSA = Signer(rsa_key(2048))
NAME = "TXT sel._domainkey.example.com"


def check(raw: bytes, zone: Zone | None = None, *, now: int | None = None, rules: Rules = Rules()) -> list[DkimResult]:
    return drive(verify(raw, now=now, rules=rules), zone or keys_zone(RSA))


def one(raw: bytes, zone: Zone | None = None, *, now: int | None = None, rules: Rules = Rules()) -> DkimResult:
    (found,) = check(raw, zone, now=now, rules=rules)
    return found


@pytest.mark.parametrize("c", ["simple", "relaxed", *map("/".join, itertools.product(("simple", "relaxed"), repeat=2))])
def test_every_canonical_form(c: str) -> None:
    found = one(RSA.sign(MESSAGE, c=c))
    assert (found.result, found.domain, found.selector, found.key_bits) == ("pass", "example.com", "sel", 2048)


@pytest.mark.parametrize("bits", [1024, 4096])
def test_other_rsa_keys(bits: int) -> None:
    signer = Signer(rsa_key(bits))
    assert one(signer.sign(MESSAGE), keys_zone(signer)).key_bits == bits


def test_ed25519() -> None:
    signer = Signer(ed25519_key())
    found = one(signer.sign(MESSAGE), keys_zone(signer))
    assert (found.result, found.algorithm) == ("pass", "ed25519-sha256")


def test_relaxed_survives_what_relays_do() -> None:
    raw = (
        RSA.sign(MESSAGE)
        .replace(b"Subject: Lunch \r\n  tomorrow", b"subject:Lunch tomorrow")
        .replace(b"lunch\tat noon?", b"lunch at  noon? ")
    )
    assert one(raw).result == "pass"


def test_simple_does_not() -> None:
    assert one(RSA.sign(MESSAGE, c="simple/simple").replace(b"Lunch \r\n  tomorrow", b"Lunch tomorrow")).reason == "signature"


def test_files_with_bare_line_feeds() -> None:
    assert one(RSA.sign(MESSAGE).replace(b"\r\n", b"\n")).result == "pass"


def test_a_changed_body() -> None:
    raw = RSA.sign(MESSAGE).replace(b"noon", b"nine")
    assert (one(raw).result, one(raw).reason) == ("fail", "body_hash")
    assert one(raw, Zone({NAME: TIMEOUT})).result == "temperror"
    assert one(raw, Zone({})).reason == "no_key"


def test_a_changed_header() -> None:
    assert one(RSA.sign(MESSAGE).replace(b"Alice", b"Mallory")).reason == "signature"


def test_length_limit_is_a_pass_and_a_fact() -> None:
    found = one(RSA.sign(MESSAGE, extra="l=8; ") + b"More, unsigned.\r\n")
    assert (found.result, found.length_limited) == ("pass", True)
    assert one(RSA.sign(MESSAGE, extra="l=0; ")).uncovered_bytes > 0
    assert one(RSA.sign(MESSAGE, extra="l=99999; ")).reason == "body_length"
    assert one(RSA.sign(MESSAGE, extra=f"l={'9' * 76}; ")).reason == "body_length"
    assert one(RSA.sign(MESSAGE, extra=f"l={'9' * 77}; ")).reason == "syntax"


def test_expiry() -> None:
    raw = RSA.sign(MESSAGE, extra="t=1000; x=2000; ")
    assert one(raw, now=1500).result == "pass"
    assert one(raw, now=2001).reason == "expired"
    assert one(raw, now=None).result == "pass"
    assert one(RSA.sign(MESSAGE, extra="t=2000; x=1000; ")).reason == "timestamps"


def test_oversigned_fields_cannot_be_added() -> None:
    raw = RSA.sign(MESSAGE, names="from:from:to:subject")
    assert one(raw).result == "pass"
    assert one(b"From: mallory@example.org\r\n" + raw).result == "fail"


def test_fields_that_were_added_are_named() -> None:
    raw = RSA.sign(MESSAGE, names="from:subject")
    found = one(b"From: mallory@example.org\r\nSubject: Pay\r\nTo: c@example.net\r\n" + raw)
    assert (found.result, found.added) == ("pass", ("from", "subject"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"v=1", b"v=2"), "version"),
        ((b"v=1; ", b""), "version"),
        ((b"a=rsa-sha256", b"a=rsa-md5"), "algorithm"),
        ((b"a=rsa-sha256", b"a=rsa-sha1"), "sha1"),
        ((b"c=relaxed/relaxed", b"c=future"), "canonicalization"),
        ((b"d=example.com", b"d=com"), "domain"),
        ((b"d=example.com", b"d=" + b"a" * 300 + b".com"), "domain"),
        ((b"h=from:to:subject:date", b"h=to"), "from_unsigned"),
        ((b"h=from:to:subject:date", b"h="), "syntax"),
        ((b"s=sel;", b"s=sel; q=http;"), "query"),
        ((b"s=sel;", b"s=sel; i=a@example.org;"), "identity"),
        ((b"s=sel;", b"s=sel; i=a@notexample.com;"), "identity"),
        ((b"s=sel;", b"s=sel; s=sel;"), "syntax"),
        ((b"s=sel;", b"s=sel; l=-1;"), "syntax"),
        ((b"bh=", b"bh=!"), "syntax"),
        ((b"s=sel;", b"s=sel; z=" + b"x" * 70_000 + b";"), "syntax"),
    ],
)
def test_signatures_that_cannot_be_used(change: tuple[bytes, bytes], reason: str) -> None:
    zone = keys_zone(RSA)
    found = one(RSA.sign(MESSAGE).replace(*change, 1), zone)
    assert (found.result, found.reason) == ("permerror", reason)
    assert zone.asked == []


@pytest.mark.parametrize(
    ("answer", "result", "reason"),
    [
        (TIMEOUT, "temperror", "dns"),
        (ERROR, "temperror", "dns"),
        (Answer("nxdomain"), "permerror", "no_key"),
        (Answer("empty"), "permerror", "no_key"),
        (Answer("ok", (b"v=spf1 -all",)), "permerror", "key_version"),
        (Answer("ok", (b"v=DKIM1; p=",)), "permerror", "key_revoked"),
        (Answer("ok", (key_record(rsa_key(2048), "v=DKIM1; h=sha1; "),)), "permerror", "key_hash"),
        (Answer("ok", (key_record(rsa_key(1024)),)), "fail", "signature"),
        (Answer("ok", (b"v=DKIM1; p=AA==", key_record(rsa_key(2048)))), "pass", ""),
        (Answer("ok", (b"x" * 65_000,)), "permerror", "key_syntax"),
    ],
)
def test_answers_of_the_dns(answer: Answer, result: str, reason: str) -> None:
    found = one(RSA.sign(MESSAGE), Zone({NAME: answer}))
    assert (found.result, found.reason) == (result, reason)


def test_identity_of_a_subdomain_and_the_strict_flag() -> None:
    raw = RSA.sign(MESSAGE, extra="i=a=40news.example.com; ")
    assert one(raw).identity == "a@news.example.com"
    assert one(raw).result == "pass"
    strict = Zone({NAME: [key_record(rsa_key(2048), "v=DKIM1; t=s; ")]})
    assert one(raw, strict).reason == "key_strict"
    assert one(RSA.sign(MESSAGE), Zone({NAME: [key_record(rsa_key(2048), "v=DKIM1; t=y; ")]})).testing


def test_sha1_and_short_keys_are_refused_but_for_old_vectors() -> None:
    signer = Signer(rsa_key(1024))
    raw = signer.sign(MESSAGE, algorithm="rsa-sha1")
    assert one(raw, keys_zone(signer)).reason == "sha1"
    assert one(raw, keys_zone(signer), rules=Rules(allow_sha1=True)).result == "pass"
    assert one(signer.sign(MESSAGE), keys_zone(signer), rules=Rules(minimum_rsa_bits=2048)).reason == "key_weak"


def test_several_signatures_in_order() -> None:
    other = Signer(ed25519_key(), "example.net", "ed")
    raw = RSA.sign(other.sign(MESSAGE)).replace(b"a=rsa-sha256", b"a=none", 1)
    assert [(found.result, found.domain) for found in check(raw, keys_zone(RSA, other))] == [
        ("permerror", "example.com"),
        ("pass", "example.net"),
    ]


def test_a_thousand_signatures_are_five() -> None:
    zone = keys_zone(RSA)
    field = RSA.sign(MESSAGE)[: -len(MESSAGE)]
    assert len(check(field * 1000 + MESSAGE, zone)) == 5
    assert set(zone.asked) == {NAME}


def test_messages_without_signature_or_without_anything() -> None:
    assert check(MESSAGE) == []
    assert check(b"") == []
    assert check(b"\r\n\r\n\r\n") == []
    assert check(b"DKIM-Signature:\r\n\r\n")[0].result == "permerror"


def test_a_header_that_was_cut_is_not_held_against_the_sender() -> None:
    raw = RSA.sign(b"X: " + b"x" * 600_000 + b"\r\n" + MESSAGE)
    found = check(raw)
    assert [(result.result, result.reason) for result in found] == [("temperror", "header_limit")]
    assert one(RSA.sign(MESSAGE) + b"\r\n" * 1_000_001).reason == "lines_limit"


@given(st.binary(max_size=300), st.integers(0, 6))
def test_any_bytes(junk: bytes, place: int) -> None:
    signed = RSA.sign(MESSAGE)
    cut = len(signed) * place // 6
    for raw in (junk, b"DKIM-Signature: " + junk + b"\r\n\r\n", signed[:cut] + junk + signed[cut:]):
        for found in check(raw):
            assert found.result in ("pass", "fail", "permerror")
