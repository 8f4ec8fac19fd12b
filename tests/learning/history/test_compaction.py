"""Compaction from a journal: what is taken, what waits, what is passed over, and the tail that remains."""

from pathlib import Path

import pytest
from learning.history.builders import DAY_US, START_US, Kept, login, outcome

from wardline.engine.record import Record
from wardline.engine.store.journal import Journal
from wardline.learning.history import compaction
from wardline.learning.history.compaction import compact, day_of, names_waiting, tail
from wardline.learning.history.store import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history", lock_seconds=5)


def test_records_go_by_day_and_type_and_others_are_passed_over(history: History) -> None:
    records = [login(1), outcome(2, "success"), login(3, at_us=START_US + 3 * DAY_US)]
    records += [Record(4, 0, "decision", "m", 5, "mail.in", body=b"{}"), Record(5, 0, "event", "x", 5, "odd", body=b"\xc1")]
    done = compact(history, Kept([*records, Record(6, 0, "label", "l", 5, "login")]))
    assert (done.records, done.files, done.compacted_seq) == (3, 3, 6)
    found = {(part.type, part.day, part.rows) for part in history.manifest().files}
    assert found == {("login", "2024-10-04", 1), ("login", "2024-10-07", 1), ("login.outcome", "2024-10-04", 1)}
    assert compact(history, Kept(records)).records == 0


def test_what_is_not_compacted_yet_is_the_tail(history: History) -> None:
    records = [login(seq, recorded_us=seq) for seq in range(1, 11)]
    assert compact(history, Kept(records[:7]), run_records=1).compacted_seq == 7
    assert compact(history, Kept(records[:7])).records == 0
    assert tail(history, Kept(records))["login"]["_seq"].to_pylist() == [8, 9, 10]
    assert names_waiting(history, Kept([*records, outcome(11, "success")])) == {
        "login": {"account", "ip.asn", "failures_10m"},
        "login.outcome": {"account", "result"},
    }


def test_runs_are_bounded(history: History) -> None:
    compact(history, Kept([login(seq) for seq in range(1, 8)]), run_records=3)
    assert [(part.first_seq, part.last_seq) for part in history.manifest().files] == [(1, 3), (4, 6), (7, 7)]


def test_the_tail_has_the_kinds_of_the_history(history: History) -> None:
    records = [login(1), login(2, facts={"ip.asn": "text", "fresh": True})]
    compact(history, Kept(records[:1]))
    found = tail(history, Kept(records))["login"].to_pylist()[0]
    assert found["ip.asn"] is None and found["_other"] == '{"ip.asn":"text"}' and found["fresh"] is True


def test_a_clock_gone_mad_makes_no_file_for_every_record(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "GROUPS_LIMIT", 5)
    compact(history, Kept([login(seq, at_us=seq * DAY_US) for seq in range(1, 31)]))
    parts = history.manifest().files
    assert len(parts) == 6 and max(part.rows for part in parts) == 25 and history.manifest().rows == 30


@pytest.mark.parametrize(("time_us", "day"), [(0, "1970-01-01"), (-1, "1969-12-31"), (1 << 62, "9999-12-31"), (-(1 << 62), "0001-01-01")])
def test_every_time_has_a_day(time_us: int, day: str) -> None:
    assert day_of(time_us) == day


def test_a_real_journal(tmp_path: Path, history: History) -> None:
    with Journal.open(tmp_path / "data") as journal:
        for seq in range(1, 21):
            journal.append(login(seq, keys=(f"account:{seq % 4:024x}",)))
        journal.flush()
        assert compact(history, journal).records == 20
        journal.append(login(21)).result(timeout=10)
        assert tail(history, journal)["login"].num_rows == 1
        journal.erase(f"account:{1:024x}")
        assert history.forget(f"account:{1:024x}") == 5
        assert compact(history, journal).records == 1 and history.manifest().rows == 16
