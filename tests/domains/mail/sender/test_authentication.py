"""Authentication of a whole message: the values, what a time-out does, the record, trusted hosts, and our own field."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dnsserver import DnsServer
from tests.mailkeys import MESSAGE, Signer, Zone, key_record, keys_zone, rsa_key
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.sender.authentication import (
    NAMES,
    Authentication,
    Settings,
    from_record,
    header,
    nothing,
    record,
    relevant,
    verify,
    verify_recorded,
)
from wardline.protocols import authres
from wardline.protocols.dns import EMPTY, TIMEOUT, Answer, Question
from wardline.sources.resolver import Off, UdpResolver

SIGNER = Signer(rsa_key(2048))
ENVELOPE = Envelope(client_ip="192.0.2.7", helo="mx.example.com", mail_from="bounce@example.com", recipients=("b@example.net",))
RECORDS: dict[str, list[str | bytes] | Answer] = {
    "TXT example.com": [b"site-verification=1", b"v=spf1 ip4:192.0.2.0/24 -all"],
    "TXT _dmarc.example.com": [b"v=DMARC1; p=reject"],
}


def zone(**changes: list[str | bytes] | Answer) -> Zone:
    return keys_zone(SIGNER, more={**RECORDS, **{name.replace("__", " "): value for name, value in changes.items()}})


async def check(raw: bytes, records: Zone | None = None, envelope: Envelope = ENVELOPE, **more: float) -> Authentication:
    return await verify(raw, envelope, records or zone(), settings=Settings(**more), now=None)  # type: ignore[arg-type]


async def test_a_message_that_proves_itself() -> None:
    outcome = await check(SIGNER.sign(MESSAGE))
    assert outcome.values == {
        "auth.source": "own",
        "auth.spf": "pass",
        "auth.spf_domain": "example.com",
        "auth.dkim": "pass",
        "auth.dkim_domains": ["example.com"],
        "auth.dkim_reason": "",
        "auth.dkim_length_limited": False,
        "auth.dkim_added": [],
        "auth.dmarc": "pass",
        "auth.dmarc_policy": "reject",
        "auth.dmarc_percent": 100,
        "auth.arc": "none",
        "auth.arc_domains": [],
        "auth.arc_vouches": False,
        "auth.aligned": True,
        "auth.from_domain": "example.com",
        "auth.from_problem": "",
        "auth.unknown": [],
    }
    assert tuple(outcome.values) != () and set(outcome.values) == set(NAMES)


async def test_a_forgery() -> None:
    envelope = Envelope(client_ip="203.0.113.9", helo="evil.example", mail_from="x@evil.example")
    outcome = await check(MESSAGE, envelope=envelope)
    assert (outcome.values["auth.dmarc"], outcome.values["auth.dmarc_policy"], outcome.values["auth.aligned"]) == ("fail", "reject", False)
    assert (outcome.values["auth.spf"], outcome.values["auth.dkim"]) == ("none", "none")


async def test_mail_from_is_empty_so_the_helo_name_counts() -> None:
    outcome = await check(MESSAGE, envelope=Envelope(client_ip="192.0.2.7", helo="example.com"))
    assert (outcome.values["auth.spf"], outcome.values["auth.spf_domain"]) == ("pass", "example.com")


@pytest.mark.parametrize("ip", ["", "not an address", "127.0.0.1", "10.1.2.3", "::1", "fe80::1", "::ffff:192.168.0.1"])
async def test_no_client_address_means_no_spf(ip: str) -> None:
    outcome = await check(MESSAGE, envelope=Envelope(client_ip=ip, mail_from="a@example.com"))
    assert (outcome.values["auth.spf"], outcome.values["auth.dmarc"], outcome.values["auth.aligned"]) == (None, None, None)
    assert outcome.values["auth.unknown"] == ["spf", "dmarc"]


async def test_a_time_out_is_no_opinion() -> None:
    outcome = await check(SIGNER.sign(MESSAGE), zone(**{"TXT__sel._domainkey.example.com": TIMEOUT, "TXT__example.com": TIMEOUT}))
    for name in ("spf", "dkim", "dmarc", "aligned"):
        assert outcome.values["auth." + name] is None
    assert outcome.values["auth.unknown"] == ["spf", "dkim", "dmarc"]


async def test_one_proof_is_enough_when_the_other_is_open() -> None:
    outcome = await check(SIGNER.sign(MESSAGE), zone(**{"TXT__example.com": TIMEOUT}))
    assert (outcome.values["auth.spf"], outcome.values["auth.dmarc"], outcome.values["auth.aligned"]) == (None, "pass", True)
    assert outcome.values["auth.unknown"] == ["spf"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"Subject: x\r\n\r\n", "no_from"),
        (b"From: a@example.com\r\nFrom: b@example.com\r\n\r\n", "many_from_fields"),
        (b"From: a@example.com, b@example.net\r\n\r\n", "many_from_domains"),
        (b"From: nobody\r\n\r\n", "no_domain"),
    ],
)
async def test_senders_that_cannot_be_evaluated(raw: bytes, problem: str) -> None:
    values = (await check(raw)).values
    assert (values["auth.dmarc"], values["auth.from_problem"], values["auth.aligned"]) == ("permerror", problem, False)


async def test_facts_about_signatures() -> None:
    values = (await check(SIGNER.sign(MESSAGE, extra="l=2; ") + b"more\r\n")).values
    assert (values["auth.dkim"], values["auth.dkim_length_limited"]) == ("pass", True)
    values = (await check(b"Subject: Pay now\r\n" + SIGNER.sign(MESSAGE))).values
    assert values["auth.dkim_added"] == ["subject"]
    values = (await check(SIGNER.sign(MESSAGE).replace(b"noon", b"nine"))).values
    assert (values["auth.dkim"], values["auth.dkim_reason"], values["auth.dkim_domains"]) == ("fail", "body_hash", [])


async def test_a_policy_that_is_only_tried_out() -> None:
    values = (
        await check(MESSAGE, zone(**{"TXT___dmarc.example.com": [b"v=DMARC1; p=reject; t=y; pct=10"], "TXT__example.com": EMPTY}))
    ).values
    assert (values["auth.dmarc"], values["auth.dmarc_policy"], values["auth.dmarc_percent"]) == ("fail", "none", 10)


async def test_an_arc_chain() -> None:
    values = (await check(SIGNER.seal(MESSAGE, 1))).values
    assert (values["auth.arc"], values["auth.arc_domains"], values["auth.arc_vouches"]) == ("pass", ["example.com"], False)


@pytest.mark.parametrize(
    ("results", "sealers", "vouches"),
    [
        ("example.com; dmarc=pass", ("Example.com.",), True),
        ("example.com; dmarc=fail", ("example.com",), False),
        ("example.com; spf=pass", ("example.com",), False),
        ("example.com; dmarc=pass", ("example.net",), False),
        ("example.com; dmarc=pass", (), False),
    ],
)
async def test_who_vouches(results: str, sealers: tuple[str, ...], vouches: bool) -> None:
    raw = SIGNER.seal(MESSAGE, 1, results=results)
    values = (await verify(raw, ENVELOPE, zone(), settings=Settings(trusted_sealers=sealers), now=None)).values
    assert values["auth.arc_vouches"] is vouches
    slow = zone(**{"TXT__sel._domainkey.example.com": TIMEOUT})
    assert (await verify(raw, ENVELOPE, slow, settings=Settings(trusted_sealers=sealers), now=None)).values["auth.arc_vouches"] is None


async def test_a_signature_that_leaves_something_open_proves_no_one() -> None:
    """It passes, as the standard has it; but what was appended or added is nobody's, so no list and no reputation may rest on it."""
    for raw in (SIGNER.sign(MESSAGE, extra="l=2; ") + b"more\r\n", b"Subject: Pay now\r\n" + SIGNER.sign(MESSAGE)):
        values = (await check(raw, envelope=Envelope(client_ip="203.0.113.9", mail_from="x@evil.example"))).values
        assert (values["auth.dkim"], values["auth.dmarc"], values["auth.dkim_domains"], values["auth.aligned"]) == (
            "pass",
            "pass",
            [],
            False,
        )


async def test_broken_signatures_of_a_domain_that_is_testing_are_none() -> None:
    testing = zone(**{"TXT__sel._domainkey.example.com": [key_record(rsa_key(2048), "v=DKIM1; t=y; ")]})
    assert (await check(SIGNER.sign(MESSAGE), testing)).values["auth.dkim"] == "pass"
    assert (await check(SIGNER.sign(MESSAGE).replace(b"noon", b"nine"), testing)).values["auth.dkim"] == "none"


async def test_what_is_recorded_rebuilds_the_same_values() -> None:
    raw = SIGNER.seal(SIGNER.sign(MESSAGE), 1)
    outcome = await check(raw)
    stored = json.loads(json.dumps(record(outcome.answers)))
    assert stored["TXT example.com"] == ["ok", "v=spf1 ip4:192.0.2.0/24 -all"]
    again = verify_recorded(raw, ENVELOPE, from_record(stored), now=None)
    assert again.values == outcome.values
    # The negative control: one answer less, and the values differ.
    del stored["TXT example.com"]
    assert verify_recorded(raw, ENVELOPE, from_record(stored), now=None).values != outcome.values


async def test_the_record_holds_any_bytes() -> None:
    answers = {
        "TXT x._domainkey.example.com": Answer("ok", (bytes(range(256)),)),
        "MX example.com": Answer("ok", ("10 a",)),
        "A b": TIMEOUT,
    }
    assert from_record(json.loads(json.dumps(record(answers)))) == answers


def test_what_no_check_reads_is_not_kept() -> None:
    question = Question("example.com", "TXT")
    assert relevant(question, Answer("ok", (b"x=1", b"V=SPF1 -all", b"v=spf1 " + b"x" * 9000))) == Answer("ok", (b"V=SPF1 -all",))
    assert relevant(question, Answer("ok", (b"x=1",))) == EMPTY
    assert relevant(Question("s._domainkey.example.com", "TXT"), Answer("ok", (b"p=AA",))) == Answer("ok", (b"p=AA",))
    assert relevant(Question("example.com", "A"), Answer("ok", ("192.0.2.1",))) == Answer("ok", ("192.0.2.1",))


async def test_our_own_users_are_not_checked() -> None:
    for envelope in (Envelope(client_ip="192.0.2.7", direction="out"), Envelope(client_ip="192.0.2.7", authenticated_user="alice")):
        assert (await check(MESSAGE, envelope=envelope)).values == nothing("submission")
        assert verify_recorded(MESSAGE, envelope, {}, now=None).values == nothing("submission")


async def test_without_a_resolver_nothing_is_known() -> None:
    assert (await verify(SIGNER.sign(MESSAGE), ENVELOPE, Off(), now=None)).values == nothing("off")


TRUSTED = Settings(trusted_hosts=("Border.example.net.",))
FIELD = (
    b"Authentication-Results: border.example.net; spf=hardfail smtp.mailfrom=example.com;\r\n\tdkim=pass header.i=@example.com;"
    b" dmarc=pass (p=REJECT) header.from=example.com; arc=none\r\n"
)
RECEIVED = b"Received: from x by border.example.net; Fri, 20 Nov 2026 10:00:00 +0000\r\n"


async def trusted(raw: bytes) -> dict[str, object]:
    return dict((await verify(raw, ENVELOPE, Off(), settings=TRUSTED, now=None)).values)


async def test_a_trusted_host_is_believed() -> None:
    for raw in (FIELD + RECEIVED + MESSAGE, RECEIVED + FIELD + MESSAGE):
        values = await trusted(raw)
        assert values["auth.source"] == "trusted_header"
        assert (values["auth.spf"], values["auth.dkim"], values["auth.dmarc"], values["auth.dmarc_policy"]) == (
            "fail",
            "pass",
            "pass",
            "reject",
        )
        assert (values["auth.dkim_domains"], values["auth.aligned"], values["auth.arc"]) == (["example.com"], True, "none")


async def test_but_not_from_deeper_in_the_message_nor_under_another_name() -> None:
    assert (await trusted(RECEIVED + RECEIVED + FIELD + MESSAGE))["auth.source"] is None
    assert (await trusted(FIELD.replace(b"border.", b"other.") + RECEIVED + MESSAGE))["auth.source"] is None
    assert (await verify(FIELD + MESSAGE, ENVELOPE, Off(), now=None)).values["auth.source"] is None


async def test_a_trusted_host_that_read_another_sender_proves_nothing() -> None:
    field = b"Authentication-Results: border.example.net; dmarc=pass header.from=example.org\r\n"
    values = await trusted(field + MESSAGE)
    assert (values["auth.dmarc"], values["auth.aligned"], values["auth.from_domain"]) == ("pass", None, "example.com")
    two = await trusted(field.replace(b"example.org", b"example.com") + b"From: b@example.com\r\n" + MESSAGE)
    assert (two["auth.aligned"], two["auth.from_problem"]) == (None, "many_from_fields")


async def test_words_of_a_trusted_host_that_say_nothing() -> None:
    values = await trusted(b"Authentication-Results: border.example.net; spf=temperror; dkim=what\r\n" + MESSAGE)
    assert (values["auth.spf"], values["auth.dkim"], values["auth.dmarc"]) == (None, None, None)
    assert values["auth.unknown"] == ["spf", "dkim", "dmarc"]


async def test_a_message_that_was_cut_is_not_held_against_its_sender() -> None:
    """The gateway kept head and tail, or the message went over a limit of ours: the signature cannot be compared, and DMARC stays open."""
    raw = SIGNER.sign(MESSAGE)
    elsewhere = Envelope(client_ip="203.0.113.9", mail_from="x@forwarder.example")
    cut = (await verify(raw.replace(b"noon", b""), elsewhere, zone(), now=None, whole=False)).values
    long = (await verify(raw + b"\n" * 1_000_001, elsewhere, zone(), now=None)).values
    for values in (cut, long):
        assert (values["auth.dkim"], values["auth.dmarc"], values["auth.aligned"], values["auth.arc"]) == (None, None, None, None)
        assert values["auth.unknown"] == ["dkim", "dmarc", "arc"]
    unsigned = (await verify(MESSAGE, elsewhere, zone(), now=None, whole=False)).values
    assert (unsigned["auth.dkim"], unsigned["auth.dmarc"]) == ("none", "fail")


async def test_our_field() -> None:
    text = header((await check(SIGNER.sign(MESSAGE))).values, "mx.example.net")
    found = authres.parse(text)
    assert found is not None and found.authserv_id == "mx.example.net"
    assert [(result.method, result.result) for result in found.results] == [("spf", "pass"), ("dkim", "pass"), ("dmarc", "pass")]
    assert header(nothing("off"), "mx.example.net") == ""
    assert "spf=temperror" in header((await check(MESSAGE, zone(**{"TXT__example.com": TIMEOUT}))).values, "mx.example.net")


async def test_with_a_real_server_and_a_large_message() -> None:
    key = key_record(rsa_key(2048)).decode()
    strings = f'"{key[:200]}" "{key[200:]}"'
    records = {
        "TXT example.com": ['"v=spf1 ip4:192.0.2.0/24 -all"'],
        "TXT _dmarc.example.com": ['"v=DMARC1; p=reject"'],
        "TXT sel._domainkey.example.com": [strings],
    }
    raw = SIGNER.sign(MESSAGE + b"line of text\r\n" * 50_000)
    async with DnsServer(records) as server:
        outcome = await verify(raw, ENVELOPE, UdpResolver(server.address), now=None)
    assert (outcome.values["auth.spf"], outcome.values["auth.dkim"], outcome.values["auth.dmarc"]) == ("pass", "pass", "pass")


async def test_a_server_that_keeps_silent_costs_the_deadline_and_no_more() -> None:
    async with DnsServer({}, {"example.com": "silent", "_dmarc.example.com": "silent"}) as server:
        outcome = await verify(
            MESSAGE, ENVELOPE, UdpResolver(server.address, timeout_seconds=60), settings=Settings(deadline_seconds=0.1), now=None
        )
    assert (outcome.values["auth.spf"], outcome.values["auth.dmarc"]) == (None, None)
    assert outcome.values["auth.unknown"] == ["spf", "dmarc"]


@settings(max_examples=50)
@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_any_bytes_and_any_envelope(raw: bytes, text: str, other: str) -> None:
    envelope = Envelope(client_ip="192.0.2.1", helo=text, mail_from=other)
    for message in (raw, b"From: " + raw + b"\r\n\r\n"):
        values = verify_recorded(message, envelope, {}, now=None).values
        assert set(values) == set(NAMES)
        assert all(not isinstance(value, str) or len(value) <= 128 for value in values.values())
