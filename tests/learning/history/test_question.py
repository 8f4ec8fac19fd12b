"""Questions of analysts: the rule language in, rows out, and a hint for everything that cannot be asked."""

from pathlib import Path

import pytest
from learning.history.builders import DAY_US, START_US, Kept, login, outcome

from wardline.engine.rule import RuleError
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.question import Question, ask, parse, parse_time
from wardline.learning.history.session import HistoryError, Limits, Session
from wardline.learning.history.store import History

HOSTILE = ["'; DROP TABLE x; --", 'a"b', "a\0b", "😀", "\\", "$1", "%"]
RECORDS = [
    *(
        login(seq, at_us=START_US + seq * DAY_US, facts={"ip.country": "AT" if seq % 3 else None, "word": HOSTILE[seq % len(HOSTILE)]})
        for seq in range(1, 13)
    ),
    outcome(13, "success"),
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    history = History(tmp_path_factory.mktemp("history"))
    compact(history, Kept(RECORDS[:8]))
    with Session(history, tail(history, Kept(RECORDS)), Limits(rows=100)) as opened:
        yield opened


def test_the_newest_first_with_what_the_condition_reads(session: Session) -> None:
    reply = ask(session, Question(text="login where failures_10m > 1 and missing(ip.country)", limit=2))
    assert reply.columns == ("occurred_us", "id", "verdict", "failures_10m", "ip.country") and reply.more
    assert [row[1:] for row in reply.rows] == [("e12", "allow", 2, None), ("e9", "allow", 4, None)]
    assert reply.parameters == (1.0,) and "> $1" in reply.sql


def test_all_events_of_a_type_and_chosen_columns(session: Session) -> None:
    reply = ask(session, Question(text="login.outcome", select=("result", "account", "seq")))
    assert reply.rows == [("success", "account:" + "0" * 24, 13)] and not reply.more


def test_counting(session: Session) -> None:
    assert ask(session, Question(text="login where True", count=True)).rows == [(12,)]
    reply = ask(session, Question(text="login", count=True, by=("ip.country", "verdict")))
    assert reply.columns == ("ip.country", "verdict", "events") and reply.rows == [("AT", "allow", 8), (None, "allow", 4)]


def test_a_declared_name_may_be_asked_for_before_any_row_knows_it(session: Session) -> None:
    declared = {"": {"ip.hosting": "bool", "odd": "any"}, "login": {"spent_24h": "number"}, "signup": {"form_ms": "number"}}
    for text, expected in (("missing(ip.hosting) and missing(spent_24h)", 12), ("not ip.hosting or spent_24h > 1", 0)):
        assert ask(session, Question(text=f"login where {text}", count=True), declared).rows == [(expected,)]
    assert ask(session, Question(text="login", count=True, by=("ip.hosting",)), declared).rows == [(None, 12)]
    for unknown in ("odd", "form_ms"):
        with pytest.raises(RuleError, match="unknown name"):
            ask(session, Question(text=f"login where missing({unknown})"), declared)


def test_a_window_of_time(session: Session) -> None:
    question = Question(text="login", count=True, since_us=START_US + 3 * DAY_US, until_us=START_US + 10 * DAY_US)
    assert ask(session, question).rows == [(7,)]


def test_the_decisions_own_columns_can_be_asked_for(session: Session) -> None:
    assert ask(session, Question(text='login where verdict == "allow" and score < 0.5 and not "x" in hits', count=True)).rows == [(0,)]
    assert ask(session, Question(text='login where verdict == "allow" and _score == 0.25 and missing(hits)', count=True)).rows == [(12,)]


@pytest.mark.parametrize("value", [value for value in HOSTILE if "\0" not in value])
def test_hostile_values_are_values(session: Session, value: str) -> None:
    written = value.replace("\\", "\\\\").replace('"', '\\"')
    expected = sum(HOSTILE[seq % len(HOSTILE)] == value for seq in range(1, 13))
    assert ask(session, Question(text=f'login where word == "{written}"', count=True)).rows == [(expected,)]


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        (Question(text="logn"), "did you mean login"),
        (Question(text="login where failures_10 > 1"), "did you mean failures_10m"),
        (Question(text="login", select=("ip.contry",)), "did you mean ip.country"),
        (Question(text="login", count=True, by=('x"; DROP TABLE y',)), "unknown name"),
        (Question(text="login where "), "condition"),
        (Question(text=""), "ask like this"),
        (Question(text="login were score > 1"), "ask like this"),
        (Question(text="login where score > 1; DROP TABLE x"), "column"),
        (Question(text="login where score > 'a'"), "column"),
        (Question(text="login where 1 = 1"), "write == to compare"),
        (Question(text="login", by=("verdict",)), "--count"),
        (Question(text="login", count=True, select=("verdict",)), "exclude"),
        (Question(text="login", limit=0), "limit"),
        (Question(text="login", limit=10**9), "limit"),
        (Question(text="login", select=tuple(f"n{number}" for number in range(99))), "at most 32"),
    ],
)
def test_what_cannot_be_asked_says_why(session: Session, question: Question, hint: str) -> None:
    with pytest.raises((HistoryError, RuleError), match=hint):
        ask(session, question)


def test_an_empty_history_says_that_it_is_empty(tmp_path: Path) -> None:
    with Session(History(tmp_path)) as opened, pytest.raises(HistoryError, match="none yet"):
        ask(opened, Question(text="login"))


def test_a_question_that_takes_too_long_is_stopped(session: Session) -> None:
    with Session(session.history, limits=Limits(seconds=0.0)) as hurried, pytest.raises(HistoryError, match="was stopped"):
        hurried.rows("SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE a.range * b.range < 0")


def test_parts_of_a_question() -> None:
    assert parse("login where a > 1 and b == 'x where y'") == ("login", "a > 1 and b == 'x where y'")
    assert parse(" login\nwhere\ta > 1 ") == ("login", "a > 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30d", 0), ("43200m", 0), ("1970-01-31", 30 * DAY_US), ("1970-01-31T01:00", 30 * DAY_US + 3_600_000_000), ("1970-01-31T01:00+01:00", 30 * DAY_US)],
)  # fmt: skip
def test_times(text: str, expected: int) -> None:
    assert parse_time(text, 30 * DAY_US) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "d", "-3d", "9999999d", "2026-13-01", "\0"])
def test_what_is_no_time_says_so(text: str) -> None:
    with pytest.raises(HistoryError, match="no time"):
        parse_time(text, 0)
