"""The shipped map of the public set of logins: events without truth, truth without events, and the whole way to an evaluation."""

import json
from pathlib import Path

import pytest

from wardline.commands.application import run
from wardline.gateways.table import TableError, events_of, read_map
from wardline.gateways.truth_table import shipped_map, truths_of

HEAD = (
    "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,Browser Name and Version,"
    "OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover"
)
AGENT = '"Mozilla/5.0  (X11; Linux x86_64, like Gecko"'
ROWS = [
    f"{index},2020-02-03 12:43:3{index}.772,{user},,10.0.65.17{index},NO,-,-,64500,{AGENT},Firefox 20,Linux,desktop,{success},{attack},{taken}"
    for index, (user, success, attack, taken) in enumerate(
        [
            ("-7", True, False, False),
            ("-7", True, False, False),
            ("-7", True, True, True),
            ("8", False, True, False),
            ("-7", True, False, False),
        ]
    )
]


def test_events_and_truth() -> None:
    found = [document for _line, document in events_of([HEAD, *ROWS], read_map(shipped_map("rba"), "rba"))]
    assert not [one for one in found if isinstance(one, TableError)] and len(found) == 10
    login, outcome = found[0], found[1]
    assert isinstance(login, dict) and isinstance(outcome, dict)
    assert login["entities"] == {"account": "-7", "ip": "10.0.65.170"} and login["fields"]["user_agent"].startswith("Mozilla")
    assert outcome["fields"] == {"result": "success"} and login["flow_id"] == outcome["flow_id"] == "rba-0"
    assert "Takeover" not in json.dumps(found) and "attack" not in json.dumps(found).lower()
    truths = list(truths_of("rba", [HEAD, *ROWS]))
    assert [(one["kind"], one["history"], one["password"]) for one in truths] == [
        (None, 0, True),
        (None, 1, True),
        ("takeover", 2, True),
        ("attack_ip", 0, False),
        (None, 2, True),
    ]


def test_what_cannot_be() -> None:
    with pytest.raises(TableError, match="no map"):
        shipped_map("../rba")
    with pytest.raises(TableError, match="no column"):
        list(truths_of("rba", ["index,User ID", "1,2"]))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, events, truth = tmp_path / "rba.csv", tmp_path / "events.ndjson", tmp_path / "truth.ndjson"
    table.write_text("\n".join([HEAD, *ROWS]) + "\n")
    wardline = ["--data", str(tmp_path / "data"), "import"]
    assert run([*wardline, "rba", str(table), "--events", str(events), "--truth", str(truth)]) == 0
    assert "10 events written" in capsys.readouterr().out
    assert (len(events.read_text().splitlines()), len(truth.read_text().splitlines())) == (10, 5)
    assert run([*wardline, "rba", str(table), "--decide", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 5
    assert run([*wardline, "moon", str(table)]) == 2
    assert run([*wardline, str(events), "--truth", str(truth)]) == 2
