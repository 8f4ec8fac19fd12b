"""Finding a domain's detectors: every module of a package has exactly one of its own name, cheap before dear."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from wardline.engine.detector import discover

ONE = "from wardline.engine.detector import Detector\n\n\nclass One(Detector[object]):\n    name = {name!r}\n    cost_us = {cost}\n"


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> ModuleType:
    """A package with these modules, importable until the test ends."""
    place = folder / "found_here"
    place.mkdir()
    for name, text in modules.items():
        (place / f"{name}.py").write_text(text)
        monkeypatch.setitem(sys.modules, f"found_here.{name}", None)  # remembered, so that it is forgotten afterwards
        monkeypatch.delitem(sys.modules, f"found_here.{name}")
    made = ModuleType("found_here")
    made.__path__ = [str(place)]
    monkeypatch.setitem(sys.modules, "found_here", made)
    return made


def test_cheap_ones_come_first_and_equally_cheap_ones_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {name: ONE.format(name=f"shop.{name}", cost=cost) for name, cost in (("dear", 3.0), ("b", 1.0), ("a", 1.0))}
    found = discover(package(tmp_path, monkeypatch, **modules), "shop.")
    assert [kind.name for kind in found] == ["shop.a", "shop.b", "shop.dear"]


@pytest.mark.parametrize(
    "text", ["", ONE.format(name="other", cost=1.0), "from found_here.first import One\n"], ids=["none", "of another name", "borrowed"]
)
def test_a_module_without_a_detector_of_its_name_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = package(tmp_path, monkeypatch, first=ONE.format(name="first", cost=1.0), second=text)
    with pytest.raises(ImportError, match=r"found_here\.second must define exactly one Detector with name = 'second', found 0"):
        discover(made)
