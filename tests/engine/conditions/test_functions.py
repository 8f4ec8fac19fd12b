"""The registry of functions: what is registered is documented, and what is documented is registered."""

import re
from pathlib import Path

from wardline.engine.conditions.functions import FUNCTIONS, lower

PAGE = Path(__file__).parents[3] / "docs" / "contracts" / "rules.md"


def test_every_function_has_its_row_in_the_contract() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [(function.name, str(function.cost), function.doc) for function in FUNCTIONS.values()]


def test_lower_knows_ascii_only() -> None:
    assert lower("ABCxyz-9") == "abcxyz-9"
    assert lower("ÀİẞΣabcABC") == "ÀİẞΣabcabc"


def test_every_function_has_one_form_of_python() -> None:
    written_out = {"missing", "coalesce", "between"}
    for function in FUNCTIONS.values():
        assert (function.name in written_out) != bool(function.python or function.call), function.name
        assert (function.name in written_out) != bool(function.sql), function.name
