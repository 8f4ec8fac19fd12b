"""`wardline city`: files, summary, and what is said when the wish makes no sense."""

import json
from pathlib import Path

import pytest

from wardline.commands.application import run

SMALL = ["city", "--users", "20", "--days", "5", "--seed", "2"]


def test_events_truth_sources_and_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, truth, sources = tmp_path / "e.ndjson", tmp_path / "t.ndjson", tmp_path / "sources"
    assert run([*SMALL, "--out", str(events), "--truth", str(truth), "--sources", str(sources), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    lines = events.read_text("utf-8").splitlines()
    assert said["events"] == len(lines) == sum(said["types"].values())
    assert said["people"] == 20
    assert sum(said["truths"].values()) == sum("id" in json.loads(line) for line in truth.read_text("utf-8").splitlines())
    assert (sources / "city.toml").is_file()


def test_without_a_file_the_events_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL, "--attacks", "none"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert {json.loads(line)["type"] for line in lines} >= {"login", "login.outcome"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--attacks", "stufing"], "use some of stuffing, spraying"),
        (["--attacks", "none,phish"], "none stands alone"),
        (["--users", "0"], "--users: 0 is outside"),
        (["--start", "soon"], "--start: 'soon' is no date"),
        (["--json"], "--json needs --out"),
        (["--out", "missing/e.ndjson"], "cannot be written"),
    ],
)
def test_a_wish_that_makes_no_sense_is_told_in_one_line(more: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL, *more]) == 2
    assert told in capsys.readouterr().err


def test_a_door_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL, "--live", "http://127.0.0.1:9"]) == 1
    assert "wardline serve" in capsys.readouterr().err
