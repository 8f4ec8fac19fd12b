"""Labelled decisions from the history: logged values, joined by event or account, none that came after its label."""

from pathlib import Path
from typing import Any

from learning.history.builders import DAY_US, START_US, Kept, account, login

from wardline.engine.feedback.labels import Labels
from wardline.engine.label import Label, Trust
from wardline.engine.model import Recipe
from wardline.engine.record import Record
from wardline.learning.backtest import Known
from wardline.learning.datasets.rows import decisions, gather, known
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.session import Session
from wardline.learning.history.store import History

RECIPE = Recipe(numbers=("failures_10m", "flag", "never"), texts=("ip.country",), groups=("account",), labels=("event", "account"))
LATER = START_US + 30 * DAY_US


def rows(folder: Path, records: list[Record], labels: list[Known], *, compacted: bool = True, **more: Any) -> list[dict[str, Any]]:
    journal, history = Kept(records), History(folder / "history")
    if compacted:
        compact(history, journal)
    with Session(history, tail(history, journal)) as session:
        assert decisions(session, "login") == len(records)
        found: list[dict[str, Any]] = gather(session, "login", more.pop("recipe", RECIPE), labels, **more).to_pylist()
        return found


def test_values_are_those_of_the_decision(tmp_path: Path) -> None:
    records = [login(seq, facts={"ip.country": "AT", "flag": seq == 1}, log_odds=1.5) for seq in range(1, 5)]
    labels = [Known(about="event:e1", abusive=True, time_us=LATER), Known(about="event:e3", abusive=False, time_us=LATER)]
    for compacted in (True, False):
        first, second = rows(tmp_path / str(compacted), records, labels, compacted=compacted)
        assert (first["_id"], first["_abusive"], second["_id"], second["_abusive"]) == ("e1", True, "e3", False)
        assert (first["failures_10m"], first["flag"], first["never"], first["ip.country"]) == (1, 1, None, "AT")
        assert second["flag"] == 0 and first["_shipped"] == 1.5


def test_what_is_kept_as_another_kind_is_unknown(tmp_path: Path) -> None:
    records = [login(seq, facts={"ip.country": 43, "flag": "yes"}, read={"failures_10m": ["a"]}) for seq in (1, 2)]
    (row,) = rows(tmp_path, records, [Known(about="event:e1", abusive=True, time_us=LATER)])
    assert (row["ip.country"], row["flag"], row["failures_10m"]) == (None, None, None)


def test_what_a_model_added_is_taken_off(tmp_path: Path) -> None:
    records = [login(1, log_odds=1.5), login(2, log_odds=2.5, read={"model.evidence": 2.0, "model.name": "login-x"})]
    labels = [Known(about=f"event:e{seq}", abusive=True, time_us=LATER) for seq in (1, 2)]
    assert [row["_shipped"] for row in rows(tmp_path, records, labels)] == [1.5, 0.5]


def test_a_decision_after_its_label_is_left_out(tmp_path: Path) -> None:
    records = [login(seq) for seq in (1, 2, 5)]  # the same account in 1 and 5
    labels = [Known(about=account(1), abusive=True, time_us=START_US + 3 * 60_000_000)]
    assert [row["_id"] for row in rows(tmp_path, records, labels)] == ["e1"]


def test_an_events_own_label_goes_first_and_accounts_count_only_where_the_recipe_says(tmp_path: Path) -> None:
    records = [login(1), login(5)]
    labels = [Known(about=account(1), abusive=True, time_us=LATER), Known(about="event:e5", abusive=False, time_us=LATER)]
    assert [(row["_id"], row["_abusive"]) for row in rows(tmp_path / "a", records, labels)] == [("e1", True), ("e5", False)]
    own = Recipe(numbers=(), labels=("event",))
    assert [row["_id"] for row in rows(tmp_path / "b", records, labels, recipe=own)] == ["e5"]


def test_a_time_bounds_the_rows(tmp_path: Path) -> None:
    records = [login(seq) for seq in range(1, 9)]
    labels = [Known(about=f"event:e{seq}", abusive=True, time_us=LATER) for seq in range(1, 9)]
    found = rows(tmp_path, records, labels, since_us=START_US + 3 * 60_000_000, until_us=START_US + 6 * 60_000_000)
    assert [row["_id"] for row in found] == ["e3", "e4", "e5"]


def test_labels_count_from_when_they_were_first_said() -> None:
    labels = Labels(Trust())
    for seq, (about, abusive, said_us) in enumerate(
        [("event:a", True, 50), ("event:a", True, 20), ("event:b", False, 30), ("event:c", True, 99)], 1
    ):
        one = Label(
            id=str(seq),
            about=about,
            abusive=abusive,
            source="desk",
            counts_as="desk",
            confidence=1.0,
            said_us=said_us,
            told_us=60,
            reporter=str(seq),
        )
        labels._add(seq, one)
    assert [(one.about, one.abusive, one.time_us) for one in known(labels, 90)] == [("event:a", True, 20), ("event:b", False, 30)]
