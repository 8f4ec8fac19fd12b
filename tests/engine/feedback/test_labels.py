"""The state of labels: expiry, withdrawal, as of a seq, floods, bounded memory; and that the journal alone makes it again."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.feedback.labels import LABELS_LIMIT, POINT, SOURCES_LIMIT, Labels, Said
from wardline.engine.label import Label, Trust
from wardline.engine.record import Record
from wardline.engine.states.snapshot import advance

TRUST = Trust(trusted=frozenset({"desk"}), listed=frozenset({"partner", "bank"}))
LATER = 10**15


def record(seq: int, label: Label, point: str = POINT) -> Record:
    return Record(seq, 0, "label", label.id, label.told_us, point, body=msgspec.msgpack.encode(label))


def label(label_id: str, about: str = "account:a", source: str = "desk", abusive: bool = True, **more: object) -> Label:
    given = {"confidence": 1.0, "said_us": 100, "told_us": 200, "counts_as": source} | more
    return Label(id=label_id, about=about, abusive=abusive, source=source, **given)  # type: ignore[arg-type]


def fed(*labels: Label, things_limit: int = 1000) -> Labels:
    state = Labels(TRUST, things_limit=things_limit)
    for seq, each in enumerate(labels, 1):
        advance(state, record(seq, each))
    return state


def withdrawal(of: Label, by_id: bool = True) -> Label:
    return msgspec.structs.replace(of, id=f"w{of.id}", withdraws=of.id if by_id else "", withdrawn=True)


def test_one_look_up() -> None:
    state = fed(label("1"))
    assert state.standing("account:a", now_us=LATER).abusive is True
    assert state.standing("account:b", now_us=LATER).abusive is None
    assert [said.id for _source, said in state.of("account:a")] == ["1"]
    assert state.find("account:a", "1") is not None and state.find("account:a", "2") is None


def test_another_source_speaks_while_a_thread_reads() -> None:
    """A training reads labels in a thread, while they come in."""
    state = fed(label("1"), label("2", source="partner"))

    class Meanwhile(list[Said]):
        def __iter__(self) -> Iterator[Said]:
            advance(state, record(3, label("3", source="bank")))
            return super().__iter__()

    sources = state.things["account:a"].sources
    first = next(iter(sources))
    sources[first] = Meanwhile(sources[first])
    assert [said.id for _source, said in state.of("account:a")] == ["1", "2"]
    assert [said.id for _source, said in state.of("account:a")] == ["1", "2", "3"]


def test_expiry_and_label_time() -> None:
    state = fed(label("1", expires_us=500))
    assert [state.standing("account:a", now_us=now).abusive for now in (99, 100, 499, 500)] == [None, True, True, None]


def test_what_a_source_says_later_replaces_what_it_said() -> None:
    state = fed(label("1"), label("2", abusive=False, said_us=300))
    assert state.standing("account:a", now_us=LATER).abusive is False
    assert state.standing("account:a", now_us=200).abusive is True
    assert state.standing("account:a", now_us=LATER).labels == 1
    late = fed(label("1", said_us=300), label("2", abusive=False, said_us=250))
    assert late.standing("account:a", now_us=LATER).abusive is True  # it arrived later and was said before


def test_a_withdrawal_leaves_the_past_as_it_was() -> None:
    one = label("1")
    state = fed(one, withdrawal(one))
    assert state.standing("account:a", now_us=LATER).abusive is None
    assert state.standing("account:a", now_us=LATER, as_of_seq=1).abusive is True
    assert state.standing("account:a", now_us=LATER, as_of_seq=0).sources == 0


def test_no_later_label_leaks_into_what_was_known() -> None:
    state = fed(label("1", about="event:e"), label("2", about="event:e", abusive=False, said_us=50))
    assert state.standing("event:e", now_us=LATER, as_of_seq=1).abusive is True  # the backdated one came at seq 2


def test_withdrawn_by_who_said_it() -> None:
    ann, bob = label("1", source="partner", reporter="user:ann"), label("2", source="partner", reporter="user:bob", abusive=False)
    state = fed(ann, bob, withdrawal(bob, by_id=False))
    standing = state.standing("account:a", now_us=LATER)
    assert (standing.labels, standing.score > 0.5) == (1, True)


def test_a_flood_of_one_source_stays_one_source_and_small() -> None:
    state = Labels(TRUST)
    for seq in range(1, 20_001):
        advance(state, record(seq, label(str(seq), source="partner", reporter=f"user:{seq}")))
    standing = state.standing("account:a", now_us=LATER)
    assert (standing.abusive, standing.sources, standing.labels) == (None, 1, LABELS_LIMIT)
    assert len(state.snapshot()) < 4_000
    assert state.standing("account:a", now_us=LATER, as_of_seq=19_990).whole is False
    assert standing.whole is True


def test_a_flood_does_not_push_out_another_source() -> None:
    state = fed(label("1"), *(label(str(number), source="partner", abusive=False) for number in range(2, 100)))
    assert state.standing("account:a", now_us=LATER).abusive is True


def test_the_same_reporter_again_and_again_keeps_the_others() -> None:
    ann = label("1", source="partner", reporter="user:ann")
    state = fed(ann, *(label(str(number), source="partner", reporter="user:bob") for number in range(2, 100)))
    assert state.find("account:a", "1") is not None


def test_memory_is_bounded_by_things_and_sources() -> None:
    state = fed(*(label(str(number), about=f"account:{number}") for number in range(50)), things_limit=10)
    assert list(state.things) == [f"account:{number}" for number in range(40, 50)]
    many = fed(*(label(str(number), source=f"s{number}") for number in range(SOURCES_LIMIT + 5)))
    assert len(many.things["account:a"].sources) == SOURCES_LIMIT


def test_erasing_and_expiring() -> None:
    state = fed(label("1"), label("2", about="event:e", source="partner", reporter="account:a"), label("3", about="event:f", told_us=900))
    assert state.erase("account:a") == 2
    assert list(state.things) == ["event:f"]
    assert state.expire(900) == 0 and state.expire(901) == 1 and not state.things


def test_other_records_and_points() -> None:
    state = Labels(TRUST, {"mail.in": lambda record: label("m", about="event:d") if record.body else None})
    advance(state, Record(1, 0, "decision", "x", 1, "label", body=b"not a label"))
    advance(state, Record(2, 0, "label", "x", 1, "nobody.knows", body=b"?"))
    advance(state, Record(3, 0, "label", "x", 1, "mail.in", body=b""))
    assert not state.things and state.applied_seq == 3
    advance(state, Record(4, 0, "label", "x", 1, "mail.in", body=b"y"))
    assert state.standing("event:d", now_us=LATER).abusive is True
    with pytest.raises(msgspec.DecodeError):
        state.apply(Record(5, 0, "label", "x", 1, POINT, body=b"\xc1"))


_labels = st.lists(
    st.builds(
        label,
        st.sampled_from("123456"),
        about=st.sampled_from(["account:a", "account:b", "event:1", "event:2"]),
        source=st.sampled_from(["desk", "partner", "bank"]),
        abusive=st.booleans(),
        said_us=st.integers(0, 400),
        expires_us=st.none() | st.integers(1, 500),
        reporter=st.sampled_from(["", "user:x", "user:y"]),
        withdraws=st.sampled_from(["", "1", "2"]),
        withdrawn=st.booleans(),
    ),
    max_size=30,
)


@given(_labels, st.integers(0, 30), st.integers(0, 600))
def test_a_snapshot_anywhere_and_the_tail_make_the_same_state(labels: list[Label], cut: int, now_us: int) -> None:
    whole = fed(*labels, things_limit=3)
    first = fed(*labels[:cut], things_limit=3)
    second = Labels(TRUST, things_limit=3)
    second.restore(first.snapshot())
    second.applied_seq = first.applied_seq
    for seq, each in enumerate(labels, 1):
        advance(second, record(seq, each))
    assert second.digest() == whole.digest()


@given(_labels, st.integers(0, 30), st.integers(0, 600))
def test_as_of_a_seq_is_what_was_known_then(labels: list[Label], cut: int, now_us: int) -> None:
    """The whole state asked as of a record says what a state says that never saw the rest, unless it owns up to having forgotten."""
    whole, first = fed(*labels), fed(*labels[:cut])
    for about in ("account:a", "account:b", "event:1", "event:2"):
        then = whole.standing(about, now_us=now_us, as_of_seq=cut)
        assert then == first.standing(about, now_us=now_us) or not then.whole
