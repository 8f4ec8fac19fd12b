"""The log of an SSH server as events: what an attempt is, whose name it is, when it was, and the whole way through the command."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from wardline.commands.application import run
from wardline.gateways.sshd import LogClock, events_of
from wardline.gateways.table import TableError

CLOCK = LogClock(ends=datetime(2026, 11, 26, tzinfo=UTC))
LOG = """\
Nov 20 06:55:46 mx sshd[10]: reverse mapping checking getaddrinfo for host.example [192.0.2.7] failed - POSSIBLE BREAK-IN ATTEMPT!
Nov 20 06:55:46 mx sshd[10]: Invalid user test from 192.0.2.7
Nov 20 06:55:46 mx sshd[10]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7
Nov 20 06:55:48 mx sshd[10]: Failed none for invalid user test from 192.0.2.7 port 38926 ssh2
Nov 20 06:55:48 mx sshd[10]: Failed password for invalid user test from 192.0.2.7 port 38926 ssh2
Nov 20 06:55:48 mx sshd[10]: Failed password for root from 192.0.2.7 port 38926 ssh2
Nov 20 06:55:50 mx sshd[10]: message repeated 3 times: [ Failed password for root from 192.0.2.7 port 38926 ssh2]
Nov 20 06:56:00 mx cron[77]: Failed password for nobody from 192.0.2.7 port 1 ssh2
Nov 20 06:57:00 mx sshd[11]: Failed publickey for anna from 198.51.100.4 port 50022 ssh2: RSA SHA256:AAAA
Nov 20 06:57:00 mx sshd[11]: Accepted publickey for anna from 198.51.100.4 port 50022 ssh2: ED25519 SHA256:BBBB
"""


def found(text: str, clock: LogClock = CLOCK) -> list[dict[str, Any]]:
    documents = [document for _line, document in events_of(text.splitlines(), clock)]
    assert all(isinstance(one, dict) for one in documents)
    return [one for one in documents if isinstance(one, dict)]


def test_attempts_and_how_they_ended() -> None:
    events = found(LOG)
    logins = [one for one in events if one["type"] == "login"]
    outcomes = [one for one in events if one["type"] == "login.outcome"]
    assert [one["entities"]["account"] for one in logins] == ["test", "root", "root", "root", "root", "anna"]
    assert [one["fields"]["result"] for one in outcomes] == ["unknown_account", *["wrong_password"] * 4, "success"]
    assert [one["fields"]["username_exists"] for one in logins] == [False, *[True] * 5]
    assert [one["flow_id"] for one in logins] == [one["flow_id"] for one in outcomes] == [one["id"] for one in logins]
    assert len({one["id"] for one in events}) == 12
    assert events[0] == {
        "id": "sshd-mx-10-20261120T065548-0",
        "type": "login",
        "occurred_at": "2026-11-20T06:55:48+00:00",
        "flow_id": "sshd-mx-10-20261120T065548-0",
        "entities": {"account": "test", "ip": "192.0.2.7"},
        "fields": {"client": "ssh", "username_exists": False},
    }


def test_a_grown_log_gives_the_same_ids() -> None:
    assert found(LOG)[:4] == found("\n".join(LOG.splitlines()[:6]))


def test_attempts_of_one_second_are_told_apart_where_machines_take_turns() -> None:
    line = "Nov 20 06:55:4{} {} sshd[10]: Failed password for root from 192.0.2.7 port 38926 ssh2"
    text = "\n".join([line.format(8, "a"), line.format(9, "b"), line.format(8, "a"), line.format(9, "b"), line.format(8, "a")])
    ids = [one["id"] for one in found(text) if one["type"] == "login"]
    assert [one[-1] for one in ids] == ["0", "0", "1", "1", "2"] and len(set(ids)) == 5


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2026-12-01T06:55:46.120000+01:00 mx sshd-session[9]:", "2026-12-01T05:55:46.120000+00:00"),
        ("2026-12-01T06:55:46+0100 mx sshd[9]:", "2026-12-01T05:55:46+00:00"),  # journalctl -o short-iso
        ("2026-12-01T06:55:46 mx sshd[9]:", "2026-12-01T05:55:46+00:00"),
        ("Nov  1 06:55:46 mx sshd[9]:", "2026-11-01T05:55:46+00:00"),
        ("Dec  1 06:55:46 mx sshd[9]:", "2025-12-01T05:55:46+00:00"),  # not after the end of the log
        ("Feb 29 23:00:60 mx sshd[9]:", "2024-02-29T22:00:59+00:00"),  # the last year that has the day; a leap second
    ],
)
def test_times(line: str, moment: str) -> None:
    clock = LogClock(ends=CLOCK.ends, zone=ZoneInfo("Europe/Vienna"))
    assert found(f"{line} Accepted password for anna from 192.0.2.7 port 1 ssh2", clock)[0]["occurred_at"] == moment


def test_over_new_year_and_back() -> None:
    days = ["Dec 30", "Dec 31", "Jan  1", "Dec 31", "Jan  2", "Jul  2", "Dec 31", "Jan  1"]
    text = "\n".join(f"{day} 00:00:0{n} mx sshd[9]: Failed password for root from 192.0.2.7 port 1 ssh2" for n, day in enumerate(days))
    moments = [one["occurred_at"][:10] for one in found(text, LogClock(ends=CLOCK.ends, year=2023)) if one["type"] == "login"]
    assert moments == [
        "2023-12-30", "2023-12-31", "2024-01-01", "2023-12-31", "2024-01-02", "2024-07-02", "2024-12-31", "2025-01-01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("a from 203.0.113.1 port 1 ssh2", "a from 203.0.113.1 port 1 ssh2"),
        ("root from 203.0.113.1 port 1 ssh2: x", "root from 203.0.113.1 port 1 ssh2: x"),
        ("invalid user b", "invalid user b"),
        ("", None),
        ("x" * 10_000, "x" * 256),
    ],
)
def test_names_are_chosen_by_whoever_attacks(name: str, account: str | None) -> None:
    (login, outcome) = found(f"Nov 20 06:55:46 mx sshd[1]: Failed password for invalid user {name} from 192.0.2.7 port 38926 ssh2")
    assert login["entities"].get("account") == outcome["entities"].get("account") == account
    assert login["entities"]["ip"] == "192.0.2.7" and outcome["fields"]["result"] == "unknown_account"


def test_addresses() -> None:
    assert (
        found("Nov 20 06:55:46 mx sshd[1]: Failed password for a from 2001:db8::1%eth0 port 1 ssh2")[0]["entities"]["ip"] == "2001:db8::1"
    )
    assert "ip" not in found("Nov 20 06:55:46 mx sshd[1]: Failed password for a from host.example port 1 ssh2")[0]["entities"]


def test_what_cannot_be_is_named_and_harms_nothing() -> None:
    lines = [
        f"{when} mx sshd[1]: Failed password for a from 192.0.2.7 port 1 ssh2"
        for when in ("Nov 31 06:55:46", "Xyz 10 06:55:46", "Nov 20 26:55:46", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00")
    ]
    errors = list(events_of([*lines, "", "\x00", "Nov 20"], CLOCK))
    assert [line for line, _error in errors] == [1, 2, 3, 4, 5] and all(isinstance(error, TableError) for _line, error in errors)
    (first, *rest) = events_of(["Nov 20 06:55:46 mx sshd[1]: message repeated 999999999 times: [ " + LOG.splitlines()[5][29:] + "]"], CLOCK)
    assert isinstance(first[1], dict) and len(rest) == 1999


def test_a_day_that_there_is_not_does_not_count_as_a_new_year() -> None:
    days = ("Dec 31", "Jan 32", "Jan 33", "Jan  1")
    lines = [f"{day} 00:00:00 mx sshd[9]: Failed password for root from 192.0.2.7 port 1 ssh2" for day in days]
    moments = [one["occurred_at"] for _line, one in events_of(lines, LogClock(ends=CLOCK.ends, year=2023)) if isinstance(one, dict)]
    assert {moment[:10] for moment in moments} == {"2023-12-31", "2024-01-01"}


def test_a_long_line_of_false_endings_costs_linear_time() -> None:
    line = "Nov 20 06:55:46 mx sshd[1]: Failed password for " + " from 192.0.2.7 port 1x" * 40_000
    assert list(events_of([line], CLOCK)) == []  # what is not linear would take hours


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, events = tmp_path / "auth.log", tmp_path / "events.ndjson"
    log.write_text(LOG)
    wardline = ["--data", str(tmp_path / "data"), "import"]
    assert run([*wardline, "sshd", str(log), "--events", str(events), "--year", "2026", "--timezone", "Europe/Vienna"]) == 0
    assert "12 events written" in capsys.readouterr().out
    os.utime(log, (1e13, 1e13))
    assert run([*wardline, "sshd", str(log), "--events", str(events)]) == 0, "a time of the file that no calendar has"
    assert "12 events written" in capsys.readouterr().out
    assert run([*wardline, "sshd", str(log), "--events", str(events), "--year", "2026", "--timezone", "Europe/Vienna"]) == 0
    capsys.readouterr()
    assert json.loads(events.read_text().splitlines()[0])["occurred_at"] == "2026-11-20T05:55:48+00:00"
    for _again in range(2):
        assert run([*wardline, "sshd", str(log), "--year", "2026", "--decide", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["accepted"], sum(told["decided"].values()), told["refused"]) == (6, 6, 0)


def test_a_line_of_another_program_without_an_end_stops_no_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, events = tmp_path / "auth.log", tmp_path / "events.ndjson"
    line = "Nov 20 06:55:4{} mx sshd[1]: Failed password for a from 192.0.2.7 port 1 ssh2\n"
    log.write_text(line.format(1) + "x" * 3_000_000 + "\n" + line.format(2) + "y" * (1 << 20) + "\n" + line.format(3) + "z" * 1_100_000)
    assert run(["import", "sshd", str(log), "--events", str(events)]) == 0
    assert "6 events written" in capsys.readouterr().out
    other = tmp_path / "events"
    other.write_text("x" * 1_100_000)
    assert run(["--data", str(tmp_path / "data"), "import", str(other)]) == 1
    assert "a line has more than 1048576 bytes" in capsys.readouterr().err


def test_a_long_name_of_a_host_still_makes_an_id() -> None:
    text = "\n".join(f"Nov 20 06:55:46 {'h' * 200}{n} sshd[1]: Failed password for a from 192.0.2.7 port 1 ssh2" for n in (1, 2))
    ids = [one["id"] for one in found(text)]
    assert len(set(ids)) == 4 and max(map(len, ids)) <= 128 and ids == [one["id"] for one in found(text)]


def test_what_the_command_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "auth.log"
    log.write_text("Nov 20 06:56:00 mx cron[77]: nothing\n")
    wardline = ["--data", str(tmp_path / "data"), "import"]
    assert run([*wardline, "sshd", str(log)]) == 1
    assert "no line tells of a password" in capsys.readouterr().err
    assert run([*wardline, "sshd", str(log), "--timezone", "Mars/Phobos"]) == 2
    assert run([*wardline, str(log), "--year", "2026"]) == 2
    assert run([*wardline, "sshd", str(log), "--events", str(tmp_path / "e"), "--truth", str(tmp_path / "t")]) == 2
