"""A condition: a small, bounded expression over named values, with three-valued logic.

    score >= 0.5 and not missing(auth.spf) and auth.spf == "fail"
    "executable" in attachment.flags or count(link.hosts) > 20

A subset of Python expressions, parsed with `ast` and never evaluated as Python: names (dotted names are names, not attribute access),
literals, and / or / not, comparisons, `in`, + - * /, and the registered functions below. A value that is missing or None is unknown, and
unknown spreads as in SQL: `unknown and False` is False, `unknown and True` is unknown, a comparison with unknown is unknown. A condition
that is unknown does not hold; `missing(x)` asks for it.

This is the seam for the rule language: the same tree, checked the same way, will be fused into one function and compiled to SQL.
Bounds (text length, nodes, depth) hold before anything is built, so that a hostile text costs nothing.
"""

import ast
import difflib
import operator
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from wardline.engine.feature import Value, Values

TEXT_LIMIT = 2_000
NODE_LIMIT = 200
DEPTH_LIMIT = 20

Evaluate = Callable[[Values], Any]


class RuleError(ValueError):
    """A condition that cannot be accepted: what is wrong, where (line and column of the text), what to do."""


class Condition(msgspec.Struct, frozen=True):
    """A compiled condition: its text, the names it reads, and a pure function of the values to True, False or None (unknown)."""

    text: str
    reads: tuple[str, ...]
    evaluate: Evaluate

    def holds(self, values: Values) -> bool:
        """True only when the condition is known to be true."""
        return self.evaluate(values) is True


def compile_condition(text: str, names: Collection[str]) -> Condition:
    """Parse, check and compile a condition over the given names; raises RuleError with a hint.

    Source: three-valued logic after Kleene, as in SQL:1999 §8.12.
    """
    if len(text) > TEXT_LIMIT:
        raise RuleError(f"the condition has {len(text)} characters; at most {TEXT_LIMIT} are allowed: split it into several lines")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        where = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise RuleError(f"not a valid condition{where}: {getattr(error, 'msg', error)}") from None
    builder = _Builder(names)
    evaluate = builder.build(tree.body, 0)
    return Condition(text, tuple(sorted(builder.reads)), evaluate)


def _missing(value: Value) -> bool:
    return value is None or value == []


def _count(value: Value) -> int | None:
    return len(value) if isinstance(value, list | str) else None


def _lower(value: Value) -> str | None:
    return value.lower() if isinstance(value, str) else None


# name -> (function, whether it also takes unknown values)
FUNCTIONS: dict[str, tuple[Callable[..., Any], bool]] = {
    "missing": (_missing, True),
    "count": (_count, False),
    "lower": (_lower, False),
    "min": (min, False),
    "max": (max, False),
    "abs": (abs, False),
}

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    # Only numbers: "a" * 10**9 by way of a name must not be possible.
    def apply(left: Any, right: Any) -> Any:
        if not (_number(left) and _number(right)):
            return None
        try:
            return operation(float(left), float(right))
        except (ZeroDivisionError, OverflowError):
            return None

    return apply


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _arithmetic(operator.add),
    ast.Sub: _arithmetic(operator.sub),
    ast.Mult: _arithmetic(operator.mul),
    ast.Div: _arithmetic(operator.truediv),
}


class _Builder:
    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.reads: set[str] = set()
        self.nodes = 0

    def fail(self, node: ast.AST, what: str) -> RuleError:
        return RuleError(f"column {getattr(node, 'col_offset', 0) + 1}: {what}")

    def build(self, node: ast.expr, depth: int) -> Evaluate:
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            raise self.fail(node, f"more than {NODE_LIMIT} terms: split the condition into several lines")
        if depth > DEPTH_LIMIT:
            raise self.fail(node, f"nested more than {DEPTH_LIMIT} deep: split the condition into several lines")
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                value = node.value
                return lambda values: value
            case ast.Name() | ast.Attribute():
                return self.name(node)
            case ast.List(elts=members) | ast.Tuple(elts=members) | ast.Set(elts=members):
                built = [self.build(member, depth + 1) for member in members]
                return lambda values: [member(values) for member in built]
            case ast.BoolOp(op=ast.And(), values=terms):
                return self.connective([self.build(term, depth + 1) for term in terms], stop=False)
            case ast.BoolOp(op=ast.Or(), values=terms):
                return self.connective([self.build(term, depth + 1) for term in terms], stop=True)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.negation(self.build(operand, depth + 1))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.build(operand, depth + 1)
                return lambda values: -found if _number(found := inner(values)) else None
            case ast.BinOp(op=operation) if type(operation) in _ARITHMETIC:
                return self.binary(_ARITHMETIC[type(operation)], self.build(node.left, depth + 1), self.build(node.right, depth + 1))
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self.call(node, name, [self.build(argument, depth + 1) for argument in arguments])
            case ast.Call():
                raise self.fail(node, f"only these functions may be called: {', '.join(sorted(FUNCTIONS))}")
            case _:
                raise self.fail(
                    node,
                    f"{type(node).__name__} is not part of the language: use names, numbers, texts, and or not, comparisons, in, + - * /",
                )

    def name(self, node: ast.expr) -> Evaluate:
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute) and len(parts) < 8:
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self.fail(node, "a name is words joined by dots, such as auth.spf")
        name = ".".join([inner.id, *reversed(parts)])
        if name not in self.names:
            close = difflib.get_close_matches(name, list(self.names), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise self.fail(node, f"unknown name {name}{hint}")
        self.reads.add(name)
        return lambda values: values.get(name)

    @staticmethod
    def connective(terms: list[Evaluate], *, stop: bool) -> Evaluate:
        def evaluate(values: Values) -> bool | None:
            unknown = False
            for term in terms:
                found = term(values)
                if found is None:
                    unknown = True
                elif bool(found) is stop:
                    return stop
            return None if unknown else not stop

        return evaluate

    @staticmethod
    def negation(inner: Evaluate) -> Evaluate:
        def evaluate(values: Values) -> bool | None:
            found = inner(values)
            return None if found is None else not found

        return evaluate

    @staticmethod
    def binary(operation: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
        return lambda values: operation(left(values), right(values))

    def comparison(self, node: ast.Compare, depth: int) -> Evaluate:
        terms = [self.build(term, depth + 1) for term in (node.left, *node.comparators)]
        compares = [self.compare(node, op) for op in node.ops]
        if len(compares) == 1:
            compare, left, right = compares[0], terms[0], terms[1]
            return lambda values: compare(left(values), right(values))
        first, links = terms[0], list(zip(compares, terms[1:], strict=True))

        def chain(values: Values) -> bool | None:
            # Each term once: a term in the middle belongs to two comparisons, and asking it twice at every depth would double the work.
            unknown, left = False, first(values)
            for compare, term in links:
                right = term(values)
                found = compare(left, right)
                if found is False:
                    return False
                unknown, left = unknown or found is None, right
            return None if unknown else True

        return chain

    def compare(self, node: ast.AST, op: ast.cmpop) -> Callable[[Any, Any], bool | None]:
        if isinstance(op, ast.In | ast.NotIn):
            wanted = isinstance(op, ast.In)

            def contains(member: Any, container: Any) -> bool | None:
                if member is None or container is None:
                    return None
                if isinstance(container, list):
                    return (member in container) is wanted
                if isinstance(container, str) and isinstance(member, str):
                    return (member in container) is wanted
                return None

            return contains
        if type(op) not in _COMPARE:
            raise self.fail(node, "use == instead of is, and missing(x) to ask whether a value is unknown")
        operation = _COMPARE[type(op)]
        equality = isinstance(op, ast.Eq | ast.NotEq)

        def compare(left: Any, right: Any) -> bool | None:
            if left is None or right is None:
                return None
            if equality or (_number(left) and _number(right)) or (isinstance(left, str) and isinstance(right, str)):
                return operation(left, right)
            return None

        return compare

    def call(self, node: ast.AST, name: str, arguments: list[Evaluate]) -> Evaluate:
        function, takes_unknown = FUNCTIONS[name]
        many = name in ("min", "max")
        if (len(arguments) != 1 and not many) or (many and len(arguments) < 2):
            raise self.fail(node, f"{name}() takes {'two or more values' if many else 'one value'}")

        def evaluate(values: Values) -> Any:
            found = [argument(values) for argument in arguments]
            if not takes_unknown and any(value is None for value in found):
                return None
            try:
                return function(*found)
            except TypeError:
                return None

        return evaluate
