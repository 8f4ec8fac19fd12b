"""Whatever events hold, a condition hits the same rows in the history as it does in the engine, and nothing is lost."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from learning.history.builders import START_US, Kept

from wardline.engine.kept import KeptDecision, kept_decision, pack
from wardline.engine.record import Record
from wardline.engine.rule import compile_condition
from wardline.learning.history.compaction import compact, tail
from wardline.learning.history.question import Question, ask
from wardline.learning.history.session import Session
from wardline.learning.history.store import History

NAMES = {"n": "number", "m.x": "number", "t": "text", "b": "bool", "l": "list"}
CONDITIONS = [
    "n > 1",
    "not n > 1",
    "n + m.x == 3 or missing(m.x)",
    "n / m.x < 1",
    'n in [1, 2] and t != "a"',
    't == "a"',
    't < "b" or b',
    "not b",
    '"a" in l',
    "missing(l)",
    "count(l) > 1",
    'any_of(l, ["a", "b"])',
    'lower(t) == "a" or starts_with(t, "\\u00e9")',
    "missing(n) or missing(t)",
    "coalesce(n, m.x, 0) >= 0",
    "count(t) > 2",
]
numbers = st.one_of(st.sampled_from([0, 1, 2, 3, -1, 2**53 + 1, 10**400 // 10**385]), st.integers(-5, 5), st.floats(width=64))
texts = st.one_of(st.sampled_from(["a", "A", "b", "é", "", "'", '"', "a\0", "😀", "%", "\\"]), st.text(max_size=4))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.one_of(scalars, st.lists(scalars, max_size=3))
facts = st.dictionaries(
    st.one_of(st.sampled_from([*NAMES, *NAMES, 'a"b', "_seq", "N", "é", "x" * 101]), st.text(max_size=5)), values, max_size=8
)


@settings(max_examples=40)
@given(st.lists(st.tuples(facts, facts), min_size=1, max_size=8), st.integers(0, 8))
def test_a_condition_hits_the_same_rows(events: list[tuple[dict[str, Any], dict[str, Any]]], compacted: int) -> None:
    records = []
    for seq, (its, read) in enumerate(events, 1):
        kept = KeptDecision(id=f"e{seq}", type="login", occurred_us=START_US + seq, facts=its, read=read, verdict="allow", score=0.5)
        records.append(Record(seq, 0, "decision", kept.id, START_US + seq, "login", body=pack(kept)))
    stored = [found for record in records if (found := kept_decision(record))]
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        compact(history, Kept(records[:compacted]), declared={"": NAMES})
        with Session(history, tail(history, Kept(records), {"": NAMES})) as session:
            there = session.names("login")
            for text in CONDITIONS:
                condition = compile_condition(text, NAMES)
                if not set(condition.reads) <= set(there):
                    continue  # no event had it
                expected = [
                    kept.id for kept in stored if condition.holds({**kept.facts, **{n: v for n, v in kept.read.items() if v is not None}})
                ]
                reply = (
                    ask(session, Question(text=f"login where {text}", select=("id",), limit=100))
                    if "id" not in session.kinds("login")
                    else None
                )
                if reply is not None:
                    assert sorted(row[0] for row in reply.rows) == sorted(expected), text
            rows = session.arrow(f"SELECT _seq, _other FROM {session.events('login', ['_seq', '_other'])}").to_pylist()
        assert sorted(row["_seq"] for row in rows) == [record.seq for record in records]
        for row in rows:
            aside, kept = json.loads(row["_other"] or "{}"), stored[row["_seq"] - 1]
            for name in aside:
                assert name in kept.facts or name in kept.read or name.removeprefix("fact:") in kept.facts
