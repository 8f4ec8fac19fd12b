"""The filter of ids: what was filed always reads as "maybe", at every moment; what was not reads as "no" nearly always."""

from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.record import lookup_hash
from wardline.engine.sql import seen as seen_module
from wardline.engine.sql.seen import LARGEST_HASH, SMALLEST_HASH, Seen

HASHES = st.integers(SMALLEST_HASH, LARGEST_HASH)


def hashes(name: str, count: int) -> list[int]:
    return [lookup_hash("id", f"{name}/{number}") for number in range(count)]


@given(st.lists(st.lists(HASHES, max_size=50), max_size=10))
def test_what_was_filed_is_never_denied(batches: list[list[int]]) -> None:
    seen = Seen(first_words=2, words_limit=8)
    for batch in batches:
        seen.add(batch)
    assert all(seen.maybe(hash) for batch in batches for hash in batch)


def test_strangers_are_told_apart_while_it_grows() -> None:
    seen = Seen(first_words=256, words_limit=1 << 14)
    known = hashes("known", 20_000)
    for start in range(0, len(known), 100):
        seen.add(known[start : start + 100])
    assert all(map(seen.maybe, known))
    assert sum(map(seen.maybe, hashes("stranger", 5_000))) < 250
    assert seen.size_bytes < 20 * len(known)


def test_beyond_its_limit_it_says_maybe_more_often_and_never_grows() -> None:
    seen = Seen(first_words=4, words_limit=16)
    for start in range(0, 5_000, 100):
        seen.add(hashes(f"part {start}", 100))
    assert seen.size_bytes <= (4 + 16) * 8 and all(seen.maybe(hash) for hash in hashes("part 0", 100))


def test_building_takes_every_page_over(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(seen_module, "PAGE", 7)
    filed = sorted([*hashes("old", 60), SMALLEST_HASH, LARGEST_HASH])
    seen = Seen()
    assert not seen.build(lambda first, limit: [hash for hash in filed if hash >= first][:limit], lambda: True) and not seen.ready
    assert seen.build(lambda first, limit: [hash for hash in filed if hash >= first][:limit])
    assert seen.ready and all(map(seen.maybe, filed))
