"""Plots are well-formed XML, whatever the names, and also of nothing."""

from xml.etree import ElementTree

from wardline.learning.evaluation.drawing import bars, lines


def test_plots_are_well_formed() -> None:
    line = lines("A & B", {"<1%>": [(0, 0.5, 0.4, 0.6), (12, 1.0, 0.9, 1.0)], "none": []}, x="past", y="share")
    for text in (line, bars("A", {"x & y": (0.5, 0.4, 0.6)}, y="share"), bars("A", {}, y=""), lines("A", {}, x="", y="")):
        assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "polyline" in line and line.count("<circle") == 2
