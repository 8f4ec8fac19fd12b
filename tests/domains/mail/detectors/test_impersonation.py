"""impersonation: a name or a domain that belongs to somebody else."""

import pytest

from tests.domains.mail.builders import address, ask, mail, odds_of
from wardline.domains.mail.detectors.impersonation import Impersonation
from wardline.domains.mail.events import Address, Mail


@pytest.mark.parametrize(
    ("sender", "flag", "least"),
    [
        (address("x81@mailbox.example", "PayPal"), "brand_name", 0.85),
        (address("x81@mailbox.example", "Рayрal Service"), "brand_name", 0.85),
        (address("paypal.team@gmail.com", "PayPal Security Team"), "brand_name_free_mailbox", 0.9),
        (address("service@paypa1.example", "Service"), "lookalike", 0.9),
        (address("service@paypal-billing.example", "Billing"), "brand_in_domain", 0.75),
        (address("x@mailbox.example", "boss@other.example.com"), "address_in_name", 0.8),
        (address("x@mailbox.example", "Boss <boss@example.net>"), "own_address_in_name", 0.85),
        (address("bela@examp1e.net", "Béla"), "own_lookalike", 0.85),
        (address("bela@exampel.net", "Béla"), "own_lookalike", 0.85),
    ],
)
def test_masks(sender: Address, flag: str, least: float) -> None:
    message = mail(sender=sender)
    found = Impersonation().measure(message, {})["impersonation.flags"]
    assert isinstance(found, list) and flag in found
    assert odds_of(Impersonation(), message) > least


def test_a_malformed_from_is_read_as_people_do() -> None:
    message = mail(sender=Address(display="PayPal Team"), headers=())
    headers = (("From", "PayPal Team ,_<x@mailbox.example>"),)
    assert odds_of(Impersonation(), mail(sender=Address(), subject="x")) == 0.5
    import msgspec

    assert odds_of(Impersonation(), msgspec.structs.replace(message, headers=headers)) > 0.85


def test_protected_people() -> None:
    known: dict[str, object] = {"config.protected_people": ["Doris Director <doris@example.net>"], "config.local_domains": ["example.net"]}
    outside = mail(sender=address("doris.d@gmail.com", "Director, Doris"))
    inside = mail(sender=address("doris@example.net", "Doris Director"))
    assert odds_of(Impersonation(), outside, known) > 0.85  # type: ignore[arg-type]
    assert odds_of(Impersonation(), inside, known) == 0.5  # type: ignore[arg-type]
    assert odds_of(Impersonation(), mail(sender=address("x@gmail.com", "Doris Dayton")), known) == 0.5  # type: ignore[arg-type]


def test_the_brand_is_named_in_the_reason() -> None:
    assert "PayPal" in ask(Impersonation(), mail(sender=address("x@mailbox.example", "PayPal"))).reason


@pytest.mark.parametrize(
    "message",
    [
        mail(sender=address("service@paypal.com", "PayPal")),
        mail(sender=address("jane@example.org", "Jane Rogers")),
        mail(sender=address("jane@example.org", "Jane Oracle")),
        mail(sender=address("jane@example.org", "jane@example.org")),
        mail(sender=address("jane@mail.example.org", "jane@example.org")),
        mail(
            sender=address("users@lists.example.org", "'jane@example.com' via users"), headers=(("List-Id", "<users.lists.example.org>"),)
        ),
        mail(sender=address("bela@example.net", "Béla")),
        mail(sender=address("x@gmail.com", "Anna")),
        mail(sender=address("post@exemplary.example", "Exemplary")),
        mail(sender=Address()),
        mail(sender=Address(display="Только имя")),
    ],
)
def test_honest(message: Mail) -> None:
    assert ask(Impersonation(), message).score is None
