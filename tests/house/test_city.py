"""The synthetic city judges the detectors, so it must not know them: it imports nothing of theirs, and shares no list and no constant with them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "wardline"
CITY = sorted((SOURCE / "city").rglob("*.py"))
JUDGED = [
    path for room in ("engine", "domains/login", "domains/signup", "learning", "sources") for path in sorted((SOURCE / room).rglob("*.py"))
]
LISTS = [SOURCE / "sources" / name for name in ("disposable.txt", "freemail.txt", "shorteners.txt")]
# What both must say: the words of the envelope, of the verdicts and of declared sources, as the pages name them. Units are nobody's choice.
PAGES = [SOURCE.parents[1] / "docs" / name for name in ("integrate/events.md", "sources/ip.md")]
CONTRACT = {word for page in PAGES for word in re.findall(r"[a-z_]+", page.read_text("utf-8"))}
UNITS = {"SECOND", "MINUTE", "HOUR", "DAY", "DAY_MS", "HOUR_MS"}
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


def groups(path: Path) -> Iterator[frozenset[str]]:
    """Every list, tuple, set, table and split text of at least three words."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            found = list(node.elts)
        elif isinstance(node, ast.Dict):
            found = node.keys
        words = {each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)} - {""}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
            text = node.func.value
            words = set(text.value.split()) if isinstance(text, ast.Constant) and isinstance(text.value, str) else set()
        if len(words) >= 3:
            yield frozenset(words)


def constants(path: Path) -> dict[str, object]:
    """The numbers that a module names, units apart."""
    found = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
            found.update({target.id: value.value for target in targets if isinstance(target, ast.Name) and target.id not in UNITS})
    return found


def test_the_city_has_no_list_in_common_with_what_it_judges() -> None:
    judged = [(path, group) for path in JUDGED for group in groups(path)]
    judged += [(path, frozenset(line for line in path.read_text("utf-8").split("\n") if not line.startswith("#"))) for path in LISTS]
    common = [
        (ours.name, theirs.name, sorted(ours_group & group - CONTRACT)[:5])
        for ours in CITY
        for ours_group in groups(ours)
        for theirs, group in judged
        if len(ours_group & group - CONTRACT) >= (1 if theirs in LISTS else 2)
    ]
    assert len(judged) > 100 and not common


def test_the_city_has_no_constant_in_common_with_what_it_judges() -> None:
    judged = {(name, value) for path in JUDGED for name, value in constants(path).items()}
    ours = {(name, value) for path in CITY for name, value in constants(path).items()}
    assert len(judged) > 100 and len(ours) > 20
    assert not judged & ours
