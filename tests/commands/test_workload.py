"""The published workload: a hundred sound rules, the same events for the same seed, a tenth of them matched; and the command that measures with it."""

import json

import pytest

from wardline.commands import workload
from wardline.commands.application import run
from wardline.engine.rules.rulefile import check_rule
from wardline.shipped import rule_names


def test_every_rule_of_the_workload_is_sound() -> None:
    known, verdicts, by = rule_names()
    files = [check_rule(text.encode(), "workload", known, verdicts, by) for text in workload.rules()]
    assert len({file.name for file in files}) == 100
    assert (
        sum(len(file.counters) for file in files) + sum("account" in name or "ip" in name or "prefix" in name for name in known["login"])
        >= 20
    )


def test_the_same_seed_gives_the_same_events() -> None:
    chooser, again = workload.Chooser(3), workload.Chooser(3)
    events = [workload.login_event(chooser, str(number), "now") for number in range(2000)]
    assert events == [workload.login_event(again, str(number), "now") for number in range(2000)]
    matched = sum(event["fields"]["bucket"] < 100 for event in events)  # type: ignore[index]
    assert 150 < matched < 250
    assert 300 < sum("device" not in event["entities"] for event in events) < 500  # type: ignore[operator]


def test_the_command_ends_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "events", "--seconds", "0.5", "--rate", "40", "--rules", "10", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["failed"] == 0 and figures["p99_ms_at_40"] > 0 and figures["http_per_second"] > 0
