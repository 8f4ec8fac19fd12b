"""Records: bytes and back, bounds with clear errors, and where they are filed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.record import BODY_LIMIT_BYTES, KEYS_LIMIT, TEXT_LIMIT, Record, check, decode, encode, lookup_hash, lookup_hashes

texts = st.text(st.characters(codec="utf-8"), max_size=20)
records = st.builds(
    Record,
    st.integers(0, 1 << 62),
    st.integers(0, 9),
    st.sampled_from(("event", "decision")),
    texts,
    st.integers(0, 1 << 60),
    texts,
    texts,
    st.lists(texts, max_size=4).map(tuple),
    st.integers(1, 9),
    st.binary(max_size=100),
)


@given(records)
def test_encode_and_decode_are_inverse(record: Record) -> None:
    assert decode(encode(record)) == record


@given(records)
def test_with_seq_changes_the_place_only(record: Record) -> None:
    assert record.with_seq(5).with_seq(record.seq) == record


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (Record(0, 0, "gossip", "a", 1), "no kind 'gossip'"),
        (Record(0, 0, "event", "a", 1, body=bytes(BODY_LIMIT_BYTES + 1)), "limit is 1048576"),
        (Record(0, 0, "event", "a", 1, keys=("k",) * (KEYS_LIMIT + 1)), "65 keys"),
        (Record(0, 0, "event", "a" * (TEXT_LIMIT + 1), 1), "257 characters"),
        (Record(0, 0, "event", "a", 1, keys=("k" * 300,)), "300 characters"),
        (Record(0, 0, "event", "a", 1, schema_version=0), "schema_version is 0"),
    ],
)
def test_bounds(record: Record, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(record)


def test_a_record_within_bounds_passes() -> None:
    check(Record(0, 0, "event", "a" * TEXT_LIMIT, 1, keys=("k",) * KEYS_LIMIT, body=bytes(BODY_LIMIT_BYTES)))


def test_filed_under_id_subject_and_keys() -> None:
    record = Record(1, 0, "event", "a", 1, subject="account:1", keys=("k:1", "k:2"))
    expected = {lookup_hash("id", "event/a"), lookup_hash("subject", "account:1"), lookup_hash("key", "k:1"), lookup_hash("key", "k:2")}
    assert lookup_hashes(record) == expected
    assert len(expected) == 4


def test_hashes_never_change() -> None:
    """They stand in databases: a change would need a migration."""
    assert lookup_hash("id", "event/a") == -7331762329190456032
    assert lookup_hash("key", "k:1") == 4658215382647518951
