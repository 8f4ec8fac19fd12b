"""Signed ids, recipient tags and the recognition of our own header fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.domains.mail.identity import (
    bears_our_name,
    head_fields,
    is_own_field,
    own_instances,
    recipient_tag,
    sign_id,
    take_off,
    verify_id,
)

KEY = b"k" * 32


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";"), min_size=1, max_size=128))
def test_a_signed_id_verifies_under_its_key_only(decision_id: str) -> None:
    value = sign_id(decision_id, KEY)
    assert verify_id(value, KEY) == decision_id
    assert verify_id(value, b"another key") is None


@given(st.text(max_size=300))
def test_strangers_cannot_make_an_id(value: str) -> None:
    assert verify_id(value, KEY) is None


def test_every_changed_character_is_noticed() -> None:
    value = sign_id("01JD2Z8Q4N", KEY)
    for at in range(len(value)):
        changed = value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
        assert verify_id(changed, KEY) in (None, "01JD2Z8Q4N" if value[at] == " " else None)


@pytest.mark.parametrize("bad", ["", "a b", "a;b", "a\r\nX: y", "é", "x" * 129])
def test_an_id_that_could_break_a_header_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        sign_id(bad, KEY)


def test_recipient_tags_are_keyed_and_fold_case() -> None:
    assert recipient_tag("B@Example.net", KEY) == recipient_tag("<b@example.net>", KEY)
    assert recipient_tag("b@example.net", KEY) != recipient_tag("b@example.net", b"other")
    assert len(recipient_tag("b@example.net", KEY)) == 16
    # An id's signature is no recipient's tag and the other way round.
    assert recipient_tag("x", KEY) not in sign_id("x", KEY)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        (b"X-Wardline-Verdict", True),
        (b"x-wardline-anything", True),
        (b"X-WARDLINE-ID \t", True),
        (b"X-Spam", True),
        (b"X-Spam-Status", False),
        (b"X-Wardlines", False),
        (b"Subject", False),
    ],
)
def test_own_fields(name: bytes, own: bool) -> None:
    assert is_own_field(name) is own


@pytest.mark.parametrize(
    "value",
    [
        b" mx.example.net; spf=pass",
        b"\tMX.Example.NET;none",
        b" (a comment; fake.example) mx.example.net 1; none",
        b" (nested (comment) \\) still) mx.example.net(x); none",
        b'\r\n "mx.example.net"; none',
        b' "mx.exa\\mple.net" 1; none',
        b" mx.example.net. ; none",
        b"mx.example.net",
    ],
)
def test_our_authentication_results_are_recognised_in_every_dress(value: bytes) -> None:
    assert bears_our_name(b"authentication-RESULTS", value, ("Mx.example.net",))


@pytest.mark.parametrize("value", [b" mx.example.org; spf=pass", b"", b" ((((", b' "', b" (mx.example.net) other; none"])
def test_results_of_others_stay(value: bytes) -> None:
    assert not bears_our_name(b"Authentication-Results", value, ("mx.example.net",))


@given(st.binary(max_size=300))
def test_any_results_are_read(value: bytes) -> None:
    bears_our_name(b"Authentication-Results", value, ("mx.example.net",))


def test_take_off_restores_the_message_that_was_judged() -> None:
    original = b"From: a@example.com\r\nSubject: x-wardline-id: no\r\n folded\r\n\r\nX-Wardline-Id: in the body\r\n"
    tagged = (
        b"X-Wardline-Id: abc; 123\r\nX-Wardline-Recipients: 0=junk,\r\n 1=junk\r\nX-Spam: Yes\r\n"
        + original[:21]
        + b"x-wardline-verdict : junk\r\n"
        + original[21:]
    )
    assert take_off(tagged) == (original, ("abc; 123",))
    assert take_off(original) == (original, ())


@given(st.binary(max_size=500))
def test_take_off_keeps_everything_that_is_not_ours(raw: bytes) -> None:
    rest, ids = take_off(raw)
    if b"x-wardline-" not in raw.lower() and b"x-spam" not in raw.lower():
        assert (rest, ids) == (raw, ())
    assert len(rest) <= len(raw)


@given(st.binary(max_size=300))
def test_head_fields_cover_the_head_without_gaps(raw: bytes) -> None:
    at = 0
    for name, value, start, end in head_fields(raw):
        assert start == at < end
        assert raw[start:end] in (name, name + b":" + value)
        at = end


def test_own_instances_are_counted_per_name_and_given_from_the_last() -> None:
    raw = (
        b"X-Wardline-A: 1\r\nAuthentication-Results: mx.example.org; none\r\nx-wardline-a: 2\r\n folded\r\n"
        b"Authentication-Results: mx.example.net; spf=pass\r\nX-Spam: No\r\n\r\nX-Wardline-A: 3\r\n"
    )
    assert own_instances(raw, ("mx.example.net",)) == [
        ("X-Spam", 1),
        ("Authentication-Results", 2),
        ("x-wardline-a", 2),
        ("X-Wardline-A", 1),
    ]
    assert len(own_instances(b"X-Wardline-A: 1\n" * 5000, ())) == 1000
