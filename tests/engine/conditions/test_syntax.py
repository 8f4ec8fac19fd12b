"""Tokens: each with its place; a text is what is written between its quotes."""

import pytest

from wardline.engine.conditions.syntax import place, tokens


def test_tokens_with_their_places() -> None:
    found = tokens("n.a>=1e3 and\n t in ['x']")
    assert [(token.kind, token.text) for token in found] == [
        ("name", "n.a"), ("operator", ">="), ("number", "1e3"), ("word", "and"), ("name", "t"), ("word", "in"), ("operator", "["), ("text", "'x'"),
        ("operator", "]"), ("end", "the end"),
    ]  # fmt: skip
    assert [place("n.a>=1e3 and\n t in ['x']", token.at) for token in found[2:5]] == [(1, 6), (1, 10), (2, 2)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        (r"'\\\'\n\t\r'", "\\'\n\t\r"),
        (r"'\u20ac'", "€"),
        ("'ﬁ\u202e'", "ﬁ\u202e"),
        ("12_000", 12000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1E-3", 0.001),
        ("9007199254740992", 2.0**53),
        ("1e308", 1e308),
        ("1e-999", 0.0),
    ],
)
def test_literals(written: str, value: object) -> None:
    assert tokens(written)[0].value == value
