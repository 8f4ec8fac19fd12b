"""Random rules on random rows: generated Python, the fused set, and DuckDB give the same True, False or unknown."""

import random
import sys
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.engine.conditions.sql import quoted, to_sql
from wardline.engine.rule import Rule, RuleSet, compile_condition

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from rule_shapes import NAMES, Shapes

TYPES = {"number": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "list": "VARCHAR[]"}
COLUMNS = {name: "BIGINT" if name == "whole" else TYPES[kind] for name, kind in NAMES.items()}


def table(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE rows (place INTEGER, {columns})")
    connection.executemany(
        f"INSERT INTO rows VALUES ({', '.join('?' * (len(NAMES) + 1))})", [[at, *row.values()] for at, row in enumerate(rows)]
    )
    return connection


_SHAPES = Shapes(random.Random(20261126))
ROWS = [{}.fromkeys(NAMES), *(_SHAPES.row() for _ in range(300))]
CONNECTION = table(ROWS)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_python_and_sql_agree(source: random.Random) -> None:
    shapes = Shapes(source)
    texts = [shapes.condition() for _ in range(3)]
    conditions = [compile_condition(text, NAMES) for text in texts]
    rules = RuleSet([Rule(str(at), text) for at, text in enumerate(texts)], NAMES)
    for condition in conditions:
        made = to_sql(condition.checked)
        answers = CONNECTION.execute(f"SELECT {made.text} FROM rows ORDER BY place", list(made.parameters)).fetchall()
        for row, (answer,) in zip(ROWS, answers, strict=True):
            assert condition.evaluate(row) is answer, (condition.text, row)
            assert condition.holds(row) is (answer is True), (condition.text, row)
    for row in ROWS[:50]:
        judged = rules.judge(row)
        assert not judged.errors
        assert [hit.rule for hit in judged.hits] == [str(at) for at, condition in enumerate(conditions) if condition.holds(row)]


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_knowing_more_never_turns_an_answer_around(source: random.Random) -> None:
    """Kleene's logic is monotone: what was True or False with a value unknown stays so whatever the value turns out to be."""
    shapes = Shapes(source)
    condition = compile_condition(shapes.condition(), NAMES)
    if "missing" in condition.text or "coalesce" in condition.text:
        return
    row = shapes.row()
    before = condition.evaluate(row)
    known = {name: shapes.value(name) if value is None else value for name, value in row.items()}
    assert before is None or condition.evaluate(known) is before, (condition.text, row, known)
