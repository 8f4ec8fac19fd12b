"""The Python scan is the oracle of the C scan: equal on whatever is thrown at both. Without a compiler the Python scan meets itself here."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_html
from wardline.protocols import html


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(fuzz_html.PIECES), max_size=60))
def test_the_engines_agree_on_pieces(pieces: list[str]) -> None:
    fuzz_html.check("".join(pieces))


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/!-='\"& abpdivstyle;:#x0.,%{}()*\n\u00a0\u200b\u00adé日😀"), max_size=200))
def test_the_engines_agree_on_characters(text: str) -> None:
    fuzz_html.check(text)


STYLE_PARTS = (
    "color", "background", "background-color", "background-image", "font", "font-size", "display", "opacity", "visibility", "position", "left",
    "text-indent", "margin-top", "width", "max-height", "overflow", "clip", "mso-hide", ":", ":", ":", ";", ";", "none", "hidden", "absolute", "0", "1px",
    "-9999px", "-50em", "50%", ".5", "1.999", "99999999999", "#fff", "#FFFFFE", "#12", "#1234", "#fffffff0", "rgb(255,255,255)", "rgba(0 0 0 / 0)",
    "rgb(100%,-5,300)", "hsl(0,0%,0%)", "white", "WhiteSmoke", "transparent", "inherit", "url(x)", "linear-gradient(red)", "!important", "/*", "*/", " ", "\t",
    "smaller", "xx-large", "12pt/1.5", "bold", "rect(0,0,0,0)", "rect(1px 1px 1px 1px)", "+3", "-", ".", "e", "(", ")", "all", "1in", "2ch", "3rem",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STYLE_PARTS), max_size=24), st.booleans())
def test_the_engines_agree_on_styles(parts: list[str], as_sheet: bool) -> None:
    style = "".join(parts)
    fuzz_html.check(
        f"<style>p,*.a,#b{{{style}}}</style><p>x<i class=a>y<u id=b>z" if as_sheet else f'<p style="{style}">x<b style="{style}">y'
    )


def test_the_engines_agree_on_damaged_documents() -> None:
    for number in range(150):
        fuzz_html.check(fuzz_html.document(random.Random(f"test/{number}")))


def test_a_difference_would_be_found() -> None:
    """The negative control of the comparison."""
    original = html._engine
    try:
        html._engine = lambda head, tail, caps: original(head.replace(b"x", b"y"), tail, caps)
        with pytest.raises(AssertionError, match="visible"):
            fuzz_html.check("x")
    finally:
        html._engine = original
