"""reply_to: where answers go."""

import pytest

from tests.domains.mail.builders import address, ask, mail, odds_of
from wardline.domains.mail.detectors.reply_to import ReplyTo
from wardline.domains.mail.events import Mail

LIST = (("List-Id", "<users.lists.example.org>"),)


def test_a_free_mailbox_that_answers_elsewhere() -> None:
    message = mail(sender=address("john.smith@gmail.com", "John"), reply_to=(address("barrister.smith@yahoo.com"),))
    assert odds_of(ReplyTo(), message) > 0.75
    same_provider = mail(sender=address("john.smith@gmail.com"), reply_to=(address("other.man@gmail.com"),))
    assert odds_of(ReplyTo(), same_provider) > 0.75


def test_an_organisation_that_wants_answers_in_a_free_mailbox() -> None:
    assert 0.6 < odds_of(ReplyTo(), mail(reply_to=(address("director77@gmail.com"),))) < 0.8


def test_one_of_us_who_wants_answers_outside() -> None:
    message = mail(sender=address("boss@example.net", "The Boss"), reply_to=(address("boss.private@gmail.com"),))
    assert odds_of(ReplyTo(), message) > 0.8


@pytest.mark.parametrize(
    "message",
    [
        mail(),
        mail(reply_to=(address("anna@example.com"),)),
        mail(reply_to=(address("help@support.example.com"),)),
        mail(reply_to=(address("tickets@desk.example.org"),)),
        mail(sender=address("dev@gmail.com"), reply_to=(address("users@lists.example.org"),), headers=LIST),
        mail(sender=address("users@lists.example.org", "Dee via users"), reply_to=(address("dee@gmail.com"),)),
        mail(sender=address("same@gmail.com"), reply_to=(address("same@gmail.com"),)),
    ],
)
def test_honest(message: Mail) -> None:
    assert ask(ReplyTo(), message).score is None
