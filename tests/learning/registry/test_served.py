"""A model that serves: what it says of hostile values, what it does when it breaks, and that nobody needs its libraries who has none."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learning.registry.cards import card
from wardline.engine.model import EVIDENCE, LOG_ODDS, NAME
from wardline.learning.registry.card import Line, ModelError
from wardline.learning.registry.served import Served, session
from wardline.learning.training.conversion import to_onnx
from wardline.learning.training.ensemble import Ensemble, Tree

# form_ms at most 9000 goes left to +2, unknown and more to the right: there Linux (1) gives -1, the others -0.5.
TREE = Tree(
    [0, -1, 1, -1, -1],
    [9000.0, 0, 0.5, 0, 0],
    [False, False, True, False, False],
    [1, 0, 3, 0, 0],
    [2, 0, 4, 0, 0],
    [0, 2.0, 0, -0.5, -1.0],
    [9.0, 3, 6, 3, 3],
)
ONNX = to_onnx(Ensemble(2, [TREE]))
VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=3)


def served(failed: list[str]) -> Served:
    return Served(card("signup-x"), ONNX, failed.append)


@pytest.mark.parametrize(
    ("values", "raw"),
    [
        ({"form_ms": 9000}, 2.0),
        ({"form_ms": 9001, "user_agent.os": "Linux"}, -1.0),
        ({"form_ms": None, "user_agent.os": "Haiku"}, -0.5),
        ({}, -0.5),
        ({"form_ms": "9000"}, -0.5),
        ({"form_ms": True}, 2.0),
        ({"form_ms": 10**400, "user_agent.os": ["Linux"]}, -0.5),
        ({"form_ms": float("inf")}, -0.5),
        ({"form_ms": float("nan")}, -0.5),
    ],
)
def test_what_it_says_of_values(values: dict[str, object], raw: float) -> None:
    failed: list[str] = []
    said = served(failed).read(values)  # type: ignore[arg-type]
    assert said[NAME] == "signup-x" and said[LOG_ODDS] == pytest.approx(raw) and not failed
    assert said[EVIDENCE] == pytest.approx(0.5 * raw - 0.1, abs=0.08)


@given(st.dictionaries(st.sampled_from(["form_ms", "user_agent.os"]), VALUE))
def test_no_values_break_it(values: dict[str, object]) -> None:
    failed: list[str] = []
    said = MODEL.read(values)  # type: ignore[arg-type]
    evidence = said[EVIDENCE]
    assert isinstance(evidence, float) and -3.0 <= evidence <= 4.0 and not failed


MODEL = served([])


@pytest.mark.parametrize("broken", [RuntimeError("no"), float("nan"), float("inf")])
def test_a_model_that_breaks_says_nothing_and_is_counted(broken: object) -> None:
    class Broken:
        def run(self, *_: object) -> object:
            if isinstance(broken, Exception):
                raise broken
            return [np.array([[broken]], np.float32)]

    failed: list[str] = []
    model = served(failed)
    model._session = Broken()
    assert model.read({"form_ms": 1}) == {} and failed == ["signup"]


@pytest.mark.parametrize("changed", [{"least": 0.0}, {"beside": Line(float("nan"), 0.0)}, {"beside": Line(0.5, float("nan"))}])
def test_a_card_that_gives_no_number_is_a_model_that_breaks(changed: dict[str, object]) -> None:
    failed: list[str] = []
    model = Served(msgspec.structs.replace(card("signup-x"), **changed), ONNX, failed.append)
    assert model.read({"form_ms": 9001, "user_agent.os": "Linux"}) == {} and failed == ["signup"]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot read the model"):
        session(b"\x00garbage")


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"install wardline\[models\]"):
        session(ONNX)


WITHOUT = """
import asyncio, sys
for name in ("onnxruntime", "lightgbm", "onnx"):
    sys.modules[name] = None
from datetime import UTC, datetime
from pathlib import Path
from wardline.app import Program
from wardline.base.config import Config
from wardline.client import event

async def main():
    program = Program.open(Path(sys.argv[1]), Config(), starter=False)
    door = next(door for door in program.points.doors if door.point == "signup")
    answer = await door.admit(event("signup", entities={"account": "alice", "ip": "192.0.2.7"}))
    assert (answer.verdict, answer.model) == ("allow", "none"), answer
    assert program.replay_now().different == 0 and program.models.listed() == []
    await program.close()

asyncio.run(main())
"""


def test_nobody_needs_the_libraries_who_has_no_model(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path / "data")], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
