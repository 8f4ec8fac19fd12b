"""The outside client, against a real door: in order, with its plots, its negative control, and what cannot be read."""

import json
from pathlib import Path

import pytest

from wardline.commands.application import run
from wardline.commands.evaluate import _shuffled
from wardline.learning.evaluation.judged import Answered, Asked

AT = "2026-11-26T09:00:00Z"


def files(folder: Path, count: int = 30) -> tuple[Path, Path]:
    events, truth = folder / "events.ndjson", folder / "truth.ndjson"
    asked, known = [], []
    for number in range(count):
        entities = {"account": f"u{number % 10}", "ip": f"192.0.2.{number}"}
        asked.append({"id": f"e{number}", "type": "login", "occurred_at": AT, "entities": entities, "flow_id": f"f{number}"})
        result = {"result": "success"}
        asked.append({"id": f"o{number}", "type": "login.outcome", "occurred_at": AT, "entities": entities, "fields": result})
        bad = number % 3 == 0
        known.append(
            {
                "id": f"e{number}",
                "type": "login",
                "truth": "attack" if bad else "legit",
                "kind": "naive" if bad else None,
                "history": number,
            }
        )
    events.write_text("\n".join(map(json.dumps, asked)))
    truth.write_text("\n".join(map(json.dumps, known)))
    return events, truth


def test_a_whole_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, truth = files(tmp_path)
    out = tmp_path / "figures"
    assert run(["eval", "login", str(events), str(truth), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "20 honest events, 10 of attackers" in text and "naive" in text
    report = json.loads((out / "report.json").read_text())
    assert (report["honest"], report["kinds"]["naive"]["attempts"]) == (20, 10)
    by_history = {f"{what}_by_history.svg" for what in ("stopped", "kinds", "challenged")}
    assert {path.name for path in out.glob("*.svg")} == {"kinds.svg", "groups.svg", *by_history}


def test_signups_are_counted_as_accounts_in_both_readings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, truth = tmp_path / "events.ndjson", tmp_path / "truth.ndjson"
    asked, known = [], []
    for number in range(12):
        account, bad = f"u{number}", number % 3 == 0
        for what, fields in (("signup", {"username": account}), ("session", {"action": "mass_send"})):
            entities = {"account": account, "ip": f"192.0.2.{number}"}
            asked.append({"id": f"{what}{number}", "type": what, "occurred_at": AT, "entities": entities, "fields": fields})
            known.append(
                {
                    "id": f"{what}{number}",
                    "type": what,
                    "account": account,
                    "truth": "attack" if bad else "legit",
                    "kind": "farm" if bad else None,
                }
            )
    events.write_text("\n".join(map(json.dumps, asked)))
    truth.write_text("\n".join(map(json.dumps, known)))
    assert run(["eval", "signup", str(events), str(truth), "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "there, or at a login or a session before harm" in text and "harm done unasked" in text
    accounts = json.loads((tmp_path / "out" / "report.json").read_text())["accounts"]
    assert (accounts["attackers"], accounts["honest"], accounts["before_harm"]["of"]) == (4, 8, 4)
    assert accounts["harmed_unasked"]["hits"] + accounts["before_harm"]["hits"] == 4


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (["eval", "mail", "events.ndjson", "truth.ndjson"], 2, "login or signup"),
        (["eval", "login", "moon.ndjson", "truth.ndjson"], 2, "cannot be read"),
        (["eval", "login", "events.ndjson", "events.ndjson"], 1, "truth is legit or attack"),
        (["eval", "login", "events.ndjson", "truth.ndjson", "--url", "http://127.0.0.1:9"], 1, "does not answer"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], status: int, error: str
) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(words) == status
    assert error in capsys.readouterr().err


def test_the_control_gives_verdicts_to_others() -> None:
    from datetime import UTC, datetime

    asked = [Asked(str(number), "login", datetime.now(UTC)) for number in range(50)]
    answers = {event.id: Answered(event.id, "allow", float(event.id)) for event in asked}
    moved = _shuffled(asked, answers, "login")
    assert moved.keys() == answers.keys() and sorted(one.score for one in moved.values()) == sorted(one.score for one in answers.values())
    assert sum(moved[name] == answers[name] for name in moved) < 10
