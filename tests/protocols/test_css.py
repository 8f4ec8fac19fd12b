"""Declarations and simple sheets."""

import pytest

from wardline.protocols import css
from wardline.protocols.css import BACKGROUND, COLOUR, DISPLAY, FONT, IMAGE, MSO, OVERFLOW, TRANSPARENT, UNKNOWN, declarations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"#fff", 0xFFFFFF),
        (b"#123456", 0x123456),
        (b"abcdef", 0xABCDEF),
        (b"red", 0xFF0000),
        (b"rgb(1, 2, 3)", 0x010203),
        (b"rgb(100% 0% 50%)", 0xFF007F),
        (b"rgb(300,-1,0)", 0xFF0000),
        (b"rgba(1,2,3,0.05)", TRANSPARENT),
        (b"rgba(1,2,3,1)", 0x010203),
        (b"#12345600", TRANSPARENT),
        (b"#123f", 0x112233),
        (b"transparent", TRANSPARENT),
        (b"hsl(0,0%,0%)", UNKNOWN),
        (b"rgb(1,2)", UNKNOWN),
        (b"rgb(1,2,3,4,5)", UNKNOWN),
        (b"rgb(a,b,c)", UNKNOWN),
        (b"#12", None),
        (b"#12345", None),
        (b"#1234567", None),
        (b"inherit", None),
        (b"", None),
    ],
)
def test_colours(text: bytes, expected: int | None) -> None:
    assert css.colour(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"12px", 1200),
        (b"1.5", 150),
        (b"10pt", 1330),
        (b"50%", -51),
        (b"2em", -201),
        (b"1rem", 1600),
        (b"small", 1300),
        (b"-1px", None),
        (b"auto", None),
        (b"9" * 5000, 9_999_900),
    ],
)
def test_font_sizes(text: bytes, expected: int | None) -> None:
    assert css.font_size(text) == expected


def test_lengths() -> None:
    assert css.length(b"-9999px") == -999_900
    assert css.length(b"1em") == 1600
    assert css.length(b"auto") is None


def test_declarations_the_last_one_wins() -> None:
    assert declarations(b"display:block; DISPLAY:none") == {DISPLAY: 1}
    assert declarations(b"color:red;color:nonsense") == {COLOUR: 0xFF0000}
    assert declarations(b"background:#fff url(a.png)") == {IMAGE: 1, BACKGROUND: 0xFFFFFF}
    assert declarations(b"font:italic 400 0/0 a") == {FONT: 0}
    assert declarations(b"font:bold 12px/1.4 Arial") == {FONT: 1200}
    assert declarations(b"mso-hide:all;overflow:hidden") == {MSO: 1, OVERFLOW: 1}
    assert declarations(b"nothing;;:;a:") == {}


def test_sheets() -> None:
    rules: dict[bytes, css.Declarations] = {}
    text = b"""<!-- @import "x"; p , .a{color:red} p{display:none} @media x { .b{color:red} .c{} } .a .b{color:red} a:hover{color:red}
    *.d{font-size:0} td.e#f{color:red} .g.h{color:red} } .i{display:none -->"""
    assert css.sheet(text, rules, 100)
    assert rules == {b"p": {COLOUR: 0xFF0000, DISPLAY: 1}, b".a": {COLOUR: 0xFF0000}, b".d": {FONT: 0}, b".i": {DISPLAY: 1}}
    assert not css.sheet(b"q{color:red} .a{color:blue}", rules, 4)
    assert b"q" not in rules


def test_comments() -> None:
    assert css.uncomment(b"a/*x*/b/**/c/*d") == b"a b c"
    assert css.uncomment(b"a/*/b*/c") == b"a c"
