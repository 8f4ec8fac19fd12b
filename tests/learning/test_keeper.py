"""The history of a data folder with a real journal: compacted here and apart, asked, tested against, forgotten, expired, rebuilt."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from learning.history.builders import DAY_US, START_US, account, login, outcome

from wardline.base.clock import FixedClock
from wardline.base.storage import StorageError
from wardline.engine.feedback.labels import Labels
from wardline.engine.label import Label, Trust
from wardline.engine.rule import RuleError
from wardline.engine.store.journal import Journal, Settings
from wardline.learning import keeper as module
from wardline.learning.backtest import Known, candidate
from wardline.learning.history.apart import run
from wardline.learning.history.question import Question
from wardline.learning.history.session import HistoryError
from wardline.learning.keeper import Keeper, known

DECLARED = {"": {"ip.asn": "number"}, "login": {"word": "text"}}
END_US = START_US + 100 * DAY_US


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path, clock=FixedClock(END_US), settings=Settings(min_free_bytes=0)) as opened:
        yield opened


@pytest.fixture
def keeper(tmp_path: Path, journal: Journal) -> Keeper:
    return Keeper(tmp_path, journal, FixedClock(END_US), lambda: DECLARED)


def fill(journal: Journal, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        journal.append(login(seq, facts={"word": 5 if seq == 1 else "w"}, keys=(account(seq % 4),)))
    journal.flush()


def count(keeper: Keeper) -> int:
    ((found,),) = keeper.ask(Question(text="login", count=True)).rows
    return int(found)


def test_nothing_is_made_before_there_is_something(keeper: Keeper, tmp_path: Path) -> None:
    assert keeper.forget(account(1)) == 0 and keeper.expire(1) == 0 and keeper.verify() == [] and keeper.waiting == 0
    assert not (tmp_path / "history").exists()


def test_asked_with_and_without_files(keeper: Keeper, journal: Journal) -> None:
    fill(journal, 1, 10)
    assert count(keeper) == 10 and keeper.waiting == 10
    assert keeper.compact().records == 10 and keeper.waiting == 0
    fill(journal, 11, 14)
    assert count(keeper) == 14
    assert keeper.history.manifest().kinds["login"]["word"] == "text", "declared, though the first value was a number"


def test_compacted_apart_when_much_is_waiting(keeper: Keeper, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAIL_RECORDS", 5)
    fill(journal, 1, 5)
    assert keeper.compact_when_due() is None
    fill(journal, 6, 9)
    done = keeper.compact_when_due()
    assert done is not None and done.records == 9 and keeper.waiting == 0 and count(keeper) == 9


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("login were score > 1", "ask like this"),
        ("logn where score > 1", "did you mean login"),
        ("login where failures_10 > 1", "did you mean failures_10m"),
        ("login where word > 1", "a text is needed"),
        ("login where newcomer == 1 and", "column"),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_is_compacted(
    keeper: Keeper, journal: Journal, monkeypatch: pytest.MonkeyPatch, question: str, why: str
) -> None:
    monkeypatch.setattr(module, "TAIL_RECORDS", 5)
    fill(journal, 1, 9)
    monkeypatch.setattr(keeper, "compact", lambda *_, **__: pytest.fail("compacted"))
    with pytest.raises((HistoryError, RuleError), match=why):
        keeper.ask(Question(text=question))


def test_a_name_that_only_new_records_know_may_be_asked_for(keeper: Keeper, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAIL_RECORDS", 5)
    fill(journal, 1, 3)
    keeper.compact()
    for seq in range(4, 13):
        journal.append(login(seq, facts={"newcomer": seq}, read={"late_10m": 1}))
    journal.append(outcome(13, "success"))
    journal.flush()
    assert keeper.compacts_first
    reply = keeper.ask(Question(text="login where newcomer > 5 and late_10m == 1 and verdict == 'allow'", select=("newcomer",)))
    assert [row[0] for row in reply.rows] == [12, 11, 10, 9, 8, 7, 6] and not keeper.compacts_first
    assert keeper.ask(Question(text="login.outcome", count=True)).rows == [(1,)]


def test_a_process_that_fails_says_why(keeper: Keeper, journal: Journal, tmp_path: Path) -> None:
    fill(journal, 1, 3)
    keeper.compact()
    (tmp_path / "history" / "manifest.json").write_text("{")
    with pytest.raises(StorageError, match="manifest cannot be read"):
        keeper.compact(apart=True)
    assert "manifest" in keeper.verify()[0]
    assert keeper.rebuild().records == 3 and keeper.verify() == [] and count(keeper) == 3


def test_the_order_of_the_process_is_checked(tmp_path: Path, journal: Journal) -> None:
    fill(journal, 1, 3)
    with pytest.raises(ValueError, match="last_seq"):
        run(tmp_path, b"{}")
    # The owner knows of a record that is not in the database yet; that is no older backup.
    assert b'"records":3' in run(tmp_path, b'{"last_seq": 4}') and b'"records":0' in run(tmp_path, b'{"last_seq": 3}')


def test_forgotten_and_expired(keeper: Keeper, journal: Journal) -> None:
    fill(journal, 1, 12)
    keeper.compact()
    journal.erase(account(1))
    assert keeper.forget(account(1)) == 3 and count(keeper) == 9
    assert keeper.expire(101) == 0 and keeper.expire(99) == 9 and count_is_none(keeper)


def count_is_none(keeper: Keeper) -> bool:
    return keeper.history.manifest().rows == 0


def test_a_backtest_with_the_labels_that_stand(keeper: Keeper, journal: Journal) -> None:
    fill(journal, 1, 20)
    labels = Labels(Trust())
    for number, (about, abusive, source) in enumerate(
        [("event:e4", True, "desk"), ("event:e9", False, "desk"), (account(2), True, "stranger")]
    ):
        said = Label(
            id=f"l{number}", about=about, abusive=abusive, source=source, counts_as=source, confidence=1.0, said_us=START_US, told_us=START_US
        )  # fmt: skip
        labels._add(number + 1, said)
    assert sorted(label.about for label in known(labels, END_US)) == ["event:e4", "event:e9"], "one stranger is not enough"
    rule = candidate("new", "login", "failures_10m >= 4", {"failures_10m": "number"})
    report = keeper.backtest(rule, known(labels, END_US), until_us=END_US)
    assert report.hits == 4 and report.labelled.precision.part == 1 and report.labelled.precision.whole == 2
    unseen = candidate("new", "login", "missing(word_count)", {"word_count": "number"})
    assert keeper.backtest(unseen, [], until_us=END_US).hits == 20
    assert keeper.backtest(rule, [Known(about="event:e4", abusive=True)], until_us=END_US, since_us=START_US).hits == 4
