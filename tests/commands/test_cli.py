"""The command line as a newcomer meets it: every command shows an example, every mistake is one line with a status of 1 or 2."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wardline import serving
from wardline.base.version import __version__
from wardline.commands import connection
from wardline.commands.application import application, run

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: lunch\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nAt noon?\r\n"
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """`said("mode", "tag")` runs a command on a fresh data folder: status, standard output, standard error."""
    monkeypatch.setenv("WARDLINE_RESOLVER", "off")
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: str) -> tuple[int, str, str]:
        status = run(["--data", str(tmp_path / "data"), *arguments])
        heard = capsys.readouterr()
        return status, heard.out, heard.err

    return ask


def commands() -> list[tuple[str, str | None]]:
    """Every command's name and its example."""
    found = [(str(command.name), command.epilog) for command in application.registered_commands]
    for group in application.registered_groups:
        found += [(f"{group.name} {command.name}", command.epilog) for command in group.typer_instance.registered_commands]  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize(("name", "example"), commands(), ids=lambda value: str(value)[:20])
def test_every_command_has_an_example_of_itself(name: str, example: str | None) -> None:
    assert example is not None and example.startswith("Example: wardline ")
    assert name in example


@pytest.mark.parametrize("name", [name for name, _example in commands()])
def test_help_of_every_command(said: Said, name: str) -> None:
    status, out, _err = said(*name.split(), "--help")
    assert status == 0
    assert "Example:" in out


@pytest.mark.parametrize(
    "name", ["query", "features list", "features show", "features backfill", "policy list", "model list", "audit", "status"]
)
def test_examples_that_need_one_login_work_as_they_stand(said: Said, tmp_path: Path, name: str) -> None:
    login = {"id": "1", "type": "login", "occurred_at": "2026-11-26T09:30:00Z", "entities": {"account": "alice", "ip": "192.0.2.7"}}
    (tmp_path / "events.ndjson").write_text(json.dumps(login))
    assert said("import", "events.ndjson", "--decide")[0] == 0
    example = dict(commands())[name]
    assert example is not None
    status, _out, err = said(*shlex.split(example.removeprefix("Example: wardline ")))
    assert status == 0, err


def test_brackets_are_text_and_ids_stay_whole(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = said("campaign", "find", "--with", "device:d-17", "--name", "a [/b] [red]farm")
    assert status == 0, err
    assert "a [/b] [red]farm: found" in out
    assert "a [/b] [red]farm" in said("campaign", "status")[1]
    monkeypatch.setenv("COLUMNS", "60")
    assert out.split()[0] in said("campaign", "status")[1]  # the id stays whole where the name gives way
    assert "needs the extra `train`" in said("train", "login", "--help")[1].lower()


def test_a_campaign_of_nobody_says_where_it_looked(said: Said) -> None:
    status, out, _err = said("campaign", "find", "--verdict", "reject", "--hours", "2", "--as", "ada")
    assert status == 0 and "0 members" in out and "no account has a record of the last 2 hours that fits" in out


def test_an_import_says_what_was_known_before(said: Said, tmp_path: Path) -> None:
    login = {"type": "login", "occurred_at": "2026-11-20T10:00:00Z", "entities": {"account": "alice", "ip": "192.0.2.7"}}
    outcome = {**login, "type": "login.outcome", "fields": {"result": "success"}}
    label = {**login, "type": "label", "fields": {"about": {"event": "l1"}, "abusive": False, "source": "desk"}}
    lines = [json.dumps({**event, "id": f"l{number}"}) for number, event in enumerate((login, outcome, label), 1)]
    (tmp_path / "first.ndjson").write_text("\n".join(lines[:1]))
    (tmp_path / "grown.ndjson").write_text("\n".join(lines))
    assert said("import", "first.ndjson", "--decide")[1] == "1 event: 0 recorded, 1 decided (allow 1)\n"
    assert said("import", "grown.ndjson", "--decide")[1].endswith("decided (allow 1); 1 of them known before, which count once\n")
    assert said("import", "grown.ndjson")[1] == "3 events: 3 recorded, 0 decided; 3 of them known before, which count once\n"


def test_a_name_without_its_kind_is_doubted(said: Said) -> None:
    status, out, err = said("label", "add", "alice", "--abusive")
    assert status == 0 and "about event:alice" in out and "an account is written account:NAME" in err
    assert said("label", "add", "account:alice", "--abusive")[2] == ""
    assert "an account is written account:NAME" in said("entity", "show", "bob")[1]
    told = said("entity", "show", "account:nobody")[1]
    assert "nothing is recorded under this name" in told and "NAME" not in told


def test_an_explanation_without_words_says_when_there_are_some(said: Said, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MESSAGE)
    assert "words are weighed once mail was learned" in said("explain", "a.eml")[1]
    said("learn", "ham", "a.eml")
    assert "words are weighed once" not in said("explain", "a.eml")[1]


RULE = """rule: many_failures
point: login
owner: ada
expires: 2099-12-31
when: failures_account_10m > 5 and failures_account_24h > 5 and attempts_account_1h > 5 and attempts_ip_10m > 5 and failures_ip_1h > 5
verdict: challenge
reason: "Many failures."
cases: [{given: {failures_account_10m: 1}, expect: miss}]
"""


def test_a_rule_on_eighty_columns(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "rule.yaml").write_text(RULE)
    assert said("policy", "backtest", "rule.yaml")[0] == said("policy", "shadow", "rule.yaml")[0] == 0
    lines = said("policy", "list")[1].splitlines()
    assert [line.split() for line in lines] == [
        ["rule", "point", "stage", "verdict", "owner", "ends", "hits"],
        ["many_failures@1", "login", "shadow", "challenge", "ada", "2099-12-31", "0", "of", "0"],
    ]
    told = said("policy", "explain", "many_failures")[1]
    assert told.endswith(f"\n\n{RULE}"), "the text as it was written, to be copied"
    assert "until_us" not in told


def test_a_counter_is_declared_in_json(said: Said) -> None:
    told = said("features", "show", "failures_account_10m")[1]
    assert '{"count":"login.outcome","by":"account"' in told


def test_acts_of_campaigns_carry_the_name_of_who_ran_the_command(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    _status, out, _err = said("campaign", "find", "--with", "device:d-17")
    said("campaign", "halt", out.split()[0])
    assert "halted: grace halted it" in said("campaign", "status", out.split()[0])[1]
    assert all("grace" in line for line in said("audit")[1].splitlines()[1:] if "campaign" in line)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ("chek", 2, "No such command"),
        ("check", 2, "Missing argument"),
        ("check --frob a.eml", 2, "No such option"),
        ("check gone.eml", 1, "gone.eml: there is no such file or folder"),
        ("check empty", 2, "no message under these paths"),
        ("learn maybe a.eml", 2, "spam or ham"),
        ("learn spam gone", 1, "no such file or folder"),
        ("unlearn empty", 2, "no message"),
        ("explain", 2, "give a decision id"),
        ("explain --to b@example.net --around yesterday", 2, "not a time"),
        ("list grey show", 2, "allow or block"),
        ("list block add", 2, "give what to add"),
        ("campaign find --rule farm_name", 2, "there is no rule 'farm_name'"),
        ("config frob", 2, "check or show"),
        ("config check gone.toml", 1, "gone.toml: cannot be read"),
        ("config check broken.toml", 1, "not valid TOML"),
        ("config check unknown.toml", 1, "unknown field `prot`"),
        ("config check empty", 1, "cannot be read"),
        ("--config broken.toml mode", 1, "not valid TOML"),
        ("--data a.eml mode", 1, "the data folder cannot be made"),
        ("restore gone", 1, "no complete backup"),
        ("forget  ", 2, "Missing argument"),
        ("bench mail gone", 1, "no such file or folder"),
        ("bench decisions --seconds -1", 2, "Invalid value"),
        ("bench rules --rules 0", 2, "Invalid value"),
        ("bench decisions --on gone", 2, "no such folder"),
        ("conformance gone", 2, "no such folder"),
        ("train mail gone --held-out gone --out x.bin", 2, "gone"),
    ],
)
def test_a_mistake_is_one_helpful_line(said: Said, tmp_path: Path, arguments: str, status: int, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.eml").write_bytes(MESSAGE)
    (tmp_path / "broken.toml").write_text("x = [")
    (tmp_path / "unknown.toml").write_text("[http]\nprot = 1\n")
    ended, out, err = said(*arguments.split())
    assert ended == status
    assert out == ""
    assert says in err
    assert err.count("\n") == 1 and err.startswith("wardline: ")


def test_a_small_day_of_one_administrator(said: Said, tmp_path: Path) -> None:
    """Mode, list, check, explain, learn and back again, replay, audit: each on the folder alone, without a server."""
    path = tmp_path / "lunch.eml"
    path.write_bytes(MESSAGE)
    assert said("mode", "loud")[0] == 1
    assert json.loads(said("mode", "tag", "--json")[1]) == {"mode": "tag", "paused": False}
    assert said("mode", "--point", "login")[1].strip() == "enforce"  # who asks about a login gets the true verdict from the first day
    assert json.loads(said("mode", "observe", "--point", "login", "--json")[1]) == {"mode": "observe", "paused": False}
    assert json.loads(said("status", "--json")[1])["modes"] == {
        "mail.in": "tag",
        "login": "observe",
        "session": "enforce",
        "signup": "enforce",
    }
    status, out, err = said("mode", "tag", "--point", "mail.out")
    assert (status, out) == (1, "") and "choose mail.in, login, session, signup" in err
    assert said("mode", "--point", "mail.out")[0] == 2
    status, out, err = said("check", str(path), str(tmp_path / "lunch.eml"), "--json")
    assert status == 0, err
    answers = [json.loads(line) for line in out.splitlines()]
    assert len(answers) == 2
    assert set(answers[0]) == {"file", "id", "verdict", "score", "reasons", "policy", "model", "ms"}
    assert json.loads(said("explain", answers[0]["id"], "--json")[1])["score"] == answers[0]["score"]
    assert json.loads(said("learn", "ham", str(path), "--json")[1]) == {"messages": 1, "learned": 1, "already": 0}
    assert json.loads(said("learn", "ham", str(path), "--json")[1])["already"] == 1
    assert said("unlearn", str(path))[0] == 0
    report = json.loads(said("replay", "--json")[1])
    assert report["replayed"] == 2 and report["different"] == 0
    assert said("replay", "--corrupt", "0")[0] == 3
    assert "mode" in said("audit")[1]


def test_of_many_messages_the_good_ones_go_on(said: Said, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MESSAGE)
    (tmp_path / "large.eml").write_bytes(MESSAGE + b"x" * 2048)
    (tmp_path / "small.toml").write_text("[http]\nbody_limit_bytes = 1024\n")
    status, out, err = said("--config", "small.toml", "check", "large.eml", "a.eml", "--json")
    assert status == 1
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["a.eml"]
    assert err.startswith("wardline: large.eml: ") and "body_limit_bytes" in err
    assert "1 of 2 messages" in err


def test_no_arguments_show_the_help(said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Begin with: wardline check" in capsys.readouterr().out


def test_the_version_is_answered_before_anything_is_loaded() -> None:
    code = "import sys; sys.argv = ['wardline', '--version']; from wardline.cli import main; main(); print(*sys.modules)"
    version, modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert version == f"wardline {__version__}"
    assert not {"typer", "numpy", "msgspec", "wardline.app"} & set(modules.split())


def test_a_command_is_found_without_loading_the_program() -> None:
    code = "import sys, wardline.commands.application; print(*sys.modules)"
    modules = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not {"numpy", "sqlalchemy", "uvicorn", "rich.console", "cryptography", "wardline.app", "wardline.serving"} & modules


def test_commands_and_server_mean_the_same_socket() -> None:
    assert connection.SOCKET_NAME == serving.SOCKET_NAME
