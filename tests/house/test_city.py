"""The synthetic city judges the detectors, so it must not know them: it imports nothing of theirs, and copies none of their lists."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "wardline"
CITY = sorted((SOURCE / "city").rglob("*.py"))
FOREIGN = ("wardline.engine", "wardline.domains", "wardline.learning", "wardline.sources", "wardline.gateways", "wardline.client")


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


@pytest.mark.parametrize("path", CITY, ids=lambda path: path.stem)
def test_the_city_imports_nothing_of_what_it_judges(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith(FOREIGN)]


def test_nothing_that_is_judged_imports_the_city() -> None:
    others = [path for room in ("engine", "domains", "learning", "sources") for path in (SOURCE / room).rglob("*.py")]
    assert not [path for path in others if any(name.startswith("wardline.city") for name in imported(path))]


def test_the_city_is_found() -> None:
    assert len(CITY) > 10
    assert imported(SOURCE / "city" / "town.py") & {"wardline.city.plan"}
