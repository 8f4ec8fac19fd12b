"""Plots are well-formed XML, whatever the names, and also of nothing."""

from xml.etree import ElementTree

from wardline.learning.evaluation.drawing import bars, lines


def test_plots_are_well_formed() -> None:
    line = lines("A & B", {"<1%>": [(0, 0.5, 0.4, 0.6), (12, 1.0, 0.9, 1.0)], "none": []}, x="past", y="share")
    for text in (line, bars("A", {"x & y": (0.5, 0.4, 0.6)}, y="share"), bars("A", {}, y=""), lines("A", {}, x="", y="")):
        assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "polyline" in line and line.count("<circle") == 2


def test_small_shares_have_an_axis_on_which_they_can_be_read() -> None:
    small = bars("A", {"x": (0.03, 0.02, 0.039)}, y="share")
    assert "<text" in small and ">4%<" in small and ">3%<" in small and "100%" not in small
    assert ">100%<" in bars("A", {"x": (0.03, 0.02, 0.039), "y": (0.5, 0.4, 0.6)}, y="share")
