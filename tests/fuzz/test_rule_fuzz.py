"""The fuzz target of rules, for a few rounds with a fixed seed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_rule


def test_rules() -> None:
    assert fuzz_rule.loop(150, seed=1) == 150
