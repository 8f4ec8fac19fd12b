"""The parts in C: each is declared, typed, built again by `make setup` when it changed, and counted on the page that promises them."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("_*.c"))
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def test_every_part_is_declared_with_its_name() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["ext-modules"]
    assert sorted(source for part in declared for source in part["sources"]) == PARTS
    for part in declared:
        assert part["sources"] == ["src/" + part["name"].replace(".", "/") + ".c"] and part["optional"]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_its_types(part: str) -> None:
    assert (ROOT / part).with_suffix(".pyi").is_file()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_setup_builds_again_when_a_part_changed() -> None:
    rules = subprocess.run(["make", "-pnq", "help"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    needs = next(line for line in rules.splitlines() if line.startswith(".venv/.ready:")).split()
    assert set(PARTS) <= set(needs)


def test_the_page_counts_them() -> None:
    assert f"{WORDS[len(PARTS)].capitalize()} inner\nloops are written in C" in (ROOT / "docs" / "install.md").read_text("utf-8")
