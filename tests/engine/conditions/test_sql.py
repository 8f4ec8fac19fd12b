"""Conditions as SQL: parameters, columns, and what SQL refuses. That both forms agree is in tests/properties/test_rule_properties.py."""

import duckdb
import pytest

from wardline.engine.conditions.check import check
from wardline.engine.conditions.sql import quoted, to_sql
from wardline.engine.conditions.tree import RuleError

NAMES = {"n": "number", "ip.country": "text", "b": "bool", "flags": "list", "x": "any"}


def test_literals_are_parameters() -> None:
    made = to_sql(check("n > 5 and ip.country in ['AT', 'D\"; DROP TABLE t'] and any_of(flags, ['AT']) and ip.country != 'AT'", NAMES))
    assert made.parameters == (5.0, "AT", 'D"; DROP TABLE t', ["AT"])
    assert made.text == (
        '(("n"::DOUBLE > $1::DOUBLE) AND ("ip.country" IN ($2::VARCHAR, $3::VARCHAR)) AND list_has_any("flags", $4::VARCHAR[])'
        ' AND (NOT ("ip.country" = $2::VARCHAR)))'
    )


def test_columns_may_be_expressions_and_parameters_follow_others() -> None:
    made = to_sql(check("n > 5", NAMES), column=lambda name: f"facts.{quoted(name)}", before=("2026-11-26",))
    assert made.text == '(facts."n"::DOUBLE > $2::DOUBLE)'
    assert made.parameters == ("2026-11-26", 5.0)


def test_a_name_of_any_kind_is_refused() -> None:
    with pytest.raises(RuleError, match="SQL needs the kind of x: declare it"):
        to_sql(check("x == x", NAMES))
    assert to_sql(check("x > 5", NAMES)).text == '("x"::DOUBLE > $1::DOUBLE)'


def test_whole_numbers_are_doubles_in_both() -> None:
    made = to_sql(check("n == 9007199254740992", NAMES))
    found = duckdb.connect().execute(f"SELECT {made.text} FROM (SELECT 9007199254740993::BIGINT AS n)", list(made.parameters)).fetchall()
    assert found == [(True,)]


def test_the_length_is_bounded() -> None:
    nested = "n"
    for _ in range(9):
        nested = f"(n / (n + {nested}))"
    made = to_sql(check(f"{nested} > min(n, max(n, {nested[:0]}n / n)) ", NAMES))
    assert len(made.text) < 20_000
    assert quoted('a"b') == '"a""b"'
