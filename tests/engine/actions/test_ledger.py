"""The ledger: every step from every status, order per entity, bounds; and that the journal alone makes it again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.action import Action, Cause, Step, pack
from wardline.engine.actions import ledger as module
from wardline.engine.actions.ledger import Ledger
from wardline.engine.record import Record
from wardline.engine.states.snapshot import advance

HOUR_US = 3_600_000_000


def action(action_id: str, entity: str = "account:a", **more: Any) -> Action:
    given = {"requested_us": 0, "expires_us": 1_000, "cause": Cause(kind="rule", id="r"), "key": action_id, "actor": "policy"} | more
    return Action(id=action_id, kind="lock", entity=entity, **given)


class Book:
    """A ledger and the journal's place."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.records: list[Record] = []
        self.heard: list[str] = []
        self.ledger.queued = self.heard.append

    def step(self, op: Any, action_id: str = "1", **more: Any) -> None:
        step = Step(op=op, id=action_id, at_us=more.pop("at_us", 1), **more)
        record = Record(len(self.records) + 1, 0, "action", str(len(self.records)), step.at_us, "action", body=pack(step))
        self.records.append(record)
        advance(self.ledger, record)

    def begin(self, action_id: str = "1", op: str = "requested", **more: Any) -> None:
        self.step(op, action_id, action=action(action_id, **more))

    @property
    def state(self) -> tuple[str, str]:
        entry = self.ledger.get("1")
        assert entry is not None
        return entry.status, entry.phase


PATHS: list[tuple[list[tuple[str, dict[str, Any]]], tuple[str, str], int]] = [
    ([], ("requested", "begin"), 1),
    ([("delivered", {"phase": "begin"})], ("done", ""), 0),
    ([("delivered", {"phase": "end"})], ("requested", "begin"), 1),
    ([("failed", {"phase": "begin", "tries": 3, "error": "down"})], ("failed", "begin"), 0),
    ([("failed", {"phase": "begin"}), ("retried", {"phase": "begin"})], ("requested", "begin"), 1),
    ([("failed", {"phase": "begin"}), ("undone", {})], ("ending", "end"), 1),
    ([("undone", {})], ("ending", "end"), 1),
    ([("undone", {}), ("undone", {})], ("ending", "end"), 1),
    ([("undone", {}), ("expired", {})], ("ending", "end"), 1),
    ([("undone", {}), ("delivered", {"phase": "begin"})], ("ending", "end"), 1),
    ([("undone", {}), ("delivered", {"phase": "end"})], ("undone", ""), 0),
    ([("delivered", {"phase": "begin"}), ("expired", {}), ("delivered", {"phase": "end"})], ("expired", ""), 0),
    ([("delivered", {"phase": "begin"}), ("expired", {}), ("undone", {}), ("delivered", {"phase": "end"})], ("expired", ""), 0),
    ([("expired", {}), ("failed", {"phase": "end"})], ("failed", "end"), 0),
    ([("expired", {}), ("failed", {"phase": "end"}), ("retried", {"phase": "end"})], ("ending", "end"), 1),
    ([("undone", {}), ("delivered", {"phase": "end"}), ("undone", {}), ("expired", {})], ("undone", ""), 0),
    ([("approved", {}), ("refused", {}), ("retried", {})], ("requested", "begin"), 1),
]


@pytest.mark.parametrize(("steps", "state", "waiting"), PATHS)
def test_steps(steps: list[tuple[str, dict[str, Any]]], state: tuple[str, str], waiting: int) -> None:
    book = Book()
    book.begin()
    for op, more in steps:
        book.step(op, **more)
    assert (book.state, book.ledger.waiting()) == (state, waiting)


@pytest.mark.parametrize(
    ("op", "state", "waiting"),
    [
        ("approved", ("requested", "begin"), 1),
        ("refused", ("refused", ""), 0),
        ("undone", ("undone", ""), 0),
        ("expired", ("expired", ""), 0),
        ("delivered", ("held", ""), 0),
    ],
)
def test_held(op: str, state: tuple[str, str], waiting: int) -> None:
    book = Book()
    book.begin(op="held")
    assert not book.heard
    book.step(op, phase="begin" if op == "delivered" else "")
    assert (book.state, book.ledger.waiting()) == (state, waiting)


def test_one_entity_is_told_in_order() -> None:
    book = Book()
    for action_id in ("1", "2", "3"):
        book.begin(action_id)
    book.begin("4", entity="account:b")
    assert (list(book.ledger.queues["account:a"]), list(book.ledger.queues["account:b"])) == (["1", "2", "3"], ["4"])
    book.step("undone", "1")  # it ends after what was asked for meanwhile
    assert list(book.ledger.queues["account:a"]) == ["2", "3", "1"]
    book.step("delivered", "2", phase="begin")
    following = book.ledger.next_for("account:a")
    assert following is not None and following.action.id == "3"
    assert book.ledger.next_for("account:c") is None
    assert book.heard == ["account:a"] * 3 + ["account:b", "account:a"]


def test_what_is_due_comes_once() -> None:
    book = Book()
    book.begin("1", expires_us=100)
    book.begin("2", expires_us=50)
    book.begin("3", op="held", expires_us=70)
    assert [entry.action.id for entry in book.ledger.due(49)] == []
    assert [entry.action.id for entry in book.ledger.due(70)] == ["2", "3"]
    due = book.ledger.due(1_000)
    assert [entry.action.id for entry in due] == ["1"]
    book.ledger.put_back(due[0])
    assert [entry.action.id for entry in book.ledger.due(1_000)] == ["1"]
    book.begin("4")
    book.step("undone", "4")
    assert book.ledger.due(10_000) == []  # it ends already


def test_the_cap_counts_one_cause_within_one_hour() -> None:
    book = Book()
    for number in range(3):
        book.begin(str(number))
    book.begin("h", op="held")
    book.begin("o", cause=Cause(kind="rule", id="other"))
    assert [book.ledger.within_hour(cap, 5) for cap in ("rule:r", "rule:other", "rule:none")] == [3, 1, 0]
    assert book.ledger.within_hour("rule:r", HOUR_US) == 0
    book.begin("n", requested_us=HOUR_US)
    assert book.ledger.within_hour("rule:r", HOUR_US + 1) == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RECENT_LIMIT", 5), ("DEAD_LIMIT", 5), ("CAUSES_LIMIT", 10)):
        monkeypatch.setattr(module, name, value)
    book = Book()
    for number in range(50):
        book.begin(f"s{number}", cause=Cause(kind="case", id=str(number)))
        book.step("undone", f"s{number}")
        book.step("delivered", f"s{number}", phase="end")
        book.begin(f"d{number}")
        book.step("failed", f"d{number}", phase="begin")
    ledger = book.ledger
    assert (len(ledger.recent), len(ledger.entries), len(ledger.dead), len(ledger.keys)) == (5, 5, 5, 10)
    assert len(ledger._counts) <= 10 and not ledger.queues
    assert len(ledger._expiries) <= 2 * len(ledger.entries) + 5 + 2  # none of the hundred is over yet
    assert ledger.by_key("s0") is None and ledger.by_key("s49") is not None


def test_a_step_of_an_action_that_nobody_knows() -> None:
    book = Book()
    book.step("undone", "x")
    book.begin()
    book.begin()  # the same id again
    assert (len(book.ledger.entries), book.ledger.waiting()) == (1, 1)


def test_erasing() -> None:
    book = Book()
    book.begin("1")
    book.begin("2", entity="account:b")
    assert book.ledger.erase("account:a") == 1
    assert (list(book.ledger.entries), list(book.ledger.queues)) == (["2"], ["account:b"])
    assert book.ledger.due(10_000)[0].action.id == "2"


_steps = st.lists(
    st.tuples(
        st.sampled_from(["requested", "held", "approved", "refused", "delivered", "failed", "retried", "undone", "expired"]),
        st.sampled_from(["1", "2", "3", "4", "5"]),
        st.sampled_from(["begin", "end"]),
    ),
    max_size=40,
)


@given(_steps, st.integers(0, 40))
def test_a_snapshot_anywhere_and_the_tail_make_the_same_ledger(steps: list[tuple[str, str, str]], cut: int) -> None:
    book = Book()
    for op, action_id, phase in steps:
        if op in ("requested", "held"):
            book.begin(action_id, op, entity=f"account:{int(action_id) % 2}")
        else:
            book.step(op, action_id, phase=phase)
    first, second = Ledger(), Ledger()
    for record in book.records[:cut]:
        advance(first, record)
    second.restore(first.snapshot())
    second.applied_seq = first.applied_seq
    assert {name: list(queue) for name, queue in second.queues.items()} == {name: list(queue) for name, queue in first.queues.items()}
    for record in book.records:
        advance(second, record)
    whole = book.ledger
    assert second.digest() == whole.digest()
    assert {name: list(queue) for name, queue in second.queues.items()} == {name: list(queue) for name, queue in whole.queues.items()}
    assert (second.keys, list(second.dead)) == (whole.keys, list(whole.dead))
    assert {entry.action.id for entry in second.due(10**9)} == {entry.action.id for entry in whole.due(10**9)}
    waiting = {action_id for queue in whole.queues.values() for action_id in queue}
    assert waiting == {entry.action.id for entry in whole.entries.values() if entry.status in ("requested", "ending")}
