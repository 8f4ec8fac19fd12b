"""The fuzz targets of mail authentication, for a few rounds with a fixed seed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import fuzz_authres
import fuzz_dkim
import fuzz_spf


def test_spf() -> None:
    assert fuzz_spf.loop(150, seed=1) == 150


def test_dkim() -> None:
    assert fuzz_dkim.loop(60, seed=1) == 60


def test_authres() -> None:
    assert fuzz_authres.loop(150, seed=1) == 150
