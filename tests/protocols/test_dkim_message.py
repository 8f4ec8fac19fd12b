"""Canonical forms and digests against a plain line-by-line reading of RFC 6376 §3.4."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import plain_body, plain_relaxed_field
from wardline.protocols.dkim_message import (
    FIELDS_LIMIT,
    HEADER_LIMIT,
    LINES_LIMIT,
    body_digests,
    canonical_body,
    canonical_field,
    relaxed_field,
    select,
    split,
)

PIECES = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"  ", b"\r", b"b c", b" \r\n"]), max_size=40).map(b"".join)


def test_the_example_of_the_standard() -> None:
    """RFC 6376 §3.4.5."""
    message = split(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n")
    assert [relaxed_field(field.raw) for field in message.fields] == [b"a:X", b"b:Y Z"]
    assert [canonical_field(field.raw, "simple") for field in message.fields] == [b"A: X", b"B : Y\t\r\n\tZ  "]
    assert canonical_body(message.body, "relaxed") == b" C\r\nD E\r\n"
    assert canonical_body(message.body, "simple") == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b"x", b"x\r\n", b"x\r\n"),
        (b"x\r\n\r\n\r\n", b"x\r\n", b"x\r\n"),
        (b" \t\r\n", b" \t\r\n", b""),
        (b"x\r\r\n\r\n", b"x\r\r\n", b"x\r\r\n"),
        (b"x\r", b"x\r\r\n", b"x\r\r\n"),
        (b"x \t", b"x \t\r\n", b"x\r\n"),
    ],
)
def test_ends_of_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    assert canonical_body(body, "simple") == simple
    assert canonical_body(body, "relaxed") == relaxed


@given(PIECES)
def test_bodies_as_the_plain_reading(body: bytes) -> None:
    for form in ("simple", "relaxed"):
        assert canonical_body(body, form) == plain_body(body, form)


@given(PIECES)
def test_fields_as_the_plain_reading(value: bytes) -> None:
    field = b"Subject :" + value.replace(b"\r\n", b"\r\n ").replace(b"\r", b"\r\n ") if b"\r" in value else b"Subject :" + value
    assert relaxed_field(field) == plain_relaxed_field(field)


def test_line_ends_of_files_are_mended() -> None:
    assert split(b"A: 1\nB: 2\n\nbody\n") == split(b"A: 1\r\nB: 2\r\n\r\nbody\r\n")
    assert split(b"A: 1\r\nB: 2\n\nbody\n") == split(b"A: 1\r\nB: 2\r\n\r\nbody\r\n")


def test_messages_without_one_or_the_other() -> None:
    assert split(b"") == split(b"")
    assert split(b"\r\nbody").body == b"body"
    assert split(b"A: 1").body == b""
    assert [field.name for field in split(b"no field\r\nB: 1\r\n\r\n").fields] == [b"", b"b"]


def test_long_headers_are_cut() -> None:
    assert split(b"A: 1\r\n" * (FIELDS_LIMIT + 5) + b"\r\nx").cut == "header_limit"
    assert len(split(b"A: 1\r\n" * (FIELDS_LIMIT + 5) + b"\r\nx").fields) == FIELDS_LIMIT
    long = split(b"A: 1\r\n" + b"B: " + b"x" * HEADER_LIMIT + b"\r\n\r\nbody")
    assert long.cut
    assert [field.name for field in long.fields] == [b"a"]
    assert long.body == b"body"


@pytest.mark.parametrize("unit", [b"\n", b"\r", b"\r\n"])
def test_bodies_of_nothing_but_line_ends_are_not_looked_at(unit: bytes) -> None:
    message = split(b"A: 1\r\n\r\n" + unit * (LINES_LIMIT + 1))
    assert ([field.name for field in message.fields], message.body, message.cut) == ([b"a"], b"", "lines_limit")


def test_names_take_the_lowest_field_left() -> None:
    fields = split(b"X: 1\r\nY: 2\r\nX: 3\r\n\r\n").fields
    assert select(fields, ["x", "y", "X", "x", "", "z"]) == [b"X: 3", b"Y: 2", b"X: 1"]


def test_digests_of_several_lengths_come_from_one_pass() -> None:
    body = b"one\r\ntwo\r\n\r\n"
    keys = [("simple", "sha256", None), ("simple", "sha256", 5), ("simple", "sha256", 0), ("relaxed", "sha1", 3), ("simple", "sha256", 99)]
    found = body_digests(body, keys)
    assert found[keys[0]].digest == hashlib.sha256(b"one\r\ntwo\r\n").digest()
    assert (found[keys[1]].digest, found[keys[1]].uncovered_bytes) == (hashlib.sha256(b"one\r\n").digest(), 5)
    assert found[keys[2]].digest == hashlib.sha256(b"").digest()
    assert found[keys[3]].digest == hashlib.sha1(b"one").digest()
    assert found[keys[4]].uncovered_bytes == -1
    assert body_digests(body, []) == {}


def test_large_hostile_bodies() -> None:
    """Each once made a naive reader quadratic: blanks only, line ends only, alternating, mixed runs."""
    seeded = random.Random(5)
    size = 1 << 20
    for body in (b" " * size, b"\r\n" * (size // 2), b"\r" * size, b" \t" * (size // 2), b" \r\n" * (size // 3), b"a  " * (size // 3)):
        for form in ("simple", "relaxed"):
            assert len(canonical_body(body, form)) <= size + 2
    mixed = b"".join(b"x" + b" " * seeded.choice([1, 2, 3, 7, 63, 64, 65, 1023, 1025, 5000]) for _ in range(500))
    assert canonical_body(mixed, "relaxed") == b"x " * 499 + b"x\r\n"
