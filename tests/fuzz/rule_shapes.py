"""Random rules and random rows for them: what the differential tests, the fuzz loop and benchmarks/rule_sql.py compare Python and SQL with.

    shapes = Shapes(random.Random(1))
    shapes.condition()       # '(n1 / (n2 - 1) > 0.5 or not missing(t1)) and t2 in ["a", "é"]'
    shapes.row()             # {"n1": 1e308, "t1": None, "l1": ["a", "B"], …}

Every form of the language with declared kinds occurs. Values are few and nasty, so that they meet: zeros, the ends of the doubles, neighbours of 2^53, texts that
differ in case, code points around the surrogates.
"""

import random
from typing import Any

NAMES = {
    "n1": "number", "n2": "number", "n.three": "number", "whole": "number",
    "t1": "text", "t2": "text", "b1": "bool", "b2": "bool", "l1": "list", "l.two": "list",
}  # fmt: skip
NUMBERS: tuple[float, ...] = (
    0.0,
    1.0,
    -1.0,
    2.0,
    3.0,
    0.5,
    0.1,
    0.2,
    -2.5,
    1e308,
    -1e308,
    1.7976931348623157e308,
    1e-308,
    5e-324,
    -5e-324,
    2.0**53,
    1e16,
    20.0,
)
WHOLE = (0, 1, -1, 2, 7, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1)
TEXTS = ("", "a", "A", "ab", "b", "B", "é", "É", "ß", "\uffff", "\U0001f600", "ﬁ", "a\0b", "a'b", 'a"b', "\\", "%", "_")
LITERAL_TEXTS = tuple(text for text in TEXTS if "\0" not in text)


class Shapes:
    """Rules and rows from one source of randomness."""

    def __init__(self, source: random.Random, missing: float = 0.25) -> None:
        self.source = source
        self.missing = missing

    def pick(self, *items: Any) -> Any:
        return items[self.source.randrange(len(items))]

    # rows

    def row(self) -> dict[str, Any]:
        """A value, or None, for every name."""
        return {name: None if self.source.random() < self.missing else self.value(name) for name in NAMES}

    def value(self, name: str) -> Any:
        match NAMES[name]:
            case "number":
                return self.pick(*WHOLE) if name == "whole" else self.pick(*NUMBERS)
            case "text":
                return self.pick(*TEXTS)
            case "bool":
                return self.pick(True, False)
            case _:
                return [self.pick(*TEXTS) for _ in range(self.source.randrange(4))]

    # rules

    def condition(self, depth: int = 3) -> str:
        """A condition of at most some 60 terms."""
        if depth <= 0:
            return self.test(0)
        match self.source.randrange(8):
            case 0 | 1:
                return "(" + self.pick(" and ", " or ").join(self.condition(depth - 1) for _ in range(self.source.randrange(2, 4))) + ")"
            case 2:
                return f"not {self.condition(depth - 1)}"
            case _:
                return f"({self.test(depth)})"

    def test(self, depth: int) -> str:
        compare = self.pick("==", "!=", "<", "<=", ">", ">=")
        match self.source.randrange(14):
            case 0 | 1 | 2:
                return f"{self.number(depth)} {compare} {self.number(depth)}"
            case 3:
                return f"{self.number(depth)} {compare} {self.number(depth)} {self.pick('<', '>=', '==')} {self.number(0)}"
            case 4:
                return f"{self.text(depth)} {compare} {self.text(depth)}"
            case 5:
                return f"{self.truth()} {self.pick('==', '!=')} {self.truth()}"
            case 6:
                return f"{self.text(depth)} {self.pick('in', 'not in')} {self.texts()}"
            case 7:
                members = ", ".join(self.literal() for _ in range(self.source.randrange(1, 4)))
                return f"{self.number(depth)} {self.pick('in', 'not in')} [{members}]"
            case 8:
                return f"{self.text(0)} {self.pick('in', 'not in')} {self.pick('l1', 'l.two', 't1', 't2')}"
            case 9:
                return f"{self.pick('any_of', 'all_of')}({self.pick('l1', 'l.two')}, {self.texts()})"
            case 10:
                return f"missing({self.pick(self.number(depth), self.text(0), self.truth(), 'l1', 'l.two')})"
            case 11:
                return f"between({self.number(0)}, {self.number(0)}, {self.number(depth)})"
            case _:
                return self.truth()

    def truth(self) -> str:
        match self.source.randrange(6):
            case 0:
                return self.pick("True", "False")
            case 1:
                return f"{self.pick('starts_with', 'ends_with', 'contains')}({self.text(0)}, {self.text(0)})"
            case 2:
                return f"coalesce(b1, {self.pick('b2', 'True', 'False')})"
            case _:
                return self.pick("b1", "b2")

    def number(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("n1", "n2", "n.three", "whole", self.literal())
        lower = depth - 1
        match self.source.randrange(9):
            case 0 | 1:
                return f"({self.number(lower)} {self.pick('+', '-')} {self.number(lower)} {self.pick('+', '-', '*', '/')} {self.number(0)})"
            case 2 | 3:
                return f"({self.number(lower)} {self.pick('*', '/')} {self.number(lower)})"
            case 4:
                return f"-{self.number(lower)}"
            case 5:
                return f"{self.pick('abs', 'floor')}({self.number(lower)})"
            case 6:
                return f"{self.pick('min', 'max')}({self.number(lower)}, {self.number(lower)}{self.pick('', ', n1')})"
            case 7:
                return f"count({self.pick('l1', 't1', 'l.two')})"
            case _:
                return f"coalesce({self.pick('n1', 'n1 / n2', 'n1 * n2 - n2')}, {self.pick('n2', '0')})"

    def literal(self) -> str:
        value = self.pick(*NUMBERS)
        return repr(int(value)) if value == int(value) and abs(value) <= 2**53 else repr(value)

    def text(self, depth: int) -> str:
        match self.source.randrange(5 + bool(depth)):
            case 0 | 1:
                return '"' + self.pick(*LITERAL_TEXTS).replace("\\", "\\\\").replace('"', '\\"') + '"'
            case 5:
                return (
                    f"{self.pick('lower', 'lower', 'coalesce')}({self.pick('t1', 't2')}".replace("coalesce(t1", "coalesce(t1, t2").replace(
                        "coalesce(t2", "coalesce(t2, 'a'"
                    )
                    + ")"
                )
            case _:
                return self.pick("t1", "t2")

    def texts(self) -> str:
        return (
            "[" + ", ".join('"' + self.pick("a", "A", "b", "é", "\U0001f600", "") + '"' for _ in range(self.source.randrange(1, 4))) + "]"
        )
