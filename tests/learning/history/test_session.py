"""Reading: files and tail as one, each record once, and nothing else within reach of a statement."""

from pathlib import Path

import pytest
from learning.history.builders import DAY_US, START_US, Kept, login, outcome

from wardline.base.storage import StorageDamaged
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.session import HistoryError, Limits, Session, quoted
from wardline.learning.history.store import History

RECORDS = [login(seq, at_us=START_US + seq * DAY_US, hits=("a",) if seq % 2 else ()) for seq in range(1, 11)]


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / 'it\'s "history"', lock_seconds=5)
    compact(made, Kept([*RECORDS[:8], outcome(20, "success")]))
    return made


def test_files_and_tail_are_one_and_each_record_counts_once(history: History) -> None:
    fresh = {"login": tail(History(history.path.parent / "none"), Kept([*RECORDS, login(30)]))["login"]}
    with Session(history, fresh) as session:
        events = session.events("login", ["_seq", "ip.asn", "verdict", "hits", "never_seen"])
        found = session.rows(f"SELECT _seq, hits, never_seen FROM {events} ORDER BY 1")
        assert [row[0] for row in found.rows] == [*range(1, 9), 30]
        assert found.rows[0][1:] == (["a"], None) and found.columns == ("_seq", "hits", "never_seen")
        assert session.types() == ["login", "login.outcome"]
        assert session.names("login")["ip.asn"] == "number" and session.names("login.outcome")["result"] == "text"


def test_an_empty_history_answers_too(tmp_path: Path) -> None:
    with Session(History(tmp_path / "h")) as session:
        assert session.types() == []
        assert session.rows(
            f"SELECT count(*), sum(x), sum(_seq) FROM {session.events('login', {'x': 'number', '_seq': 'number'})}"
        ).rows == [(0, None, None)]


def test_a_window_of_time(history: History) -> None:
    with Session(history) as session:
        events = session.events("login", ["_seq"], START_US + 3 * DAY_US, START_US + 5 * DAY_US)
        assert session.rows(f"SELECT _seq FROM {events} ORDER BY 1").rows == [(3,), (4,)]
        events = session.events("login", ["_seq"], START_US + 300 * DAY_US)
        assert session.rows(f"SELECT count(*) FROM {events}").rows == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE x",
        "SET threads = 8",
        "COPY (SELECT 1) TO 'x'",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('http://192.0.2.1/x')",
        "SELECT * FROM nowhere",
        "SELECT * FROM session",
        "SELECT",
        "SELECT 1; DROP TABLE x",
        "",
    ],
)
def test_statements_reach_nothing_else(history: History, statement: str) -> None:
    with Session(history) as session, pytest.raises(HistoryError):
        session.rows(statement)


def test_limits_of_rows_time_and_memory(history: History) -> None:
    with Session(history, limits=Limits(seconds=0.2, rows=3, memory_bytes=64 << 20)) as session:
        answer = session.rows(f"SELECT _seq FROM {session.events('login', ['_seq'])}")
        assert len(answer.rows) == 3 and answer.more
        with pytest.raises(HistoryError, match=r"0\.2 s"):
            session.rows("SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE a.range * b.range < 0")
        assert session.rows("SELECT 1").rows == [(1,)], "it goes on after an interrupted question"
    with Session(history, limits=Limits(memory_bytes=64 << 20)) as session, pytest.raises(HistoryError, match="64 MB"):
        session.rows("SELECT count(DISTINCT range || 'some text that is longer') FROM range(20000000)")


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "noise"])
def test_a_damaged_file_is_named_with_the_remedy(history: History, damage: str) -> None:
    path = history.path / history.manifest().of_type("login")[0].name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": data[:-20], "empty": b"", "noise": bytes(len(data))}[damage])
    with Session(history) as session, pytest.raises(StorageDamaged, match="--rebuild"):
        session.rows(f"SELECT sum(_seq) FROM {session.events('login', ['_seq'])}")
    assert len(history.verify()) == 1


def test_identifiers_are_quoted() -> None:
    assert quoted('a"b') == '"a""b"'
