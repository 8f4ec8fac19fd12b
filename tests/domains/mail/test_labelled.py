"""Mail's labels, read as the engine's: the site and its users, withdrawals, replaced labels, and what taught itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from wardline import Wardline
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.labelled import SITE, USER, read
from wardline.domains.mail.records import MailLabel, pack
from wardline.domains.mail.text.state import UNLABELLED
from wardline.engine.feedback.labels import Labels
from wardline.engine.record import Record

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: lunch\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nAt noon?\r\n"
LATER = 1 << 60


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Wardline]:
    with Wardline(tmp_path / "data", starter=False) as running:
        yield running


def test_the_site_and_its_users(program: Wardline) -> None:
    decision = program.check_mail(MESSAGE, Envelope(recipients=("b@example.net",)))
    labels = program.program.labels
    program.learn_mail(MESSAGE, abusive=True, user="b@example.net")
    standing = labels.standing(f"event:{decision.id}", now_us=LATER)
    assert (standing.abusive, standing.sources, standing.kind) == (None, 1, "spam")
    program.learn_mail(MESSAGE, abusive=True)
    standing = labels.standing(f"event:{decision.id}", now_us=LATER)
    assert (standing.abusive, standing.sources) == (True, 2)
    assert {source for source, _said in labels.of(f"event:{decision.id}")} == {SITE, USER}
    program.learn_mail(MESSAGE, abusive=False)  # replaces the site's own
    assert labels.standing(f"event:{decision.id}", now_us=LATER).abusive is False
    program.unlearn_mail(MESSAGE)
    program.unlearn_mail(MESSAGE, user="b@example.net")
    assert labels.standing(f"event:{decision.id}", now_us=LATER).sources == 0


def test_a_message_that_nobody_decided_goes_by_its_own_name(program: Wardline) -> None:
    program.learn_mail(MESSAGE, abusive=True)
    assert [about.partition(":")[0] for about in program.program.labels.things] == ["message"]


def test_a_restart_and_the_journal_give_the_same(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", starter=False) as first:
        first.check_mail(MESSAGE)
        first.learn_mail(MESSAGE, abusive=True, user="b@example.net")
        first.learn_mail(MESSAGE, abusive=False)
        before = first.program.labels.digest()
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.unlink()
    with Wardline(tmp_path / "data", starter=False) as second:
        assert second.program.labels.digest() == before


def test_forgetting_a_person_forgets_what_they_said(program: Wardline) -> None:
    program.learn_mail(MESSAGE, abusive=True, user="b@example.net")
    program._call(program.program.forget("b@example.net"))
    assert not program.program.labels.things
    rebuilt = Labels(program.program.labels.trust, program.program.labels.readers)
    for record in program.program.journal.read(1):
        rebuilt.apply(record)
    assert rebuilt.digest() == program.program.labels.digest()


def test_what_the_model_taught_itself_is_nobodys_statement() -> None:
    label = MailLabel(id="1", time_s=1, about="1", abusive=True, subject="", source=UNLABELLED)
    assert read(Record(1, 0, "label", "1", 1, "mail.in", body=pack(label))) is None
