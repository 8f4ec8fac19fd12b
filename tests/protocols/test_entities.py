"""Character references."""

import html as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.entities import NAMED, decode


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&amp;&lt;&gt;&quot;", '&<>"'),
        ("&eacute;&Eacute;&nbsp;", "éÉ\u00a0"),
        ("&#65;&#x42;&#X43", "ABC"),
        ("&#150;&#128;", "–€"),
        ("&#0;&#xD800;&#x110000;&#99999999999999999999;", "\ufffd" * 4),
        ("&#1;&#127;&#10;", "  \n"),
        ("&copy 2", "© 2"),
        ("&notit;", "¬it;"),
        ("&ampx;", "&x;"),
        ("&bogus; &; & &# &#x &#xg;", "&bogus; &; & &# &#x &#xg;"),
        ("&amp;amp;", "&amp;"),
        ("&#000000000000000000065;", "A"),
        ("&NotEqualTilde;", "\u2242\u0338"),
        ("&CounterClockwiseContourIntegral;", "\u2233"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert decode(source.encode()).decode() == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("?a=1&copyx=2", "?a=1&copyx=2"),
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("&copy", "©"),
        ("a&lt", "a<"),
        ("&#x6a;avascript", "javascript"),
    ],
)
def test_attributes(source: str, text: str) -> None:
    assert decode(source.encode(), attribute=True).decode() == text


def test_every_name_of_the_standard() -> None:
    for name, value in NAMED.items():
        if name.endswith(b";"):
            assert decode(b"&" + name) == value


@given(st.text(alphabet="&#xX;0159aAbltgtcopynot ", max_size=40))
def test_agrees_with_the_standard_library_but_for_control_characters(text: str) -> None:
    expected = standard.unescape(text)
    found = decode(text.encode()).decode()
    # The library drops references to control characters, and reads "&#" followed by digits alike.
    if "&#" not in text:
        assert found == expected
