"""The functions that a condition may call: pure, registered here, each with its types, cost, Python and SQL.

    lower(user_agent.family) == "curl"        coalesce(failures_10m / attempts_10m, 0) > 0.5

A function is strict: one unknown argument makes its result unknown. `missing` and `coalesce` are the two that ask about the unknown, and are
written out where code and SQL are made; `between` becomes two comparisons. Both forms must give the same answer on every value; the differential test holds them to it.
Adding one: an entry below, a row in docs/contracts/rules.md (a test compares them), a value in the tests of each form.
"""

from collections.abc import Callable
from typing import Any

import msgspec

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII_LOWER = {ord(letter): letter.lower() for letter in _UPPER}


class Function(msgspec.Struct, frozen=True):
    """One function of the language.

    `arguments` are kinds; "list|text" takes either, "value" any of number, text and bool (all arguments of one kind, the result too), "members" a
    list of literal texts. A function takes exactly its arguments, or, with `most`, the last one repeated up to `most` arguments in all.
    `python` is a template over local variables ("{0}.startswith({1})") or, with `call`, that callable is called with the values. `sql` is a
    template over SQL expressions of the same values. `cost` is in comparisons of numbers.
    """

    name: str
    arguments: tuple[str, ...]
    result: str
    cost: int
    doc: str
    python: str = ""
    sql: str = ""
    call: Callable[..., Any] | None = None
    most: int = 0


def lower(text: str) -> str:
    """A to Z in lower case, every other character as it is: other alphabets differ between Unicode versions and engines."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def any_of(found: list[Any], members: frozenset[str]) -> bool:
    """Is one of the members in the list? A list that holds what no set can (a list in a list) is asked member by member."""
    try:
        return not members.isdisjoint(found)
    except TypeError:
        return any(member in found for member in members)


def all_of(found: list[Any], members: frozenset[str]) -> bool:
    """Are all of the members in the list?"""
    try:
        return members.issubset(found)
    except TypeError:
        return all(member in found for member in members)


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("missing", ("any",), "bool", 1, "True when the value is unknown or an empty list; never unknown itself"),
        Function("coalesce", ("value", "value"), "value", 2, "the first of its values that is known", most=8),
        Function(
            "count",
            ("list|text",),
            "number",
            2,
            "members of a list, characters (code points) of a text",
            python="float(len({0}))",
            sql="length({0})::DOUBLE",
        ),
        Function("min", ("number", "number"), "number", 3, "the smallest", sql="least({all})", call=min, most=8),
        Function("max", ("number", "number"), "number", 3, "the largest", sql="greatest({all})", call=max, most=8),
        Function("abs", ("number",), "number", 2, "the number without its sign", sql="abs({0})", call=abs),
        Function("floor", ("number",), "number", 2, "the whole number at or below", python="({0} // 1.0)", sql="floor({0})"),
        Function(
            "between", ("number", "number", "number"), "bool", 2, "between(x, low, high): low <= x <= high, both ends included",
        ),
        Function(
            "lower",
            ("text",),
            "text",
            4,
            "A to Z in lower case, other characters as they are",
            sql=f"translate({{0}}, '{_UPPER}', '{_UPPER.lower()}')",
            call=lower,
        ),
        Function(
            "starts_with", ("text", "text"), "bool", 3, "does the first text begin with the second?",
            python="{0}.startswith({1})", sql="starts_with({0}, {1})",
        ),
        Function(
            "ends_with", ("text", "text"), "bool", 3, "does the first text end with the second?",
            python="{0}.endswith({1})", sql="suffix({0}, {1})",
        ),
        Function(
            "contains", ("text", "text"), "bool", 4, "is the second text a part of the first? the same as `second in first`",
            python="({1} in {0})", sql="contains({0}, {1})",
        ),
        Function(
            "any_of", ("list", "members"), "bool", 6, 'is one of the texts in the list? any_of(flags, ["macros", "program"])',
            call=any_of, sql="list_has_any({0}, {1})",
        ),
        Function(
            "all_of", ("list", "members"), "bool", 6, 'are all of the texts in the list? all_of(flags, ["macros", "program"])',
            call=all_of, sql="list_has_all({0}, {1})",
        ),
    )
}  # fmt: skip
