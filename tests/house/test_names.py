"""The house's own rules that a machine can check: names, first lines, no forbidden rooms, nothing that belongs to one machine."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "wardline"
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
FORBIDDEN = {"utils", "util", "common", "core", "helpers", "misc"}


def tracked() -> list[Path]:
    """Every file that git tracks; all files where this is no checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    names = done.stdout.decode().split("\0")[:-1] if done.returncode == 0 else []
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_room_without_a_purpose() -> None:
    named = [path for path in MODULES if path.stem in FORBIDDEN or path.parent.name in FORBIDDEN]
    assert not named


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_opens_with_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.name == "__init__.py" and not text.strip():
        return
    assert ast.get_docstring(ast.parse(text)), "begin the file with what it is for"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_what_is_public_is_described(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    bare = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                bare.append(node.name)
    assert not bare, f"without a docstring: {bare}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_pickle_and_no_hash_that_differs_between_runs(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {(getattr(node, "module", "") or "").split(".")[0]}
            assert not names & {"pickle", "marshal", "shelve"}, "no pickle"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash":
            raise AssertionError("hash() is seeded anew for each process: use a specified hash")


def test_nothing_of_one_machine_or_one_registry() -> None:
    # Written in pieces, so that this file is not its own first finding.
    words = ["/wo" + "rk/", "/ro" + "ot/", "py" + "pi.org", "python" + "hosted", "registry.npm" + "js", "deb.deb" + "ian.org"]
    pattern = re.compile("|".join(map(re.escape, words)))
    found = []
    for path in tracked():
        if path.suffix in (".png", ".bin", ".gz") or path.stat().st_size > 4 << 20:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if pattern.search(text):
            found.append(path.relative_to(ROOT).as_posix())
    assert not found


def test_judge_fits_on_one_screen() -> None:
    tree = ast.parse((SOURCE / "engine" / "decision.py").read_text("utf-8"))
    judge = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "judge")
    assert (judge.end_lineno or 0) - judge.lineno <= 40


@pytest.mark.parametrize("room", ["protocols", "engine", "learning"])
def test_lower_rooms_are_mirrored_by_tests(room: str) -> None:
    """Every module of the rooms that strangers build on has a test file, or is named by one."""
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    missing = [
        path.stem
        for path in sorted((SOURCE / room).rglob("*.py"))
        if path.stem != "__init__"
        and not list((ROOT / "tests").rglob(f"test_{path.stem}.py"))
        and not re.search(rf"wardline\.{room}[.\w]*(\.| import .*\b){path.stem}\b", tests)
    ]
    assert not missing


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_a_benchmark_says_how_it_is_called(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    if "__main__" in text:
        assert "argparse.ArgumentParser(" in text and "sys.argv" not in text, "let argparse answer --help and refuse what it does not know"
