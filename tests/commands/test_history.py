"""Query and compact on the command line, with a folder of their own."""

import json
from pathlib import Path

import pytest
from learning.history.builders import login, outcome
from rich.console import Console

from wardline.commands import history
from wardline.commands.application import run
from wardline.engine.store.journal import Journal, Settings
from wardline.learning import keeper


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with Journal.open(folder, settings=Settings(min_free_bytes=0)) as journal:
        for seq in range(1, 9):
            journal.append(login(seq, facts={"ip.country": "AT" if seq % 2 else None, "word": "a\nb[red]"}))
        journal.append(outcome(9, "success"))
        journal.flush()
    return folder


def wardline(data: Path, *arguments: str) -> int:
    return run(["--data", str(data), *arguments])


def test_a_question_as_a_table(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    assert wardline(data, "query", "login where failures_10m > 2", "--select", "id, ip.country,word", "--sql", "--limit", "1") == 0
    shown = capsys.readouterr()
    assert "e8" in shown.out and "unknown" in shown.out and "a?b[red]" in shown.out
    assert "--limit shows them" in shown.err and 'FROM "login"' in shown.err and "parameters: [2.0]" in shown.err


def test_a_person_who_waits_is_told_why(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setattr(history, "err", lambda: Console(stderr=True, force_terminal=True, highlight=False, width=200))
    assert wardline(data, "query", "login", "--count") == 0
    assert "compacting first" not in capsys.readouterr().err
    monkeypatch.setattr(keeper, "TAIL_RECORDS", 5)
    assert wardline(data, "query", "logon", "--count") == 1
    told = capsys.readouterr().err
    assert "compacting first: 9 records are new" in told and "did you mean login" in told


def test_a_question_as_json(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    assert wardline(data, "query", "login", "--count", "--by", "ip.country", "--json") == 0
    reply = json.loads(capsys.readouterr().out)
    assert reply["columns"] == ["ip.country", "events"] and sorted(reply["rows"], key=str) == [["AT", 4], [None, 4]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["login where failures_10 > 2"], "did you mean failures_10m"),
        (["logon"], "did you mean login"),
        (["login", "--since", "yesterday"], "is no time"),
        (["login", "--seconds", "0"], "seconds"),
        (["login", "--limit", "0"], "limit"),
    ],
)
def test_a_question_that_cannot_be_asked(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    assert wardline(data, "query", *arguments) == 1
    assert told in capsys.readouterr().err


def test_compaction_verification_and_rebuilding(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    assert wardline(data, "compact", "--json") == 0
    assert json.loads(capsys.readouterr().out)["all_records"] == 9
    assert wardline(data, "compact", "--verify") == 0
    assert "2 files are as they were written" in capsys.readouterr().out
    path = next((data / "history").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-10])
    assert wardline(data, "compact", "--verify") == 1
    assert "checksum" in capsys.readouterr().out
    assert wardline(data, "query", "login", "--count") == 1
    assert "--rebuild" in capsys.readouterr().err
    assert wardline(data, "compact", "--rebuild") == 0
    assert "9 records written" in capsys.readouterr().out
    assert wardline(data, "compact", "--rebuild", "--verify") == 2
