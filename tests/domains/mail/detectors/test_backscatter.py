"""backscatter: bounces of what we never sent; honest bounces must arrive."""

from tests.domains.mail.builders import GOOD, address, ask, mail
from wardline.domains.mail.detectors.backscatter import Backscatter
from wardline.domains.mail.events import Envelope, Mail


def bounce(original: str, structure: str = "report(plain,delivery-status,rfc822)", sender: str = "mailer-daemon@mx.example.org") -> Mail:
    raw = f"From: {sender}\r\nMessage-ID: <bounce@mx.example.org>\r\nSubject: Undelivered\r\n\r\nSorry.\r\n\r\n{original}".encode()
    return mail(
        subject="Undelivered Mail Returned to Sender",
        sender=address(sender),
        envelope=Envelope(mail_from="", recipients=("bela@example.net",)),
        structure=structure,
        raw=raw,
    )


def test_a_bounce_of_our_own_mail_is_left_alone() -> None:
    assert ask(Backscatter(), bounce("Message-ID: <20250303.7@mail.example.net>\r\nFrom: bela@example.net\r\n")).score is None
    assert ask(Backscatter(), GOOD["own_bounce"]).score is None


def test_a_bounce_without_the_original_is_left_alone() -> None:
    assert ask(Backscatter(), bounce("The user is unknown.")).score is None


def test_message_ids_of_private_machines_prove_nothing() -> None:
    assert ask(Backscatter(), bounce("Message-ID: <1@laptop.local>\r\n")).score is None
    assert ask(Backscatter(), bounce("Message-ID: <1@bela-pc>\r\n")).score is None


def test_a_bounce_of_foreign_mail_speaks() -> None:
    half = ask(Backscatter(), bounce("Message-ID: <1@spam.example.com>\r\nFrom: bela@example.net\r\n")).score
    full = ask(Backscatter(), bounce("Message-ID: <1@spam.example.com>\r\nFrom: x@spam.example.com\r\n")).score
    assert half is not None and full is not None
    assert 0.6 < half < full < 0.9


def test_only_bounces_are_looked_at() -> None:
    message = mail(raw=b"From: anna@example.com\r\n\r\n> Message-ID: <1@spam.example.com>\r\n", text="look at this")
    assert ask(Backscatter(), message).score is None
