"""Brands: who owns a host, which names look or read like a brand."""

import pytest

from wardline.protocols.url import registrable
from wardline.sources.brands import Brands, load, parse, shipped

BRANDS = load(("Example Bank\tXmpl\texample.com example.net",))


def test_the_shipped_list_is_sound() -> None:
    names = [brand.name for brand in shipped()]
    assert len(names) >= 150
    assert len(set(names)) == len(names)
    domains = [domain for brand in shipped() for domain in brand.domains]
    assert len(set(domains)) == len(domains)
    for domain in domains:
        assert domain == domain.lower()
        if domain.endswith(".*"):
            continue
        # A host that everybody can publish under is nobody's own.
        assert registrable(domain) != "" or domain in {"googleapis.com", "withgoogle.com", "cloudflare.net", "bnpparibas", "gov.uk"}, domain


def test_hosts_of_a_brand() -> None:
    for host, name in (
        ("www.paypal.com", "PayPal"),
        ("example.net", "Example Bank"),
        ("mail.example.com.", "Example Bank"),
        ("login.gov.uk", "HMRC"),
    ):
        brand = BRANDS.of_domain(host)
        assert brand is not None
        assert brand.name == name
        assert BRANDS.owns(brand, host)
    for host in ("paypal.com.example.org", "notpaypal.com", "", "com", "evil.github.io", "google.example.org", "google"):
        assert BRANDS.of_domain(host) is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("paypa1", "PayPal"),
        ("rnicrosoft", "Microsoft"),
        ("xn", None),
        ("examp1e", "Example Bank"),
        ("раураӏ", "PayPal"),
        ("payroll", None),
        ("bankofarnerica", "Bank of America"),
        ("0range", "Orange"),
    ],
)
def test_look_alikes(label: str, name: str | None) -> None:
    assert [brand.name for brand in BRANDS.look_alikes(label)] == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("PayPal Service", ["PayPal"]),
        ("The PаyPal Team at Bank of America", ["PayPal", "Bank of America"]),
        ("Free delivery", []),
        ("xmpl support", ["Example Bank"]),
        ("paypals", []),
        ("AMAZON.COM", ["Amazon"]),
        ("", []),
        ("x " * 10_000 + "paypal", []),
    ],
)
def test_names_in_text(text: str, names: list[str]) -> None:
    assert [brand.name for brand in BRANDS.named(text)] == names


def test_the_operators_own_come_first_and_may_be_short() -> None:
    brands = Brands((parse("Ab\t\tab.example", protected=True), *shipped()))
    assert brands.brands[0].protected
    assert [brand.name for brand in brands.look_alikes("аb")] == ["Ab"]
    assert ("ab", brands.brands[0]) in brands.labels()


@pytest.mark.parametrize("line", ["", "Name", "Name\t\t", "\t\texample.com", "Name\texample.com"])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="expected name"):
        parse(line)
