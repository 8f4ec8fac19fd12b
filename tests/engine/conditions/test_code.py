"""Generated code: values of every kind, nothing of a rule in its text, no second answer to one question."""

from typing import Any

import pytest

from wardline.engine.conditions.check import check
from wardline.engine.conditions.code import evaluate_function, holds_function, set_function

NAMES = {"n": "number", "m": "number", "t": "text", "u": "text", "b": "bool", "c": "bool", "l": "list", "x": "any", "y": "any"}
BIG = 1.7e308


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        # kinds at the door
        ("n > 1", {"n": 2}, True),
        ("n > 1", {"n": True}, None),
        ("n > 1", {"n": "2"}, None),
        ("n > 1", {"n": float("nan")}, None),
        ("n > 1", {"n": float("inf")}, None),
        ("n > 1", {"n": 10**400}, None),
        ("n == 9007199254740992", {"n": 2**53 + 1}, True),
        ("n == m", {"n": 2**53, "m": 2**53 + 1}, True),
        ("t == 'a'", {"t": ["a"]}, None),
        ("b", {"b": 1}, None),
        ("missing(l)", {"l": ()}, True),
        ("missing(l)", {"l": []}, True),
        ("not missing(l)", {"l": ["a"]}, True),
        # equality with the unknown
        ("n == m", {}, None),
        ("t == u", {}, None),
        ("t == u", {"t": "a"}, None),
        ("t != u", {"u": "a"}, None),
        ("b == c", {}, None),
        ("b == c", {"b": True}, None),
        ("b == c", {"b": True, "c": True}, True),
        ("b != c", {"b": True, "c": False}, True),
        ("b == False", {"b": False}, True),
        ("n != m", {"n": 1.0}, None),
        ("n in [1, 2]", {"n": 1}, True),
        ("n in [1, 2]", {}, None),
        ("n not in [1, 2]", {}, None),
        ("n not in [1, 2]", {"n": 3}, True),
        ("b in [True]", {"b": True}, True),
        ("b in [True]", {"b": 1}, None),
        ("t < 'b'", {"t": "a"}, True),
        ("t < 'b'", {}, None),
        ("t > '\uffff'", {"t": "\U00010000"}, True),
        ("'a' in l", {"l": ["b", None]}, False),
        ("'1' in l", {"l": [1]}, False),
        ("t in l", {"l": ["a"]}, None),
        ("'a' in t", {"t": "cat"}, True),
        ("t in u", {"t": "a"}, None),
        # arithmetic
        ("n / m > 0", {"n": 1, "m": 0}, None),
        ("not (n / m > 0)", {"n": 1, "m": 0.0}, None),
        ("n * n > 0", {"n": BIG}, None),
        ("n * n - n * n == 0", {"n": BIG}, None),
        ("1 / (n * n) == 0", {"n": BIG}, None),
        ("1 / (n * n) != 0", {"n": BIG}, None),
        ("n + n - n > 0", {"n": BIG}, None),
        ("missing(n / m)", {"n": 1, "m": 0}, True),
        ("missing(n / m)", {"n": 1, "m": 2}, False),
        ("n - m - 1 == -2", {"n": 1, "m": 2}, True),
        ("n - (m - 1) == 0", {"n": 1, "m": 2}, True),
        ("8 / 2 / 2 == 2", {}, True),
        ("2 * 3 / 4 * 2 == 3", {}, True),
        ("-(n + 1) == -2", {"n": 1}, True),
        ("--n == n", {"n": 1}, True),
        ("n * 0 == -0.0", {"n": -1}, True),
        # functions
        ("min(n, m, 1) == 1", {"n": 5, "m": 4}, True),
        ("min(n, m) == 4", {"n": 4}, None),
        ("max(n * n, 1) == 1", {"n": BIG}, None),
        ("abs(n) == 2", {"n": -2}, True),
        ("floor(n / 2) == -2", {"n": -3}, True),
        ("count(t) == 2", {"t": "é\U0001f600"}, True),
        ("count(l) == 0", {"l": []}, True),
        ("count(x) == 2", {"x": "ab"}, True),
        ("count(x) == 2", {"x": 7}, None),
        ("lower(t) == 'aé'", {"t": "Aé"}, True),
        ("lower(t) != 'aé'", {}, None),
        ("lower(t) == lower(u)", {"t": "A", "u": "a"}, True),
        ("lower(t) == u", {"t": "A"}, None),
        ("lower(t) in ['a']", {"t": "A"}, True),
        ("starts_with(t, 'a')", {"t": "ab"}, True),
        ("starts_with(t, u)", {"t": "ab"}, None),
        ("not ends_with(t, 'b')", {"t": "ab"}, False),
        ("contains(t, '') == True", {"t": ""}, True),
        ("between(n, 1, m)", {"n": 0}, False),
        ("between(n, 1, m)", {"n": 1}, None),
        ("coalesce(n / m, n, 7) == 7", {"m": 1}, True),
        ("coalesce(n, m) == 2", {"m": 2}, True),
        ("coalesce(n, m) == 2", {}, None),
        ("coalesce(b, False)", {}, False),
        ("coalesce(t, u, '-') == '-'", {}, True),
        ("any_of(l, ['a', 'b'])", {"l": ["b", 1, None]}, True),
        ("all_of(l, ['a', 'b'])", {"l": ["b", "c", "a"]}, True),
        ("any_of(l, ['a', 'b'])", {"l": [["a"], {}]}, False),
        ("all_of(l, ['a'])", {"l": [["a"], "a"]}, True),
        ("any_of(l, ['a'])", {}, None),
        ("missing(x)", {"x": []}, True),
        ("missing(x) == missing(y)", {"x": [], "y": 5}, False),
        ("missing(lower(t))", {}, True),
        # names of any kind
        ("x == y", {"x": 1, "y": True}, False),
        ("x == y", {"x": 1, "y": 1.0}, True),
        ("x == y", {"x": 1}, None),
        ("x < y", {"x": "a", "y": "b"}, True),
        ("x < y", {"x": 1, "y": 2.5}, True),
        ("x >= y", {"x": "a", "y": 1}, None),
        ("x in y", {"x": 1, "y": [True, 1]}, True),
        ("x in y", {"x": 1, "y": [True]}, False),
        ("x in y", {"x": "a", "y": "cat"}, True),
        ("x not in y", {"x": 1, "y": "cat"}, None),
        ("n + 1 in x", {"n": 1, "x": [2]}, True),
        ("n + 1 in x", {"x": [2]}, None),
        ("x > 1 and x == 'a'", {"x": "a"}, None),
        ("True", {}, True),
        ("not True or False", {}, False),
    ],
)
def test_values(text: str, values: dict[str, Any], expected: object) -> None:
    checked = check(text, NAMES)
    assert evaluate_function(checked)(values) is expected
    assert holds_function(checked)(values) is (expected is True)
    # Negation swaps True and False, whatever the condition.
    negated = check(f"not ({text})", NAMES)
    assert evaluate_function(negated)(values) is (None if expected is None else not expected)


@pytest.mark.parametrize("literal", ['"; import os; "', "'\\\\'", '"""', "}{%s", "\\n", "c0", "error"])
def test_a_literal_stays_a_literal(literal: str) -> None:
    written = '"' + literal.replace("\\", "\\\\").replace('"', '\\"') + '"'
    holds = holds_function(check(f"t == {written} or t in [{written}, 'z']", NAMES))
    assert holds({"t": literal}) is True
    assert holds({"t": "a"}) is False


@pytest.mark.parametrize(
    "name", ["values", "g", "c0", "v0", "t1", "k", "hits", "errors", "error", "float", "nan", "__builtins__", "None.x", "def.x"]
)
def test_a_name_may_be_any_word(name: str) -> None:
    checked = check(f"{name} > 1 and {name} < 3", {name: "number"})
    assert holds_function(checked)({name: 2}) is True


def test_the_generated_function_has_no_way_out() -> None:
    holds = holds_function(check("lower(t) == 'a'", NAMES))
    assert set(holds.__globals__["__builtins__"]) == {"float", "len", "Exception"}
    assert holds.__closure__ is None


def test_each_rule_has_a_try_of_its_own() -> None:
    def raises(values: Any) -> str:
        raise KeyError("no")

    judge = set_function(
        [check("n > 1", NAMES), check("n > 2", NAMES), check("n > 3", NAMES)],
        [raises, lambda values: "two", lambda values: "three"],
        lambda index, error: (index, type(error).__name__),
    )
    assert judge({"n": 5}) == (["two", "three"], [(0, "KeyError")])


def test_subclasses_of_numbers_are_numbers() -> None:
    class Half(float):
        pass

    assert holds_function(check("n == 0.5", NAMES))({"n": Half(0.5)}) is True
