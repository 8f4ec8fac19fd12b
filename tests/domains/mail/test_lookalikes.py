"""lookalikes: hosts that imitate, and hosts that only seem to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.domains.mail.lookalikes import guard


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("paypa1.example", "lookalike"),
        ("paypaI.example".lower(), "lookalike"),
        ("xn--pypal-4ve.example", "lookalike"),
        ("pay-pal.example", "lookalike"),
        ("facebok.example", "one_edit"),
        ("faecbook.example", "one_edit"),
        ("login-paypal.example", "brand_in_domain"),
        ("www.paypal.com.a.example", "brand_domain_in_host"),
        ("paypal.a.example", "brand_in_subdomain"),
        ("paypal.example", "other_ending"),
    ],
)
def test_imitations(host: str, kind: str) -> None:
    found = guard().imitates(host)
    assert found is not None and found.kind == kind


@pytest.mark.parametrize(
    "host",
    [
        "www.paypal.com",
        "example.com",
        "",
        "192.0.2.1",
        "com",
        "apple.example",
        "orange-garden.example",
        "gitlab.example.org",
        "face.example",
        "www.qmail.example",
        "qmail.a.example",
        "hermes.a.example",
        "password.example",
        "xn--mnchen-3ya.example",
    ],
)
def test_honest_hosts(host: str) -> None:
    assert guard().imitates(host) is None


def test_the_operators_entries_in_every_form() -> None:
    for entry in ("ourbank.com", "Our Bank\t\tourbank.com"):
        found = guard([entry]).imitates("ourb4nk.example")
        assert found is not None and found.kind == "lookalike"
    assert guard(["Our Bank"], ["ourbank.com"]).imitates("ourb4nk.example") is not None
    assert guard(["ourbank.com"]).imitates("www.ourbank.com") is None
    assert guard([None, 3, "", "a\tb", "\t\t"], None).imitates("example.com") is None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_host_is_answered(host: str) -> None:
    guard().imitates(host)
