"""NearDuplicates: copies are counted though each was changed a little, memory is bounded, and a snapshot rebuilds the state."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.domains.mail.events import Attachment, Envelope, Link, Mail
from wardline.domains.mail.near_duplicates import (
    BANDS,
    BUCKET,
    EXACT,
    Copies,
    NearDuplicates,
    near_hash,
    simhash,
    simhash_numpy,
    similarity_hash,
)

HOUR = 3_600
LONG = " ".join(f"the {w} order of our winter shop is ready for you" for w in ("first", "second", "blue", "green", "last", "small"))


def distance(a: int | None, b: int | None) -> int:
    assert a is not None and b is not None
    return (a ^ b).bit_count()


def test_the_hash_is_specified_to_the_bit() -> None:
    """Test vectors: a change of these is a change of version 1."""
    assert similarity_hash(LONG) == VECTOR_LONG
    assert similarity_hash("Hello, world") == VECTOR_SHORT
    assert similarity_hash("Hello, world", ("b.example", "a.example")) == VECTOR_TOKENS
    assert similarity_hash("") is None


VECTOR_LONG = 0x53E2BA94E7F6FC5B
VECTOR_SHORT = 0x13C9C82620C2076F6
VECTOR_TOKENS = 0x1761638A538D3E71B


@given(st.binary(max_size=400) | st.text(max_size=300).map(str.encode), st.integers(0, 12), st.randoms())
def test_the_twins_agree(data: bytes, tokens: int, chance: random.Random) -> None:
    digests = chance.randbytes(8 * tokens)
    assert simhash(data, digests) == simhash_numpy(data, digests)


def test_a_repeated_text_is_counted_as_often_as_it_stands_there() -> None:
    for times in (1, 3, 255, 256, 257, 4_000):
        data = b"abcdefgh" * times
        assert simhash(data, b"") == simhash_numpy(data, b"")


def test_case_digits_and_punctuation_do_not_matter() -> None:
    assert similarity_hash(LONG) == similarity_hash(LONG.upper().replace(" ", ",  "))
    assert similarity_hash(LONG + " code 123456") == similarity_hash(LONG + " code 987650")


def test_a_changed_name_stays_close_and_another_text_is_far() -> None:
    rng = random.Random(7)
    words = ["".join(rng.choice("etaoinshrdlu") for _ in range(rng.randint(2, 9))) for _ in range(900)]
    base = [rng.choice(words) for _ in range(350)]
    near = [*base]
    near[3] = "mirabel"
    near[200] = "wednesday"
    other = [rng.choice(words) for _ in range(350)]
    assert distance(similarity_hash(" ".join(base)), similarity_hash(" ".join(near))) <= 6
    assert distance(similarity_hash(" ".join(base)), similarity_hash(" ".join(other))) > 15


def test_short_texts_are_compared_exactly() -> None:
    key = similarity_hash("see you at noon")
    assert key is not None and key & EXACT
    state = NearDuplicates()
    state.see(key, 0)
    assert state.see(similarity_hash("see you at nine") or 0, 1) == Copies(0, 0, 0)
    assert state.see(key, 2) == Copies(1, 0, 0)


def test_hosts_and_attachments_belong_to_the_hash() -> None:
    plain = Mail(envelope=Envelope(), raw=b"", size_bytes=0, fingerprint="")
    assert near_hash(plain) is None
    link = Mail(envelope=Envelope(), raw=b"", size_bytes=0, fingerprint="", links=(Link(url="http://a.example/", host="a.example"),))
    file = Mail(
        envelope=Envelope(), raw=b"", size_bytes=0, fingerprint="", attachments=(Attachment(detected_type="application/pdf", size_bytes=9),)
    )
    assert len({near_hash(plain), near_hash(link), near_hash(file)}) == 3


def test_reads_before_it_writes_and_forgets_after_the_window() -> None:
    state = NearDuplicates(window_seconds=2 * HOUR)
    assert state.see(5, 0) == Copies(0, 0, 0)
    assert state.see(5 ^ 0b111, 10) == Copies(1, 0, 0)
    assert state.see(5, HOUR) == Copies(2, 0, 0)
    assert state.read(5, 2 * HOUR) == Copies(1, 0, 0)
    assert state.read(5, 9 * HOUR) == Copies(0, 0, 0)


def test_a_late_copy_counts_in_its_own_hour() -> None:
    state = NearDuplicates(window_seconds=4 * HOUR)
    state.see(5, 10 * HOUR)
    state.see(5, 8 * HOUR)
    assert state.read(5, 10 * HOUR).seen == 2
    assert state.read(5, 12 * HOUR).seen == 1
    state.see(5, 0)  # older than the window: it changes nothing
    assert state.read(5, 10 * HOUR).seen == 2


def test_labels_are_taken_back_and_never_negative() -> None:
    state = NearDuplicates()
    state.label(9, True)
    state.label(9, True)
    state.label(9, False)
    assert state.see(9, 0) == Copies(0, 2, 1)
    state.label(9, True, -1)
    state.label(9, False, -1)
    state.label(9, False, -1)
    assert state.read(9, 0) == Copies(1, 1, 0)
    state.label(12345678912345, True, -1)
    assert len(state) == 1


def test_memory_is_bounded_and_the_oldest_leaves() -> None:
    state = NearDuplicates(capacity=100)
    rng = random.Random(3)
    keys = [rng.getrandbits(64) for _ in range(150)] + [EXACT | rng.getrandbits(64) for _ in range(150)]
    for key in keys:
        state.see(key, 0)
    assert len(state) == 100
    assert state.evicted == 200
    assert state.read(keys[0], 0) == Copies(0, 0, 0)
    assert state.read(keys[-1], 0) == Copies(1, 0, 0)


def test_an_attacker_cannot_make_a_look_up_dear() -> None:
    """Hashes that agree in one band share one bucket; it stays at its bound."""
    state = NearDuplicates()
    rng = random.Random(4)
    for _ in range(2_000):
        state.see(rng.getrandbits(64) & ~0x1FF, 0)
    assert max(len(bucket) for bucket in state._bands.values()) <= BUCKET
    assert len(state) <= BUCKET * 512
    assert len(state._band_keys(0)) == BANDS


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, (1 << 65) - 1), st.integers(0, 10 * 86_400), st.sampled_from(["see", "spam", "ham", "unspam"])),
        max_size=60,
    )
)
def test_a_snapshot_rebuilds_the_state(steps: list[tuple[int, int, str]]) -> None:
    state = NearDuplicates(capacity=20)
    for key, time_s, what in steps:
        if what == "see":
            state.see(key, time_s)
        else:
            state.label(key, what != "ham", -1 if what == "unspam" else 1)
    copy = NearDuplicates(capacity=20)
    copy.restore(state.snapshot())
    assert copy.digest() == state.digest()
    for state_or_copy in (state, copy):
        state_or_copy.see(77, 5)
    assert copy.digest() == state.digest()


@settings(deadline=None)
@given(st.text(), st.lists(st.text(max_size=20), max_size=4))
def test_any_text_has_a_hash(text: str, tokens: list[str]) -> None:
    key = similarity_hash(text, tuple(tokens))
    assert key is None or 0 <= key < 1 << 65


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xc1", b"[]"])
def test_a_bad_snapshot_changes_nothing(data: bytes) -> None:
    state = NearDuplicates()
    state.see(1, 0)
    before = state.digest()
    with pytest.raises(ValueError, match="near_duplicates"):
        state.restore(data)
    with pytest.raises(ValueError, match="near_duplicates"):
        state.restore(NearDuplicates(capacity=7).snapshot())
    assert state.digest() == before


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="whole hours"):
        NearDuplicates(window_seconds=100)
