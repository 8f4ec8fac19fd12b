"""The commands of models, as somebody uses them who has labels: train, look, promote, explain, take back."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.learning.registry.cards import card
from tests.learning.registry.signups import play
from wardline.app import Program
from wardline.base.config import Config
from wardline.commands.application import run

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """`said("model", "list")` runs a command on a fresh data folder: status, standard output, standard error."""
    monkeypatch.setenv("WARDLINE_RESOLVER", "off")
    monkeypatch.setenv("WARDLINE_STARTER", "off")
    monkeypatch.setenv("COLUMNS", "200")

    def ask(*arguments: str) -> tuple[int, str, str]:
        status = run(["--data", str(tmp_path / "data"), *arguments])
        heard = capsys.readouterr()
        return status, heard.out, heard.err

    return ask


def on_the_site(folder: Path, first: int, last: int) -> None:
    async def went() -> None:
        program = Program.open(folder / "data", Config(), starter=False)
        await play(program, first, last)
        await program.close()

    asyncio.run(went())


def test_from_labels_to_a_reason_and_back(said: Said, tmp_path: Path) -> None:
    on_the_site(tmp_path, 0, 300)
    status, out, err = said("train", "signup", "--as", "ada", "--json")
    assert status == 0, err
    made = json.loads(out)
    name = made["name"]

    status, out, _ = said("model", "show", name)
    assert status == 0
    for words in (
        "learned from",
        "judged on",
        "the detectors alone",
        "found at 0.1 %",
        "won ",
        "ONNX and LightGBM differ by",
        "what it looks at",
    ):
        assert words in out, words
    # So few rows judge here that the gate refuses: its own test is in learning/evaluation.
    path = tmp_path / "data/models" / name / "card.json"
    path.write_bytes(json.dumps({**made, "refused": []}).encode())
    status, out, err = said("model", "promote", name, "--as", "ada", "--reason", "a test")
    assert (status, out) == (0, f"signup: {name} serves\n"), err
    on_the_site(tmp_path, 300, 302)
    status, out, _ = said("explain", "s301")
    assert status == 0 and f"What the model {name} saw" in out and "before anything is known" in out and "model.evidence" in out
    told = json.loads(said("explain", "s301", "--json")[1])["model"]
    assert told["evidence"] == pytest.approx(told["base"] + sum(part["log_odds"] for part in told["parts"]))
    assert [each["serves"] for each in json.loads(said("model", "list", "--json")[1])["models"]] == [True]
    assert "serves" in said("model", "list")[1]
    assert said("model", "rollback", "signup", "--reason", "enough")[1] == "signup: no model serves\n"
    audit = said("audit")[1]
    assert all(f"model.{what}" in audit for what in ("train", "promote", "rollback")) and "ada" in audit


def test_what_is_refused_says_why(said: Said, tmp_path: Path) -> None:
    on_the_site(tmp_path, 0, 3)
    program = Program.open(tmp_path / "data", Config(), starter=False)
    program.models.store.add(
        card("signup-2026-03-02", refused=("it loses 6 decisions and wins 1",)), {"model.onnx": b"", "trees.json": b""}
    )
    program.models.store.add(card("signup-2026-03-03", present="signup-2026-01-01"), {"model.onnx": b"", "trees.json": b""})
    program.models.store.add(card("signup-2026-03-04"), {"model.onnx": b"no model", "trees.json": b""})
    asyncio.run(program.close())
    for arguments, words in (
        (("model", "promote", "signup-2026-03-02"), "is not promoted: it loses 6 decisions and wins 1"),
        (("model", "promote", "signup-2026-03-03"), "was judged beside signup-2026-01-01, and no model serves now: train a new one"),
        (("model", "promote", "signup-2026-03-04"), "ONNX Runtime cannot read the model"),
        (("model", "promote", "nothing"), "there is no model 'nothing'"),
        (("model", "show", "nothing"), "there is no model 'nothing'"),
        (("model", "rollback", "signup"), "no model serves at 'signup'"),
        (("train", "signup"), "too few labels"),
        (("train", "login"), "there are no labelled decisions of login"),
        (("train", "signup", "--since", "yesterday"), "'yesterday' is no time"),
    ):
        status, out, err = said(*arguments)
        assert status == 1 and words in err and not out, arguments
        assert err.count("\n") == 1, err
    assert "refused" in said("model", "list")[1]
    assert "may not be promoted: it loses 6" in said("model", "show", "signup-2026-03-02")[1]


def test_without_a_model_the_list_says_how_to_begin(said: Said) -> None:
    assert "docs/models.md" in said("model", "list")[1]
