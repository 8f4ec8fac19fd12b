"""Reasons: names checked, values for people, bounds."""

import pytest

from wardline.engine.conditions.text import SENTENCE_LIMIT, parse_template, shown
from wardline.engine.conditions.tree import RuleError

NAMES = {"failures_10m": "number", "ip.country": "text"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "unknown"),
        (12, "12"),
        (1234567, "1234567"),
        (10**30, "1e+30"),
        (10**400, "unknown"),
        (0.8734, "0.873"),
        (3.0, "3"),
        (-0.0, "0"),
        (123.456, "123.5"),
        (12345.678, "12345.7"),
        (1e300, "1e+300"),
        (1e-9, "1e-09"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
        (True, "yes"),
        (False, "no"),
        ("AT", '"AT"'),
        ('a"b', '"a\'b"'),
        ("a\nb\u202e\0", '"a\ufffdb\ufffd\ufffd"'),
        ("x" * 1000, '"' + "x" * 39 + '…"'),
        ([], "none"),
        (["a", 1], '"a", 1'),
        (list("abcdefgh"), '"a", "b", "c", "d", "e" and 3 more'),
        ([[[]]], "a list"),
        ({}, "unknown"),
    ],
)
def test_values_are_shown_for_people(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_a_sentence() -> None:
    template = parse_template("{failures_10m} wrong passwords came from {ip.country} in {{ten}} minutes", NAMES)
    assert template.names == ("failures_10m", "ip.country")
    assert template.render({"failures_10m": 12}) == "12 wrong passwords came from unknown in {ten} minutes"
    assert template.render({"failures_10m": 12.5, "ip.country": "{0}"}) == '12.5 wrong passwords came from "{0}" in {ten} minutes'
    assert parse_template("", NAMES).render({}) == ""


def test_a_sentence_is_bounded() -> None:
    template = parse_template("{ip.country}" * 16, NAMES)
    assert len(template.render({"ip.country": ["x" * 1000] * 1000})) == SENTENCE_LIMIT


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("{failures_1m} came", 1, "unknown name failures_1m; did you mean failures_10m?"),
        ("a {", 3, "a single {: write {name}"),
        ("a }", 3, "a single }"),
        ("{failures_10m", 1, "a single {"),
        ("{}", 1, "a name and nothing else"),
        ("{failures_10m:10}", 1, "a name and nothing else"),
        ("{failures_10m!r}", 1, "a name and nothing else"),
        ("{failures_10m + 1}", 1, "a name and nothing else"),
        ("{0}", 1, "a name and nothing else"),
        ("{failures_10m.__class__}", 1, "unknown name"),
        ("{" + "a" * 200 + "}", 1, "a name and nothing else"),
        ("a\nb", 2, "U+000A"),
        ("\u202eabc", 1, "U+202E"),
        ("x" * 401, 0, "at most 400"),
        ("{failures_10m}" * 17, 0, "at most 16 values"),
    ],
)
def test_refused(text: str, column: int, part: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_template(text, NAMES)
    assert part in str(error.value)
    assert not column or error.value.column == column
