"""Labels that the models give themselves: recorded like any other, taken back like any other, and nobody else's business."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wardline import Wardline
from wardline.base.config import Config, Mail
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.records import MailLabel, unpack
from wardline.domains.mail.text.state import UNLABELLED
from wardline.domains.mail.unlabelled import KEY
from wardline.learning.cotraining import RATE

SPAM, HAM = "cheap pills order now unbelievable discount pharmacy", "minutes of the meeting agenda project schedule review"


def message(number: int, words: str, extra: str = "") -> bytes:
    return (
        f"From: Sender {number} <s{number}@example.com>\r\nTo: b@example.net\r\nSubject: {words.split()[number % 5]} {number}\r\n"
        f"Message-ID: <{number}.{len(words)}@example.com>\r\n\r\n{words} {number}\r\n{extra}\r\n{words[::-1]}\r\n"
    ).encode()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Wardline]:
    with Wardline(tmp_path / "data", Config(mail=Mail(self_training=True)), starter=False) as wardline:
        for number in range(12):
            wardline.learn_mail(message(number, SPAM), abusive=True)
            wardline.learn_mail(message(number, HAM), abusive=False)
        yield wardline


def arrive(wardline: Wardline, count: int, envelope: Envelope | None = None, source: str = "rspamd") -> None:
    """Mail of both kinds with new words in it, so that the views disagree and something is left to learn."""

    async def decide(raw: bytes) -> None:
        await wardline.program.mail.decide(raw, envelope or Envelope(), source=source)
        await asyncio.sleep(0)

    for number in range(100, 100 + count):
        for words, extra in ((SPAM, "replica watches casino bonus " * 12), (HAM, "quarterly figures attached kind regards " * 12)):
            wardline._call(decide(message(number, words, extra)))


def own_labels(wardline: Wardline) -> list[MailLabel]:
    return [unpack(record.body, MailLabel) for record in wardline.program.shard.journal.find_key(KEY, 10_000)]


def digest(wardline: Wardline) -> Any:
    return wardline.program.text.digest()


def test_both_kinds_are_learned_and_marked_as_the_models_own(running: Wardline) -> None:
    arrive(running, 150)
    labels = own_labels(running)
    assert labels
    assert {label.source for label in labels} == {UNLABELLED}
    assert {label.abusive for label in labels} <= {True, False}
    assert all(0 < label.confidence <= RATE and not label.near and not label.keys for label in labels)
    assert running.program.text.model.given == [12, 12]


def test_the_models_labels_do_not_count_as_peoples(running: Wardline) -> None:
    before = running.program.text.stat()
    arrive(running, 150)
    assert running.program.text.stat() == before


def test_one_command_takes_all_of_it_back(running: Wardline) -> None:
    before = digest(running)
    arrive(running, 150)
    assert digest(running) != before
    count = running._call(running.program.discard(UNLABELLED))["labels_taken_back"]
    assert count == len([label for label in own_labels(running) if not label.withdrawn]) > 0
    assert digest(running) == before
    assert running._call(running.program.discard(UNLABELLED))["labels_taken_back"] == 0
    assert digest(running) == before


def test_a_restart_knows_what_was_learned(running: Wardline, tmp_path: Path) -> None:
    arrive(running, 150)
    learned = digest(running)
    running.close()
    with Wardline(tmp_path / "data", Config(), starter=False) as again:
        assert digest(again) == learned


def test_forgetting_a_person_takes_back_what_their_mail_taught(running: Wardline) -> None:
    before = digest(running)
    arrive(running, 150, Envelope(recipients=("anna@example.net",)))
    assert digest(running) != before
    running._call(running.program.forget("anna@example.net"))
    assert digest(running) == before


@pytest.mark.parametrize(
    ("envelope", "source"),
    [
        (Envelope(recipients=("a@example.net", "b@example.net")), "milter"),
        (Envelope(direction="out"), "milter"),
        (Envelope(), "cli"),
    ],
)
def test_some_mail_takes_no_part(running: Wardline, envelope: Envelope, source: str) -> None:
    arrive(running, 120, envelope, source)
    assert own_labels(running) == []


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", Config(mail=Mail(self_training=False)), starter=False) as wardline:
        for number in range(12):
            wardline.learn_mail(message(number, SPAM), abusive=True)
            wardline.learn_mail(message(number, HAM), abusive=False)
        arrive(wardline, 120)
        assert own_labels(wardline) == []


def test_other_layers_are_unknown(running: Wardline) -> None:
    with pytest.raises(Exception, match="no model layer 'x'"):
        running._call(running.program.discard("x"))
