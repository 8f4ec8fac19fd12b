"""link_text: what a link says and where it goes."""

import pytest

from tests.domains.mail.builders import address, ask, link, mail, odds_of
from wardline.domains.mail.detectors.link_text import LinkText, host_of


def test_a_link_that_says_a_brand_and_leads_elsewhere() -> None:
    signal = ask(LinkText(), mail(links=[link("http://secure.example/x", "https://www.paypal.com/signin")]))
    assert signal.score is not None and signal.score > 0.85


def test_a_link_that_says_our_own_domain() -> None:
    assert odds_of(LinkText(), mail(links=[link("http://webmail.example/x", "https://mail.example.net/owa")])) > 0.8


def test_a_name_over_a_bare_address() -> None:
    assert odds_of(LinkText(), mail(links=[link("http://203.0.113.9/x", "www.shop.example.org")])) > 0.85


def test_protected_domains_count_as_brands() -> None:
    message = mail(links=[link("http://other.example/x", "https://portal.ourbank.example")])
    assert ask(LinkText(), message).score is None
    assert odds_of(LinkText(), message, {"config.protected_brands": ["ourbank.example"]}) > 0.85


@pytest.mark.parametrize(
    "found",
    [
        link("https://click.mailer.example/c/1", "www.garden.example.org"),  # a tracked link of a sending service
        link("https://www.paypal.com/x", "paypal.com"),
        link("https://nodejs.example/x", "Node.js"),
        link("https://files.example/main.py", "main.py"),
        link("https://files.example/x", "Version 2.0.1"),
        link("https://a.example/x", "Read more. Or do not."),
        link("https://urldefense.com/v3/x", "https://www.paypal.com/x"),
        link("mailto:a@example.org", "www.example.com"),
    ],
)
def test_honest(found: object) -> None:
    message = mail(sender=address("news@garden.example.org"), links=[found])  # type: ignore[list-item]
    assert ask(LinkText(), message).score is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://www.Example.com/a?b", "www.example.com"),
        ("example.com", "example.com"),
        ("www.example.com:8080", "www.example.com"),
        ("README.md", ""),
        ("a.b", ""),
        ("two words.com", ""),
        ("", ""),
        ("...", ""),
        ("x" * 400 + ".com", ""),
    ],
)
def test_what_a_text_names(text: str, host: str) -> None:
    assert host_of(text) == host
