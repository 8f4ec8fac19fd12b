"""url: hosts and addresses, each trick alone, and honest links."""

import pytest

from tests.domains.mail.builders import ask, link, mail, odds_of
from wardline.domains.mail.detectors.url import Url


@pytest.mark.parametrize(
    ("address", "flag", "least"),
    [
        ("https://paypa1.example/login", "lookalike", 0.9),
        ("https://www.rnicrosoft.example/", "lookalike", 0.9),
        ("https://pay-pal.example/", "lookalike", 0.9),
        ("https://facebok.example/", "one_edit", 0.75),
        ("https://paypal-login.example/", "brand_in_domain", 0.75),
        ("https://paypal.com.secure.example/", "brand_domain_in_host", 0.9),
        ("http://203.0.113.9/login", "ip_host", 0.8),
        ("http://3405803785/login", "hidden_ip", 0.9),
        ("http://0xcb.0x0.0x71.0x9/", "hidden_ip", 0.9),
        ("https://www.paypal.com@203.0.113.9/", "host_in_userinfo", 0.9),
        ("https://user:pw@files.example/", "userinfo", 0.75),
        ("https://xn--pypal-4ve.example/", "mixed_script_host", 0.85),
        ("https://pages.example/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG", "ipfs", 0.85),
        ("https://school.example/wp-includes/js/x/index.php", "broken_into", 0.8),
        ("https://bakery.example/paypal/login/index.php", "brand_in_path", 0.75),
        ("https://x81.pages.dev/", "free_hosting", 0.65),
        ("https://www.google.com/url?q=http%3A%2F%2Fevil.example%2F", "open_redirect", 0.65),
        ("https://files.example/view#bela@example.net", "recipient_in_fragment", 0.85),
        ("https://files.example/view#YmVsYUBleGFtcGxlLm5ldA==", "recipient_in_fragment", 0.85),
        ("data:text/html;base64,PGgxPg==", "data_link", 0.85),
    ],
)
def test_tricks(address: str, flag: str, least: float) -> None:
    message = mail(links=[link(address, "click")])
    found = Url().measure(message, {})["url.flags"]
    assert isinstance(found, list) and flag in found
    assert odds_of(Url(), message) > least


def test_protected_domains_are_looked_for() -> None:
    message = mail(links=[link("https://ourb4nk.example/", "here")])
    assert ask(Url(), message).score is None
    assert odds_of(Url(), message, {"config.protected_brands": ["ourbank.com"]}) > 0.9


@pytest.mark.parametrize(
    "found",
    [
        link("https://www.paypal.com/signin"),
        link("https://mail.google.com/mail/u/0"),
        link("https://github.com/google/leveldb"),
        link("https://bit.ly/3abc", "short"),
        link("https://someone.github.io/project"),
        link("http://127.0.0.1:8080/", origin="text"),
        link("http://192.168.1.1/"),
        link("http://192.0.2.80:8080/test", origin="text"),
        link("https://apple.stackexchange.com/questions/1"),
        link("https://gitlab.example.org/group/project"),
        link("https://click.mailer.example/r?url=https%3A%2F%2Fgarden.example.org%2F"),
        link("https://xn--mnchen-3ya.example/"),
        link("https://blog.example/2024/wp-content/uploads/photo.jpg"),
        link("https://shop.example/unsubscribe?mail=bela@example.net"),
        link("https://shop.example/page#section-2"),
        link("mailto:anna@example.com"),
        link("https://dean.example/"),
        link("https://orange-garden.example/"),
    ],
)
def test_honest(found: object) -> None:
    assert ask(Url(), mail(links=[found])).score is None  # type: ignore[list-item]


def test_many_links_are_bounded() -> None:
    values = Url().measure(mail(links=[link(f"https://h{i}.example/") for i in range(500)]), {})
    assert values["url.count"] == 500
    assert values["url.hosts"] == 32


def test_no_links_says_so() -> None:
    assert "No links" in ask(Url(), mail()).reason
