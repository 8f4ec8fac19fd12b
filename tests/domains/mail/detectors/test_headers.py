"""headers: each fact alone, together, and what honest mail does."""

from datetime import timedelta

import pytest

from tests.domains.mail.builders import NOON, address, ask, mail, odds_of
from wardline.domains.mail.detectors.headers import Headers
from wardline.domains.mail.events import Address, Envelope, Hop, Mail


def flags(message: Mail) -> list[object]:
    found = Headers().measure(message, {})["headers.flags"]
    assert isinstance(found, list)
    return [*found]


def inbound(**changes: object) -> Envelope:
    return Envelope(
        **{
            "client_ip": "192.0.2.9",
            "client_name": "x.example.com",
            "helo": "x.example.com",
            "recipients": ("bela@example.net",),
            **changes,
        }
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "flag"),
    [
        (mail(sender=Address()), "no_from"),
        (mail(date=None), "no_date"),
        (mail(message_id=""), "no_message_id"),
        (mail(message_id="<nonsense>"), "bad_message_id"),
        (mail(to=(), headers=(("To", "undisclosed-recipients:;"),)), "undisclosed"),
        (mail(to=tuple(address(f"u{i}@example.net") for i in range(40))), "many_recipients"),
        (mail(senders=3), "many_from"),
        (mail(defects=("duplicate_subject",)), "repeated_fields"),
        (mail(date=NOON + timedelta(days=3)), "date_ahead"),
        (mail(date=NOON - timedelta(days=60)), "date_behind"),
        (mail(envelope=inbound(helo="192.0.2.9")), "helo_ip"),
        (mail(envelope=inbound(helo="localhost")), "helo_local"),
        (mail(envelope=inbound(helo="example.net")), "helo_ours"),
        (mail(sender=address("boss@example.net"), envelope=inbound()), "forged_own"),
        (mail(sender=address("bela@example.net"), envelope=inbound()), "to_self"),
        (mail(headers=(("X-Mailer", "A 1"), ("User-Agent", "B 2"))), "two_mailers"),
        (mail(headers=(("X-Mailer", "Microsoft Outlook Express 6.00"),)), "old_mailer"),
        (mail(subject="Re: your order"), "reply_to_nothing"),
        (mail(text="plain English words " * 20, headers=(("Content-Type", 'text/plain; charset="gb2312"'),)), "charset_mismatch"),
        (mail(received=(Hop(at=NOON), Hop(at=NOON + timedelta(days=9)))), "forged_hop"),
    ],
)
def test_facts(message: Mail, flag: str) -> None:
    assert flag in flags(message)


def test_facts_add_up() -> None:
    message = mail(date=None, message_id="", to=(), envelope=inbound(helo="192.0.2.9"))
    assert odds_of(Headers(), message) > 0.75


def test_mail_that_says_it_is_ours_is_excused_by_proof() -> None:
    message = mail(sender=address("boss@example.net"), envelope=inbound())
    assert odds_of(Headers(), message) == 0.5
    assert odds_of(Headers(), message, {"auth.dmarc": "fail"}) > 0.8
    assert odds_of(Headers(), message, {"auth.spf": "softfail"}) > 0.8
    assert odds_of(Headers(), message, {"auth.aligned": True}) == 0.5
    assert odds_of(Headers(), message, {"auth.spf": "pass"}) == 0.5


@pytest.mark.parametrize(
    "message",
    [
        mail(envelope=inbound(helo="[192.0.2.9]")),
        mail(envelope=inbound(helo="localhost", authenticated_user="bela")),
        mail(sender=address("bela@example.net"), envelope=inbound(direction="out")),
        mail(sender=address("bela@example.net"), headers=(("List-Id", "<l.example.org>"),), envelope=inbound()),
        mail(subject="Re: your order", headers=(("In-Reply-To", "<a@example.net>"),)),
        mail(date=NOON - timedelta(days=2)),
        mail(headers=(("X-Mailer", "Microsoft Outlook 16.0"),)),
        mail(text="Привет " * 60, headers=(("Content-Type", "text/plain; charset=koi8-r"),)),
        mail(date=None),
    ],
)
def test_honest(message: Mail) -> None:
    assert ask(Headers(), message).score in (None, 0.5) or odds_of(Headers(), message) < 0.66


def test_time_zones_are_heeded() -> None:
    skew = Headers().measure(mail(date=NOON.replace(tzinfo=None)), {})["headers.date_skew_hours"]
    assert skew == 0.0
