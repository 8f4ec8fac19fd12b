"""Columns: every value is in its own column or in `_other`, whatever its name and kind."""

import json
import math
from typing import Any

import pytest
from learning.history.builders import login

from wardline.engine.kept import KeptDecision, KeptEvent, kept_decision
from wardline.engine.record import Record
from wardline.learning.history.columns import COLUMN_LIMIT, columns, kind_of


def event(seq: int, facts: dict[str, Any], read: dict[str, Any] | None = None) -> tuple[Record, KeptEvent]:
    kept = KeptDecision(id=f"e{seq}", type="login", occurred_us=seq, facts=facts, read=read or {}, verdict="allow", score=0.5)
    return Record(seq, 0, "decision", kept.id, seq, "login"), kept


def aside(table: Any) -> list[Any]:
    return [json.loads(text) if text else None for text in table["_other"].to_pylist()]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool"),
        (0, "number"),
        (1.5, "number"),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
        ("", "text"),
        ([], "list"),
        (["a", 1], "list"),
        (None, None),
    ],
)
def test_the_kind_of_a_value(value: Any, kind: str | None) -> None:
    assert kind_of(value) == kind


def test_facts_counters_and_the_decision_become_columns() -> None:
    record = login(7, facts={"ip.country": "AT", "known": None}, keys=("flow:1", "account:" + "0" * 23 + "3"), hits=("a", "b"))
    kept = kept_decision(record)
    assert kept is not None
    table, kinds = columns([(record, kept)], {})
    row = table.to_pylist()[0]
    assert row["_seq"] == 7 and row["_id"] == "e7" and row["_verdict"] == "allow" and row["_hits"] == ["a", "b"] and row["_shadow"] is None
    assert row["ip.country"] == "AT" and row["ip.asn"] == 64501 and row["failures_10m"] == 2
    assert row["_keys"] == ["flow:1"], "what a fact says already is not said again"
    assert "known" not in table.schema.names, "of what is unknown nobody knows the kind"
    assert kinds == {"account": "text", "ip.asn": "number", "ip.country": "text", "failures_10m": "number"}


def test_a_value_of_another_kind_reads_as_unknown_and_is_kept_aside() -> None:
    table, kinds = columns([event(1, {"x": 1}), event(2, {"x": "one"}), event(3, {"x": 2}), event(4, {"x": True})], {})
    assert kinds == {"x": "number"}, "most values had it"
    assert table["x"].to_pylist() == [1.0, None, 2.0, None]
    assert aside(table) == [None, {"x": "one"}, None, {"x": True}]


def test_the_kind_lasts_and_a_declared_one_goes_first() -> None:
    batch = [event(1, {"x": "one"})]
    assert columns(batch, {"x": "number"})[0]["x"].to_pylist() == [None]
    assert columns(batch, {}, {"x": "number"})[1] == {"x": "number"}


@pytest.mark.parametrize("name", ['a"b', "a b", "", "é", "_seq", "1a", "x" * 101, "a;drop", "\0", "😀", "a.b\n", "\ud800"])
def test_names_that_no_column_may_have_are_kept_aside(name: str) -> None:
    table, kinds = columns([event(1, {name: "v", "fine": 1})], {})
    assert kinds == {"fine": "number"} and list(aside(table)[0].values()) == ["v"]


def test_names_that_differ_by_case_and_names_beyond_the_limit_are_kept_aside() -> None:
    table, kinds = columns([event(1, {"Asn": 1, "asn": 2})], {})
    assert kinds == {"Asn": "number"} and aside(table) == [{"asn": 2}]
    table, kinds = columns([event(1, {f"n{number}": number for number in range(COLUMN_LIMIT + 3)})], {})
    assert len(kinds) == COLUMN_LIMIT and aside(table) == [{f"n{COLUMN_LIMIT + number}": COLUMN_LIMIT + number for number in range(3)}]


def test_a_counter_named_like_a_fact_is_what_rules_see() -> None:
    table, _ = columns([event(1, {"x": 1}, {"x": 2}), event(2, {"x": 3}, {"x": None})], {})
    assert table["x"].to_pylist() == [2.0, 3.0] and aside(table) == [{"fact:x": 1}, None]


def test_hostile_values_stay_what_they_are() -> None:
    values = ["'; DROP TABLE x; --", "a\0b", "😀", '"', "\ud800"]
    table, _ = columns([event(number, {"x": value, "n": 10**400 if number else 1}) for number, value in enumerate(values)], {})
    assert table["x"].to_pylist() == [*values[:4], "\ufffd"]
    assert table["n"].to_pylist() == [1.0, None, None, None, None]
    for unknown in (math.nan, math.inf, 10**400):
        assert columns([event(1, {"x": unknown})], {"x": "number"})[0]["x"].to_pylist() == [None]


def test_members_that_are_no_texts_count_and_equal_nothing() -> None:
    table, kinds = columns([event(1, {"x": ["a", "\ud800"]}), event(2, {"x": []}), event(3, {"x": [1, "b"]})], {})
    assert kinds == {"x": "list"} and table["x"].to_pylist() == [["a", "\ufffd"], [], [None, "b"]]
    assert aside(table) == [None, None, {"x": [1, "b"]}]
