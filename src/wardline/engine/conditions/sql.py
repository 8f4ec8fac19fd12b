"""Typed trees to SQL for DuckDB: one expression that is TRUE, FALSE or NULL exactly where the condition is True, False or unknown.

    to_sql(check('failures_10m / attempts_10m > 0.5 and ip.country != "AT"', names))
    -> Sql('(CASE WHEN isfinite("failures_10m"::DOUBLE / "attempts_10m"::DOUBLE) THEN … END > $1::DOUBLE AND NOT "ip.country" = $2::VARCHAR)', (0.5, "AT"))

Literals are numbered parameters, never text, so that several conditions may share one query and one list of parameters. Arithmetic runs in doubles through
infinities, as in Python, and what is no finite number becomes NULL where it is used. A subexpression is repeated at most once for every division, min and max above
it, so the length of the SQL is bounded by the square of the text's. docs/contracts/rules.md says what the columns must hold; DuckDB 1.1 or later.
"""

from collections.abc import Callable

import msgspec

from wardline.engine.conditions.tree import Arithmetic, Call, Checked, Compare, Const, In, Logic, Members, Name, Node, Not, RuleError

Scalar = float | str | bool
_TYPES = {"number": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN"}


class Sql(msgspec.Struct, frozen=True):
    """An SQL expression and the values of its parameters: $1 is the first."""

    text: str
    parameters: tuple[Scalar | list[str], ...]


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def to_sql(checked: Checked, column: Callable[[str], str] = quoted, before: tuple[Scalar | list[str], ...] = ()) -> Sql:
    """The condition as SQL; `column` gives the expression for a name, `before` are the parameters that the query has already.

    Raises RuleError where a name has no declared kind: SQL has no value of any kind.
    """
    writer = _Writer(column, before)
    text = writer.condition(checked.root)
    return Sql(text, tuple(writer.parameters))


class _Writer:
    def __init__(self, column: Callable[[str], str], before: tuple[Scalar | list[str], ...]) -> None:
        self.column = column
        self.parameters: list[Scalar | list[str]] = list(before)
        self.numbers: dict[tuple[str, Scalar | tuple[Scalar, ...]], int] = {}

    def parameter(self, kind: str, value: Scalar) -> str:
        number = self.numbers.get((kind, value))
        if number is None:
            self.parameters.append(value)
            number = self.numbers[kind, value] = len(self.parameters)
        return f"${number}::{_TYPES[kind]}"

    def texts(self, values: tuple[Scalar, ...]) -> str:
        number = self.numbers.get(("list", values))
        if number is None:
            self.parameters.append([str(value) for value in values])
            number = self.numbers["list", values] = len(self.parameters)
        return f"${number}::VARCHAR[]"

    def condition(self, node: Node) -> str:
        match node:
            case Logic():
                return "(" + (" AND " if node.every else " OR ").join(self.condition(term) for term in node.terms) + ")"
            case Not():
                return f"(NOT {self.condition(node.term)})"
            case Compare():
                operator = "=" if node.operator == "==" else node.operator
                return f"({self.value(node.left)} {operator} {self.value(node.right)})"
            case In():
                return self.membership(node)
            case _:
                return self.value(node)

    def membership(self, node: In) -> str:
        member = self.value(node.member)
        if isinstance(node.container, Members):
            of = node.container.of
            return f"({member} IN ({', '.join(self.parameter(of, value) for value in node.container.values)}))"
        container = self.value(node.container)
        if node.container.kind == "text":
            return f"contains({container}, {member})"
        if isinstance(node.member, Const):
            return f"list_contains({container}, {member})"
        # For a column that is NULL here DuckDB answers false, for a constant NULL it answers NULL.
        return f"(CASE WHEN {member} IS NOT NULL THEN list_contains({container}, {member}) END)"

    def value(self, node: Node) -> str:
        """Any value, NULL where it is unknown."""
        match node:
            case Arithmetic():
                return self.number(node)
            case Call() if node.kind == "number" and node.function.name != "coalesce":
                return self.number(node)
            case Const():
                return self.parameter(node.kind, node.value)
            case Name():
                return self.name(node)
            case Members():
                return self.texts(node.values)
            case Call():
                return self.call(node)
            case _:
                return self.condition(node)

    def name(self, node: Name) -> str:
        if node.kind == "any":
            raise RuleError(f"SQL needs the kind of {node.name}: declare it as number, text, bool or list")
        written = self.column(node.name)
        return f"{written}::DOUBLE" if node.kind == "number" else written

    def call(self, node: Call) -> str:
        match node.function.name:
            case "missing":
                written = self.value(node.arguments[0])
                if node.arguments[0].kind == "list":
                    return f"({written} IS NULL OR length({written}) = 0)"
                return f"({written} IS NULL)"
            case "coalesce":
                return f"coalesce({', '.join(self.value(argument) for argument in node.arguments)})"
            case _:
                return self.applied(node, [self.value(argument) for argument in node.arguments])

    def applied(self, node: Call, arguments: list[str]) -> str:
        return node.function.sql.format(*arguments, all=", ".join(arguments))

    # Numbers. `raw` may be infinite or NaN; `asked` collects what must be finite, since it is used where infinity would come back as a number.

    def number(self, node: Node) -> str:
        asked: list[str] = []
        raw = self.raw(node, asked)
        if not self.stays_finite(node):
            asked.append(raw)
        wanted = " AND ".join(f"isfinite({part})" for part in dict.fromkeys(asked))
        return f"(CASE WHEN {wanted} THEN {raw} END)" if wanted else raw

    def raw(self, node: Node, asked: list[str]) -> str:
        match node:
            case Arithmetic():
                written = ""
                for operator, term in zip(node.operators, node.terms, strict=True):
                    part = self.raw(term, asked)
                    if operator == "/" and not self.stays_finite(term):
                        asked.append(part)
                    written += f" {operator} {part}" if written else (f"-{part}" if operator == "-" else part)
                return f"({written})"
            case Call() if node.kind == "number" and node.function.name not in ("coalesce", "count"):
                arguments = [self.raw(argument, asked) for argument in node.arguments]
                if node.function.most:  # least and greatest pass over NULL, and infinity may be the one that is left out
                    asked.extend(arguments)
                return self.applied(node, arguments)
            case Call() if node.function.name == "count":
                return self.applied(node, [self.value(node.arguments[0])])
            case _:
                return self.value(node)

    def stays_finite(self, node: Node) -> bool:
        """Is it finite or NULL as it stands?"""
        match node:
            case Arithmetic():
                return False
            case Call() if node.function.name in ("abs", "floor"):
                return self.stays_finite(node.arguments[0])
            case _:
                return True
