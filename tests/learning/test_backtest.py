"""Backtests on a small history whose answers can be counted by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from learning.history.builders import DAY_US, START_US, Kept, account, login, outcome

from wardline.engine.counting.counter import Counter
from wardline.engine.record import Record
from wardline.engine.rule import RuleError
from wardline.learning.backtest import Candidate, Known, Settings, backtest, candidate, render
from wardline.learning.backtest_report import Report
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.session import Session
from wardline.learning.history.store import History

END_US = START_US + 100 * DAY_US
NAMES = {"failures_10m": "number", "ip.asn": "number", "account.age_days": "number", "payment": "text", "campaign": "text"}


def records() -> list[Record]:
    """Twenty logins of four accounts, one every six hours; failures_10m goes 0 to 4 and round again."""
    found = []
    for seq in range(1, 21):
        facts: dict[str, Any] = {
            "device": f"device:{seq % 2}" if seq % 5 else None,
            "account.age_days": [10, 400, 800, None][seq % 4],
            "payment": ["none", "card", None, "transfer"][seq % 4],
            "campaign": "c1" if 8 <= seq <= 12 else None,
        }
        found.append(
            login(
                seq,
                at_us=START_US + seq * DAY_US // 4,
                facts=facts,
                read={"failures_10m": None} if seq == 20 else {},
                verdict="challenge" if seq % 2 else "allow",
                hits=("old_rule",) if seq % 10 == 4 else (),
                shadow=("new",) if seq % 5 == 3 else (),
            )
        )
    return found


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    every = records()
    history = History(tmp_path_factory.mktemp("history"))
    compact(history, Kept(every[:15]))
    with Session(history, tail(history, Kept(every))) as opened:
        yield opened


def rule(when: str = "failures_10m >= 3", **more: Any) -> Candidate:
    return candidate("new", "login", when, NAMES, **more)


# failures_10m is seq % 5: these have 3 or 4.
HIT = [3, 4, 8, 9, 13, 14, 18, 19]


def test_counted_by_hand(session: Session) -> None:
    told: list[str] = []
    report = backtest(rule(), session, until_us=END_US, progress=lambda stage, done: told.append(f"{stage} {done:g}"))
    assert (report.tier, report.events, report.hits, report.unknown) == ("stored", 20, 8, 1)
    assert {found.name: (found.hit, found.unknown_events) for found in report.entities} == {"account": (4, 0), "device": (2, 0)}
    assert report.verdicts == {"allow": 4, "challenge": 4}
    assert [(found.rule, found.hits) for found in report.overlap] == [("old_rule", 2)] and report.alone == 6
    # 3 and 19 have no known age; 9 and 13 are 400 days old, 14 and 18 are 800.
    assert [(g.accounts, g.events, g.unknown_events) for g in report.groups] == [(2, 4, 2), (2, 4, 2)]
    assert [(c.name, c.events, c.hits) for c in report.campaigns] == [("c1", 5, 2)]
    assert report.campaigns[0].began_us == report.campaigns[0].first_hit_us
    assert sum(day.hits for day in report.days) == 8 and sum(day.events for day in report.days) == 20 and len(report.days) == 6
    assert told[-1] == "done 1"


def test_labels_of_events_and_entities(session: Session) -> None:
    labels = [
        Known(about="event:e3", abusive=True),
        Known(about="event:e4", abusive=False),
        Known(about="event:e5", abusive=True),
        Known(about="event:e99", abusive=True),
        Known(about=account(2), abusive=False),  # 2, 6, 10, 14, 18: of these 14 and 18 are hits
        Known(about="event:e14", abusive=True),  # goes before its account's
        Known(about="event:e6", abusive=False, time_us=5),
        Known(about="event:e6", abusive=True, time_us=9),
        Known(about="event:e7", abusive=True, time_us=END_US),  # not known yet
    ]
    report = backtest(rule(), session, labels, until_us=END_US)
    found = report.labelled
    assert (found.coverage_of_hits.part, found.coverage_of_hits.whole) == (4, 8)
    assert (found.coverage_of_events.part, found.coverage_of_events.whole) == (8, 20)
    assert (found.precision.part, found.precision.whole) == (2, 4)
    assert (found.recall.part, found.recall.whole) == (2, 4)
    assert (found.false_hits.part, found.false_hits.whole) == (2, 4)
    assert [example.id for example in report.wrongly_hit] == ["e18", "e4"]
    assert [example.id for example in report.missed] == ["e6", "e5"]
    assert report.missed[0].entities == {"account": account(2), "device": "device:0"}


def test_weak_labels_can_be_left_out(session: Session) -> None:
    labels = [Known(about="event:e3", abusive=True, confidence=0.4)]
    assert backtest(rule(), session, labels, until_us=END_US).labelled.precision.whole == 1
    report = backtest(rule(), session, labels, until_us=END_US, settings=Settings(confidence=0.5))
    assert report.labelled.precision.whole == 0 and report.labelled.precision.value is None


def test_no_labels_is_said_not_guessed(session: Session) -> None:
    report = backtest(rule(), session, until_us=END_US)
    assert report.labelled.precision.interval == (0.0, 1.0) and report.wrongly_hit == []
    assert "nothing can be said about precision" in render(report)


def test_at_most_ten_counterexamples_one_for_each_account(session: Session) -> None:
    labels = [Known(about=f"event:e{seq}", abusive=seq not in HIT) for seq in range(1, 21)]
    report = backtest(rule(), session, labels, until_us=END_US)
    assert [example.id for example in report.wrongly_hit] == ["e19", "e18", "e13", "e8"]
    assert len(report.missed) == 10


@pytest.mark.parametrize(("when", "hits"), [("missing(failures_10m) or failures_10m >= 0", 20), ("failures_10m > 99", 0)])
def test_a_rule_that_hits_everything_or_nothing(session: Session, when: str, hits: int) -> None:
    report = backtest(rule(when), session, [Known(about="event:e3", abusive=True)], until_us=END_US)
    assert report.hits == hits and "hit" in render(report)


def test_a_window(session: Session) -> None:
    report = backtest(rule(), session, since_us=START_US + DAY_US, until_us=START_US + 3 * DAY_US)
    assert report.events == 8 and report.hits == 3, "4, 8 and 9"


def test_names_that_no_row_knows_are_unknown(session: Session) -> None:
    report = backtest(
        candidate("new", "login", 'missing(nobody) and nowhere != "x"', {"nobody": "number", "nowhere": "text"}),
        session,
        until_us=END_US,
        names={"nobody": "number", "nowhere": "text"},
        settings=Settings(entities=("account",), age_days="x", payment="y", campaign="z", account="q"),
    )
    assert report.hits == 0 and report.unknown == 20 and report.campaigns == []
    assert [group.unknown_events for group in report.groups] == [0, 0]


def test_an_event_type_without_events(session: Session) -> None:
    report = backtest(candidate("new", "signup", "x > 1", {"x": "number"}), session, until_us=END_US, names={"x": "number"})
    assert report.events == report.hits == 0 and "0 hits in 0 events" in render(report)


def test_in_shadow(session: Session) -> None:
    report = backtest(rule(), session, until_us=END_US, in_shadow=True)
    assert report.tier == "shadow" and report.hits == 4 and report.unknown + report.hits <= 20 and report.notes


def test_a_new_counter(tmp_path: Path) -> None:
    every = [login(seq) for seq in range(1, 41)] + [
        outcome(seq, "wrong_password", number=seq % 3, at_us=START_US + seq * 60_000_000 - 7) for seq in range(41, 61)
    ]
    every += [login(seq) for seq in range(61, 101)]
    fresh = Counter(
        name="fresh", kind="count", on=("login.outcome",), by=("account",), where='result == "wrong_password"', window_seconds=3600
    )
    history = History(tmp_path)
    compact(history, Kept(every[:70]))
    names = {"ip.asn": "number", "account": "text", "result": "text"}
    with Session(history, tail(history, Kept(every))) as opened:
        report = backtest(candidate("new", "login", "fresh >= 3", names, counters=[fresh]), opened, until_us=END_US)
        both = backtest(candidate("new", "login", "fresh >= 3 and ip.asn > 64500", names, counters=[fresh]), opened, until_us=END_US)
        stored = backtest(candidate("new", "login", "ip.asn > 0", names, counters=[fresh]), opened, until_us=END_US)
    # Accounts 0, 1 and 2 have 7, 7 and 6 outcomes in minutes 41 to 60; they are in the window of an hour until minute 101 or later.
    assert report.tier == "recounted" and report.hits == 30 and any("begin with the history" in note for note in report.notes)
    assert both.hits == sum(seq % 4 < 3 and seq % 3 > 0 for seq in range(61, 101))
    assert stored.tier == "stored" and stored.hits == 80


def test_an_unknown_name_has_a_hint() -> None:
    with pytest.raises(RuleError, match="did you mean failures_10m"):
        rule("failures_10 > 3")


def test_a_page_for_people(session: Session) -> None:
    labels = [Known(about=f"event:e{seq}", abusive=seq < 10) for seq in range(1, 21, 2)]
    page = render(backtest(rule(), session, labels, until_us=END_US))
    assert "new: 8 hits in 20 events of login (40.0 %)" in page
    assert "precision    50.0 %   (95 %: 15.0 % to 85.0 %; 2 of 4) of labelled hits were abusive" in page
    assert "Blocking changes what comes later" in page and "Hit, but labelled good" in page
    assert "\n\n\n" not in page and isinstance(page, str)


def test_a_report_survives_json(session: Session) -> None:
    import msgspec

    report = backtest(rule(), session, [Known(about="event:e3", abusive=True)], until_us=END_US)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
