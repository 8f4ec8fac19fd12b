"""Facts together as one number: by the book, unknown where one is unknown, and equal with and without the compiled twin."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.feature import Value
from wardline.engine.groups.joint import Joint, native_numbers, numbers_plain

PARTS = (("place", ("ip", "hour")), ("half", ("ip", "none")), ("absent", ("nothing",)), ("odd", ("odd",)), ("alone", ()))


def test_facts_together_are_one_number_where_all_are_known() -> None:
    facts: dict[str, Value] = {"ip": "a", "hour": 13, "none": None, "odd": "\ud800"}
    book = int.from_bytes(blake2b(b"place|a|13", digest_size=7).digest(), "little")
    place, half, absent, odd, alone = Joint(PARTS, size=7).numbers(facts)
    assert place == book and half is absent is None
    assert odd is not None and alone is not None


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.lists(st.text(max_size=5), max_size=3))


@pytest.mark.skipif(native_numbers is None, reason="built without a C compiler")
@given(st.dictionaries(st.sampled_from("abcdef"), VALUES), st.binary(max_size=64), st.integers(1, 8), st.text(max_size=260))
def test_the_twins_are_equal(facts: dict[str, Value], key: bytes, size: int, name: str) -> None:
    parts = ((name, ("a",)), (name, ("a", "b")), ("x", tuple("abcdef")), (name * 3, ()))
    assert native_numbers(key, size, parts, facts) == numbers_plain(key, size, parts, facts)


@pytest.mark.skipif(native_numbers is None, reason="built without a C compiler")
@pytest.mark.parametrize("length", [0, 127, 128, 129, 255, 256, 257, 1000])
def test_the_twins_are_equal_at_the_edges_of_a_block(length: int) -> None:
    for key in (b"", b"k", b"k" * 64):
        parts = (("x" * length, ()),)
        assert native_numbers(key, 8, parts, {}) == numbers_plain(key, 8, parts, {})


@pytest.mark.skipif(native_numbers is None, reason="built without a C compiler")
@pytest.mark.parametrize(
    ("key", "size", "parts"), [(b"k" * 65, 8, ()), (b"", 9, ()), (b"", 0, ()), (b"", 8, (("a",),)), (b"", 8, ((1, ()),)), (b"", 8, [])]
)
def test_what_it_cannot_take_is_refused(key: bytes, size: int, parts: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        native_numbers(key, size, parts, {})  # type: ignore[arg-type]
