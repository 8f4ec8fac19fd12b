"""Documentation that lags behind fails here: links, commands, configuration keys, metrics."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from wardline.base.config import Config, description, render_config
from wardline.commands.application import application
from wardline.domains.mail.detectors import ALL
from wardline.domains.mail.values import NAMES
from wardline.engine.conditions.text import parse_template
from wardline.engine.policy import RESULT_TYPES
from wardline.engine.rule import RuleError, compile_condition
from wardline.sources.declaration import KINDS, render_declaration

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{target} does not exist"


def test_every_command_is_in_the_documentation() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    groups = [group.name for group in application.registered_groups]
    for name in [*(command.name for command in application.registered_commands), *groups]:
        assert f"wardline {name}" in text, f"wardline {name} is nowhere described"


def test_every_key_has_a_line_of_explanation() -> None:
    for section in msgspec.structs.fields(Config):
        for field in msgspec.structs.fields(section.type):
            assert description(field.type), f"{section.name}.{field.name}"
    assert len(render_config().splitlines()) > 60


def test_metrics_that_the_operators_page_names_exist() -> None:
    named = set(re.findall(r"`(wardline_\w+)`", (ROOT / "docs" / "operate" / "index.md").read_text("utf-8")))
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    for name in named:
        assert name.removesuffix("_total") in source, name


def test_the_configuration_page_shows_every_key_as_it_is() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert f"```toml\n{render_config()}```" in page, "write `wardline config show` into docs/configuration.md anew"


def test_the_page_of_sources_shows_every_key_and_kind() -> None:
    pages = {page.name: page.read_text("utf-8") for page in (ROOT / "docs" / "sources").glob("*.md")}
    assert f"```toml\n{render_declaration()}```" in pages["index.md"], "run scripts/pages"
    for name, kind in KINDS.items():
        assert f"`{name}`" in pages["index.md"], name
        for fact in kind.facts:
            assert any(f"`{fact}`" in page or f"`email.{fact}`" in page for page in pages.values()), fact
    listed = set(re.findall(r"\]\(([^)\s]+)\)", pages["index.md"]))
    assert set(pages) - {"index.md"} <= listed


def test_the_conditions_on_the_policy_page_are_valid() -> None:
    page = (ROOT / "docs" / "policy.md").read_text("utf-8")
    names = {*NAMES, *RESULT_TYPES, *(name for kind in ALL for name in kind.reads)}
    conditions = [line["when"] for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) for line in _lines(yaml.safe_load(block))]
    assert len(conditions) >= 5
    for condition in conditions:
        compile_condition(condition, names)


def test_the_page_on_writing_rules_is_valid() -> None:
    page = (ROOT / "docs" / "write-a-rule.md").read_text("utf-8")

    def blocks(kind: str) -> list[str]:
        return [line for block in re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]

    names = dict(line.split(": ") for line in blocks("names"))
    assert len(blocks("rule")) > 25
    for condition in blocks("rule"):
        compile_condition(condition, names)
    for reason in blocks("reason"):
        parse_template(reason, names)
    for line in blocks("refused"):
        condition, _, message = line.partition(" -> ")
        with pytest.raises(RuleError) as error:
            compile_condition(condition.rstrip(), names)
        assert str(error.value) == message


def _lines(document: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = document["lines"] if isinstance(document, dict) else document
    return found


@pytest.mark.parametrize("folder", ["detectors/mail", "detectors/login", "detectors/signup", "experiments", "decisions", "contracts"])
def test_every_page_is_on_the_list_of_its_folder(folder: str) -> None:
    pages = {page.name for page in (ROOT / "docs" / folder).glob("*.md")} - {"index.md", "README.md"}
    index = ROOT / "docs" / folder.split("/")[0] / "index.md"
    listed = {target.rpartition("/")[2] for target in re.findall(r"\]\(([^)\s]+)\)", index.read_text("utf-8"))}
    assert pages <= listed, f"{index.name} does not list {sorted(pages - listed)}"
