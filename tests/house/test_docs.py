"""Documentation that lags behind fails here: links, commands, configuration keys, metrics."""

import re
from pathlib import Path

import msgspec
import pytest

from wardline.base.config import Config, description, render_config
from wardline.commands.application import application

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
