"""The typed tree of a condition: what the parser builds, what Python code and SQL are made from.

    count(link.hosts) > 20 and not missing(auth.spf)
    Logic(every=True, terms=(Compare(">", Call(count, (Name("link.hosts", "list"),)), Const(20.0)), Not(Call(missing, …))))

Every node knows its kind: "number", "text", "bool", "list" or "any". Bounds stand here too; what they mean is written in
docs/contracts/rules.md.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from wardline.engine.conditions.functions import Function

Kind = Literal["number", "text", "bool", "list", "any"]
KINDS: tuple[Kind, ...] = ("number", "text", "bool", "list", "any")
# How a kind is called in messages.
SPOKEN: dict[str, str] = {
    "number": "a number",
    "text": "a text",
    "bool": "true or false",
    "list": "a list",
    "any": "a value of any kind",
}

# Bounds that hold before anything is built, so that a hostile text costs nothing.
TEXT_LIMIT = 4_000  # characters of one condition
NODE_LIMIT = 200  # names, literals, operators and calls of one condition; a list of literals counts as one
DEPTH_LIMIT = 20  # parentheses, calls, signs and `not` within each other
NAME_LIMIT = 100  # characters of one name
MEMBERS_LIMIT = 256  # members of one list of literals
# Costs are in units of one comparison of numbers, some 20 ns in Python on a current core.
RULE_COST_LIMIT = 250
SET_COST_LIMIT = 20_000
SET_LIMIT = 1_000  # rules of one set


class RuleError(ValueError):
    """A text that cannot be accepted: what is wrong, where (line and column, from 1), what to do.

    `where` names the rule when several are read together.
    """

    def __init__(self, what: str, line: int = 0, column: int = 0, where: str = "") -> None:
        self.what = what
        self.line = line
        self.column = column
        place = "" if not column else f"column {column}: " if line <= 1 else f"line {line}, column {column}: "
        super().__init__(f"{where + ': ' if where else ''}{place}{what}")

    def within(self, where: str) -> "RuleError":
        """The same error, with the name of what it was found in."""
        return RuleError(self.what, self.line, self.column, where)


class Const(msgspec.Struct, frozen=True):
    """A literal. A number is a finite double, never -0.0."""

    kind: Kind
    value: float | str | bool


class Name(msgspec.Struct, frozen=True):
    """A named value, seen as of one kind: a value of another kind is unknown there."""

    kind: Kind
    name: str


class Members(msgspec.Struct, frozen=True):
    """A list of literals, all of one kind (`of`)."""

    of: Kind
    values: tuple[float | str | bool, ...]
    kind: Kind = "list"


class Logic(msgspec.Struct, frozen=True):
    """`and` (every) or `or` over two terms or more."""

    every: bool
    terms: tuple["Node", ...]
    kind: Kind = "bool"


class Not(msgspec.Struct, frozen=True):
    """`not`; also what `!=` and `not in` are made of."""

    term: "Node"
    kind: Kind = "bool"


class Compare(msgspec.Struct, frozen=True):
    """One comparison of two values of one kind, or of two values whose kind nobody declared."""

    operator: Literal["==", "<", "<=", ">", ">="]
    left: "Node"
    right: "Node"
    kind: Kind = "bool"


class In(msgspec.Struct, frozen=True):
    """Is the member in the list of literals, in the list, or a part of the text?"""

    member: "Node"
    container: "Node"
    kind: Kind = "bool"


class Arithmetic(msgspec.Struct, frozen=True):
    """A chain of one level: + and -, or * and /, from left to right; the first operator is "+" or "-", or "*"."""

    operators: tuple[Literal["+", "-", "*", "/"], ...]
    terms: tuple["Node", ...]
    kind: Kind = "number"


class Call(msgspec.Struct, frozen=True):
    """A registered function of values."""

    function: Function
    arguments: tuple["Node", ...]
    kind: Kind


Node = Const | Name | Members | Logic | Not | Compare | In | Arithmetic | Call


class Checked(msgspec.Struct, frozen=True):
    """A condition that was accepted: its text, its tree, the names it reads (sorted), its cost in comparisons."""

    text: str
    root: Node
    reads: tuple[str, ...]
    cost: int


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Logic() | Arithmetic():
            return node.terms
        case Not():
            return (node.term,)
        case Compare():
            return (node.left, node.right)
        case In():
            return (node.member, node.container)
        case Call():
            return node.arguments
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))
