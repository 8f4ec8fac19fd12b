"""ARC: chains sealed here with keys made here (RFC 8617)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import MESSAGE, Signer, Zone, ed25519_key, keys_zone, rsa_key
from wardline.protocols.arc import SETS_LIMIT, ArcResult, collect, seal_digests, verify
from wardline.protocols.dkim_message import split
from wardline.protocols.dns import NXDOMAIN, TIMEOUT, drive

LISTS = Signer(rsa_key(2048), "lists.example.org", "arc")
RELAY = Signer(ed25519_key(), "relay.example.net", "arc")
ONE = LISTS.seal(MESSAGE, 1)
TWO = RELAY.seal(ONE, 2, results="relay.example.net; arc=pass")


def check(raw: bytes, zone: Zone | None = None) -> ArcResult:
    return drive(verify(raw), zone or keys_zone(LISTS, RELAY))


def test_a_message_without_a_chain() -> None:
    assert check(MESSAGE) == ArcResult(result="none")
    assert check(b"").result == "none"


def test_one_set() -> None:
    assert check(ONE) == ArcResult(
        result="pass", sets=1, domain="lists.example.org", domains=("lists.example.org",), results="lists.example.org; dmarc=pass"
    )


def test_two_sets() -> None:
    found = check(TWO)
    assert (found.result, found.domains, found.results) == (
        "pass",
        ("lists.example.org", "relay.example.net"),
        "relay.example.net; arc=pass",
    )


def test_the_message_may_change_before_the_newest_set() -> None:
    """That is what ARC is for: a list changes the subject, then seals."""
    changed = ONE.replace(b"Subject: Lunch", b"Subject: [list] Lunch")
    assert check(changed).reason == "message_signature i=1"
    assert check(RELAY.seal(changed, 2)).result == "pass"


def test_fifty_sets_hold_and_fifty_one_do_not() -> None:
    raw = MESSAGE
    for instance in range(1, SETS_LIMIT + 2):
        raw = RELAY.seal(raw, instance)
        if instance in (SETS_LIMIT, SETS_LIMIT + 1):
            found = check(raw)
            assert (found.result, found.reason) == (("pass", "") if instance == SETS_LIMIT else ("fail", "too_many_sets"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"noon", b"nine"), "message_body i=1"),
        ((b"Alice", b"Mallory"), "message_signature i=1"),
        ((b"dmarc=pass", b"dmarc=fail"), "seal_signature i=1"),
        ((b"cv=none", b"cv=pass"), "seal_status i=1"),
        ((b"cv=none", b"cv=fail"), "sealed_as_failed"),
        ((b"cv=none", b"cv=maybe"), "seal_status"),
        ((b"cv=none; ", b""), "seal_tags"),
        ((b"cv=none;", b"cv=none; h=from;"), "seal_tags"),
        ((b"ARC-Seal: i=1", b"ARC-Seal: i=2"), "incomplete"),
        ((b"ARC-Seal: i=1", b"ARC-Seal: i=x"), "instance"),
        ((b"ARC-Seal: i=1", b"ARC-Seal: i=0"), "incomplete"),
        ((b"ARC-Seal: i=1;", b"ARC-Seal: i=1; =;"), "tags"),
        ((b"Results: i=1;", b"Results: lists.example.org; i=1;"), "results_syntax"),
        ((b"ARC-Message-Signature", b"X-Message-Signature"), "incomplete"),
        ((b"ARC-Seal: i=1; a=rsa-sha256", b"ARC-Seal: i=1; a=rsa-sha1"), "seal_algorithm"),
        ((b"t=1;", b"t=x;"), "seal_time"),
        ((b"cv=none; d=lists.example.org", b"cv=none; d=org"), "seal_domain"),
        ((b"h=from:to:subject", b"h=from:arc-seal"), "message_signs_seal i=1"),
        ((b"h=from:to:subject; ", b""), "message_syntax i=1"),
    ],
)
def test_chains_that_break(change: tuple[bytes, bytes], reason: str) -> None:
    assert change[0] in ONE
    found = check(ONE.replace(*change, 1))
    assert (found.result, found.reason) == ("fail", reason)


def test_a_set_that_stands_twice() -> None:
    assert check(ONE[: -len(MESSAGE)] + ONE).reason == "duplicate i=1"


def test_an_older_seal_that_does_not_hold() -> None:
    assert check(TWO.replace(b"dmarc=pass", b"dmarc=none")).reason == "seal_signature i=2"
    forged = RELAY.seal(ONE.replace(b"dmarc=pass", b"dmarc=none"), 2)
    assert check(forged).reason == "seal_signature i=1"


def test_a_chain_beyond_our_limits_is_not_a_broken_one() -> None:
    found = check(ONE + b"\n" * 1_000_001)
    assert (found.result, found.reason) == ("temperror", "lines_limit")


def test_keys_that_are_missing_or_do_not_come() -> None:
    assert check(ONE, Zone({})).reason == "message_signature i=1 no_key"
    name = "TXT arc._domainkey.lists.example.org"
    assert check(ONE, Zone({name: TIMEOUT})).result == "temperror"
    assert check(ONE, Zone({name: NXDOMAIN})).result == "fail"


def test_seals_sign_growing_prefixes() -> None:
    """The digests from one growing hash are those of hashing each prefix anew."""
    sets = collect(split(TWO))
    assert seal_digests(sets)[:1] == seal_digests(sets[:1])
    assert len(set(seal_digests(sets))) == 2


@given(st.binary(max_size=200), st.integers(0, 8))
def test_any_bytes(junk: bytes, place: int) -> None:
    cut = len(ONE) * place // 8
    for raw in (
        junk,
        b"ARC-Seal: " + junk + b"\r\n\r\n",
        b"ARC-Authentication-Results:" + junk + b"\r\n" + ONE,
        ONE[:cut] + junk + ONE[cut:],
    ):
        assert check(raw).result in ("none", "pass", "fail")
