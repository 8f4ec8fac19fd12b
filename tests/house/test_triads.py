"""A detector is three files of one name: the module, its test, its page; and the page says everything it must."""

import re
from pathlib import Path
from typing import Any

import pytest

from wardline.domains.login.detectors import ALL as LOGIN
from wardline.domains.mail.detectors import ALL as MAIL
from wardline.domains.signup.detectors import ALL as SIGNUP

ROOT = Path(__file__).resolve().parents[2]
DOMAINS: dict[str, tuple[type[Any], ...]] = {"mail": MAIL, "login": LOGIN, "signup": SIGNUP}
KINDS = [(domain, kind) for domain, kinds in DOMAINS.items() for kind in kinds]
SECTIONS = ("## What it catches", "## What it leaves alone", "## What it reads", "## Its cost", "## How it errs")
MARKED = pytest.mark.parametrize(("domain", "kind"), KINDS, ids=[f"{domain}-{kind.name}" for domain, kind in KINDS])


def code(domain: str) -> Path:
    return ROOT / f"src/wardline/domains/{domain}/detectors"


def stem(kind: type[Any]) -> str:
    """The file's name: detectors of event domains carry their domain in front."""
    return str(kind.name).rpartition(".")[2]


def page(domain: str, kind: type[Any]) -> Path:
    return ROOT / f"docs/detectors/{domain}/{stem(kind)}.md"


def names(folder: Path, pattern: str, prefix: str = "") -> set[str]:
    return {path.stem.removeprefix(prefix) for path in folder.glob(pattern)} - {"__init__", "README"}


def test_every_domain_with_detectors_is_looked_at() -> None:
    assert {path.parent.name for path in (ROOT / "src/wardline/domains").glob("*/detectors") if path.is_dir()} == set(DOMAINS)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_the_three_folders_hold_the_same_names(domain: str) -> None:
    modules = names(code(domain), "*.py")
    tests = names(ROOT / f"tests/domains/{domain}/detectors", "test_*.py", "test_")
    pages = names(ROOT / f"docs/detectors/{domain}", "*.md")
    assert modules == tests, f"detectors without a test, or tests without a detector: {sorted(modules ^ tests)}"
    assert modules == pages, f"detectors without a page, or pages without a detector: {sorted(modules ^ pages)}"
    assert modules == {stem(kind) for kind in DOMAINS[domain]}


@MARKED
def test_the_page_has_its_sections_in_order(domain: str, kind: type[Any]) -> None:
    found = [line for line in page(domain, kind).read_text("utf-8").splitlines() if line.startswith("## ")]
    assert [line for line in found if line in SECTIONS] == list(SECTIONS)


@MARKED
def test_the_page_names_everything_that_is_read(domain: str, kind: type[Any]) -> None:
    text = page(domain, kind).read_text("utf-8")
    missing = [name for name in kind.reads if f"`{name}`" not in text]
    assert not missing, f"docs/detectors/{domain}/{stem(kind)}.md does not name {missing}"


@MARKED
def test_the_page_names_every_cue(domain: str, kind: type[Any]) -> None:
    """Cues are in the module (CUES) or in the lexicon beside it."""
    source = (code(domain) / f"{stem(kind)}.py").read_text("utf-8")
    found = set(re.findall(r'^    "([a-z_0-9]+)": Cue\(', source, re.MULTILINE))
    lexicon = code(domain) / f"{stem(kind)}.toml"
    if lexicon.exists():
        found |= set(re.findall(r"^\[([a-z_]+)\]", lexicon.read_text("utf-8"), re.MULTILINE))
    text = page(domain, kind).read_text("utf-8")
    missing = sorted(name for name in found if f"`{name}`" not in text)
    assert not missing, f"docs/detectors/{domain}/{stem(kind)}.md does not name the cues {missing}"


@pytest.mark.parametrize("path", sorted(path for domain in DOMAINS for path in code(domain).glob("*.toml")), ids=lambda path: path.stem)
def test_a_lexicon_belongs_to_a_detector(path: Path) -> None:
    assert (path.parent / f"{path.stem}.py").exists()
