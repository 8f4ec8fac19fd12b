"""Tag lists (RFC 6376 §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.taglist import TagListProblem, joined, parse, without_signature


def test_tags() -> None:
    assert parse(b" v=1; a = rsa-sha256 ;b=ab\r\n c= ; ") == {"v": "1", "a": "rsa-sha256", "b": "ab\r\n c="}
    assert joined("ab\r\n c=") == "abc="


@pytest.mark.parametrize("text", [b"v", b"=x", b"a=1; a=2", b"a=1;;b=2", b"1a=x", b"a b=c", b"a=1; b", b"x" * 70_000, b"a=1;" * 200])
def test_what_is_no_tag_list(text: bytes) -> None:
    with pytest.raises(TagListProblem):
        parse(text)


def test_lenient_skips_what_it_cannot_read() -> None:
    assert parse(b"v=DMARC1;;p=reject; junk; p=none", lenient=True) == {"v": "DMARC1", "p": "reject"}


@pytest.mark.parametrize(
    ("field", "without"),
    [
        (b"X: a=1; b=abc; c=2", b"X: a=1; b=; c=2"),
        (b"X: a=1; bh=abc; b= ab\r\n c ", b"X: a=1; bh=abc; b="),
        (b"X: b =x;bh=y", b"X: b =;bh=y"),
        (b"X: bh=y", b"X: bh=y"),
        (b"X: b=1; b=2", b"X: b=; b=2"),
    ],
)
def test_the_signature_is_taken_out(field: bytes, without: bytes) -> None:
    assert without_signature(field) == without


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(text: bytes, lenient: bool) -> None:
    try:
        parse(text, lenient=lenient)
    except TagListProblem:
        assert not lenient or text.count(b";") > 100
    without_signature(text)
