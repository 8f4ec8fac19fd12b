"""A detector is three files of one name: the module, its test, its page; and the page says everything it must."""

import re
from pathlib import Path

import pytest

from wardline.domains.mail.detectors import ALL

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "src/wardline/domains/mail/detectors"
TESTS = ROOT / "tests/domains/mail/detectors"
PAGES = ROOT / "docs/detectors/mail"
SECTIONS = ("## What it catches", "## What it leaves alone", "## What it reads", "## Its cost", "## How it errs")


def names(folder: Path, pattern: str, prefix: str = "") -> set[str]:
    return {path.stem.removeprefix(prefix) for path in folder.glob(pattern)} - {"__init__", "README"}


def test_the_three_folders_hold_the_same_names() -> None:
    code, tests, pages = names(CODE, "*.py"), names(TESTS, "test_*.py", "test_"), names(PAGES, "*.md")
    assert code == tests, f"detectors without a test, or tests without a detector: {sorted(code ^ tests)}"
    assert code == pages, f"detectors without a page, or pages without a detector: {sorted(code ^ pages)}"
    assert code == {kind.name for kind in ALL}


@pytest.mark.parametrize("name", sorted(names(CODE, "*.py")))
def test_the_page_has_its_sections_in_order(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text("utf-8")
    found = [line for line in text.splitlines() if line.startswith("## ")]
    assert [line for line in found if line in SECTIONS] == list(SECTIONS)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_page_names_everything_that_is_read(kind: type) -> None:
    text = (PAGES / f"{kind.name}.md").read_text("utf-8")
    missing = [name for name in kind.reads if f"`{name}`" not in text]
    assert not missing, f"docs/detectors/mail/{kind.name}.md does not name {missing}"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_page_names_every_cue(kind: type) -> None:
    """Cues are in the module (CUES) or in the lexicon beside it."""
    source = (CODE / f"{kind.name}.py").read_text("utf-8")
    found = set(re.findall(r'^    "([a-z_0-9]+)": Cue\(', source, re.MULTILINE))
    lexicon = CODE / f"{kind.name}.toml"
    if lexicon.exists():
        found |= set(re.findall(r"^\[([a-z_]+)\]", lexicon.read_text("utf-8"), re.MULTILINE))
    text = (PAGES / f"{kind.name}.md").read_text("utf-8")
    missing = sorted(name for name in found if f"`{name}`" not in text)
    assert not missing, f"docs/detectors/mail/{kind.name}.md does not name the cues {missing}"


@pytest.mark.parametrize("path", sorted(CODE.glob("*.toml")), ids=lambda path: path.stem)
def test_a_lexicon_belongs_to_a_detector(path: Path) -> None:
    assert (CODE / f"{path.stem}.py").exists()
