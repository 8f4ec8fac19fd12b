"""Typed trees to straight-line Python: one function for a whole set of rules.

    failures_10m > 5 and ip.country != "AT"     becomes, beside the other rules of its set,

    v0 = g(c0)                                      # each name is looked up once: c0 is "failures_10m"
    ...                                             # and brought to its kind: a finite double, or nan where it is unknown
    try:
        if v0 > c2 and (v1 is not None and v1 != c3): hits.append(...)
    except Exception as error: ...                  # costs nothing until something is raised

The generated text holds only identifiers made here (v0, c0, t0). Names, literals and functions of the rules are bound: literals as constants of the
syntax tree, never spliced as text, so that no rule can say anything but what its tree says.

Three values without a third value: for every condition there is an expression that is true exactly when it is known to be true, and one that is true
exactly when it is known to be false (Kleene; `not` swaps the two). An unknown number is nan, with which no comparison holds, so most need no question
whether the value is there; any other unknown value is None. Arithmetic may run through infinities and is cut back to unknown where its result is used.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wardline.engine.conditions.tree import Arithmetic, Call, Checked, Compare, Const, In, Kind, Logic, Members, Name, Node, Not

LARGEST = 1.7976931348623157e308
_LARGEST_WHOLE = 10**308
_NAN = float("nan")
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def as_number(value: object) -> float:
    """Any value as a finite double; nan where it is no number. Subclasses of int and float too, truth values not."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return _NAN
        return number if -LARGEST <= number <= LARGEST else _NAN
    return _NAN


def kind_of(value: object) -> str:
    """The kind of a value as given; "" when it is unknown."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "list"
    return "" if as_number(value) != as_number(value) else "number"


def compare_any(operator: str, left: object, right: object) -> bool | None:
    """Two values whose kinds nobody declared: equality asks kind and value, order needs two numbers or two texts."""
    kinds = kind_of(left), kind_of(right)
    if "" in kinds:
        return None
    if operator == "==":
        return kinds[0] == kinds[1] and left == right
    if kinds not in (("number", "number"), ("text", "text")):
        return None
    a, b = (as_number(left), as_number(right)) if kinds[0] == "number" else (left, right)
    return _ORDER[operator](a, b)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def in_any(member: object, container: object) -> bool | None:
    """`member in container` where nobody declared what the container is: a list, or a text that holds a text."""
    kind = kind_of(member)
    if kind == "" or kind == "list":
        return None
    if isinstance(container, list):
        return any(kind_of(found) == kind and found == member for found in container)
    return member in container if isinstance(container, str) and isinstance(member, str) else None


def missing_any(value: object) -> bool:
    """Unknown, or a list without members."""
    return value is None or value == [] or value != value


def count_any(value: object) -> float:
    """Members of a list, characters of a text; nan for anything else."""
    return float(len(value)) if isinstance(value, list | str) else _NAN


class Writer:
    """Writes the body of one function: names to load, expressions of trees, and the constants and callables they are bound to."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self.scope: dict[str, Any] = {"__builtins__": {"float": float, "len": len, "Exception": Exception}}
        self._constant_names: dict[tuple[type, Any], str] = {}
        self._views: dict[tuple[str, Kind], str] = {}
        self._temporaries = 0

    # what is bound

    def constant(self, value: Any) -> str:
        """The identifier that stands for a literal."""
        key = (type(value), value if value == value else "nan")
        if key not in self._constant_names:
            name = f"c{len(self._constant_names)}"
            self._constant_names[key], self.constants[name] = name, value
        return self._constant_names[key]

    def bind(self, name: str, value: Any) -> str:
        """The identifier under which the code may call something."""
        self.scope[name] = value
        return name

    def temporary(self) -> str:
        """A fresh local; `begin_rule` starts again from the first."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def begin_rule(self) -> None:
        """Locals of the last rule may be used again."""
        self._temporaries = 0

    def view(self, name: str, kind: Kind) -> str:
        """The local that holds a named value as of one kind."""
        return self._views.setdefault((name, kind), f"v{len(self._views)}")

    def loads(self) -> list[str]:
        """The lines that look every used name up, once, and bring it to the kinds it is used as."""
        nan, low, high = self.constant(_NAN), self.constant(-LARGEST), self.constant(LARGEST)
        whole_low, whole_high = self.constant(-_LARGEST_WHOLE), self.constant(_LARGEST_WHOLE)
        self.scope["int"], self.scope["str"], self.scope["list"], self.scope["bool"] = int, str, list, bool
        self.bind("as_number", as_number)
        lines: list[str] = []
        raw: dict[str, str] = {}
        kinds = Counter(name for name, _ in self._views)
        for (name, kind), local in self._views.items():
            if name in raw:
                lines.append(f"{local} = {raw[name]}")
            elif kinds[name] > 1:
                raw[name] = f"r{len(raw)}"
                lines.append(f"{local} = {raw[name]} = g({self.constant(name)})")
            else:
                lines.append(f"{local} = g({self.constant(name)})")
            match kind:
                case "number":
                    lines += [
                        f"k = {local}.__class__",
                        "if k is float:",
                        f"    if not {low} <= {local} <= {high}: {local} = {nan}",
                        f"elif {local} is None: {local} = {nan}",
                        f"elif k is int and {whole_low} <= {local} <= {whole_high}: {local} = float({local})",
                        f"else: {local} = as_number({local})",
                    ]
                case "text" | "list" | "bool":
                    known = {"text": "str", "list": "list", "bool": "bool"}[kind]
                    lines.append(f"if {local} is not None and {local}.__class__ is not {known}: {local} = None")
        return lines

    # conditions

    def holds(self, node: Node, truth: bool) -> str:
        """An expression that is true exactly when the condition is known to be `truth`; it has parentheses where it needs them."""
        match node:
            case Const():
                return str(node.value is truth)
            case Name():
                return f"{self.view(node.name, 'bool')} is {truth}"
            case Not():
                return self.holds(node.term, not truth)
            case Logic():
                joiner = " and " if node.every is truth else " or "
                return "(" + joiner.join(self.holds(term, truth) for term in node.terms) + ")"
            case Compare():
                return self._comparison(node, truth)
            case In():
                return self._membership(node, truth)
            case Call() if node.function.name == "missing":
                return self._missing(node.arguments[0], truth)
            case _:
                return f"({self.value(node)}) is {truth}"

    def _comparison(self, node: Compare, truth: bool) -> str:
        kind = node.left.kind
        if kind == "any":
            called = f"{self.bind('compare_any', compare_any)}({self.constant(node.operator)}, {self.value(node.left)}, {self.value(node.right)})"
            return f"{called} is {truth}"
        left, right = self._operand(node.left), self._operand(node.right)
        operator = node.operator if truth else "!=" if node.operator == "==" else _OPPOSITE[node.operator]
        known = [*left.known, *right.known]
        if kind == "number":
            # nan answers every comparison with no, which is right; only != says yes, and there both must be known.
            known = known if operator == "!=" else []
        elif operator == "==":
            known = known[:1] if len(known) == 2 else []  # two unknown values would be equal
        return self._all([*left.first, *right.first, *known, f"{left.name} {operator} {right.name}"])

    def _membership(self, node: In, truth: bool) -> str:
        if node.container.kind == "any":
            return f"{self.bind('in_any', in_any)}({self._raw(node.member)}, {self.value(node.container)}) is {truth}"
        member = self._operand(node.member)
        word = "in" if truth else "not in"
        if isinstance(node.container, Members):
            known = () if truth else member.known
            return self._all([*member.first, *known, f"{member.name} {word} {self.constant(frozenset(node.container.values))}"])
        container = self._operand(node.container)
        return self._all([*member.first, *container.first, *member.known, *container.known, f"{member.name} {word} {container.name}"])

    def _missing(self, node: Node, truth: bool) -> str:
        match node.kind:
            case "any":
                return f"{self.bind('missing_any', missing_any)}({self.value(node)}) is {truth}"
            case "list":
                return f"not {self.value(node)}" if truth else f"not not {self.value(node)}"
            case "number":
                name = self.temporary()
                known = f"({name} := {self.number(node)}) == {name}"
                return f"{'not ' if truth else ''}({known})"
            case _:
                value = self.value(node) if isinstance(node, Name) else f"({self.temporary()} := {self.value(node)})"
                return f"{value} is {'' if truth else 'not '}None"

    @staticmethod
    def _all(parts: Iterable[str]) -> str:
        wanted = list(dict.fromkeys(parts))
        return wanted[0] if len(wanted) == 1 else f"({' and '.join(wanted)})"

    # values

    def value(self, node: Node) -> str:
        """An expression of the value: nan or None when it is unknown."""
        match node:
            case Const():
                return self.constant(node.value)
            case Members():
                return self.constant(frozenset(node.values))
            case Name():
                return self.view(node.name, node.kind)
            case Arithmetic():
                return self.number(node)
            case Call():
                return self._call(node)
            case _:  # the checker lets no condition stand where a value is asked
                raise TypeError(type(node).__name__)

    def number(self, node: Node) -> str:
        """A number: finite, or nan."""
        if not isinstance(node, Arithmetic):
            return self.value(node)
        name = self.temporary()
        return f"({name} if {self._finite(name, self._arithmetic(node))} else {self.constant(_NAN)})"

    def _finite(self, name: str, expression: str) -> str:
        return f"{self.constant(-LARGEST)} <= ({name} := {expression}) <= {self.constant(LARGEST)}"

    def _arithmetic(self, node: Node) -> str:
        """Arithmetic as it stands: what leaves the range of doubles is still infinite or nan here."""
        if not isinstance(node, Arithmetic):
            return self.value(node)
        written = ""
        for operator, term in zip(node.operators, node.terms, strict=True):
            if operator == "/":
                # A divisor must be finite, or 1 / infinity would be a number again; 0 becomes nan.
                part = f"({self.number(term)} or {self.constant(_NAN)})"
            else:
                part = self._arithmetic(term)
                part = f"({part})" if isinstance(term, Arithmetic) else part
            written += f" {operator} {part}" if written else (f"-{part}" if operator == "-" else part)
        return written

    def _call(self, node: Call) -> str:
        function = node.function
        unknown = self.constant(_NAN) if node.kind == "number" else "None"
        if function.name == "missing":
            return self._missing(node.arguments[0], True)
        if function.name == "coalesce":
            return self._coalesce(node, unknown)
        if node.arguments[0].kind == "any":
            return f"{self.bind('count_any', count_any)}({self.value(node.arguments[0])})"
        operands = [self._operand(argument) for argument in node.arguments]
        names = [operand.name for operand in operands]
        if function.call is not None:
            called = f"{self.bind('f_' + function.name, function.call)}({', '.join(names)})"
        else:
            called = function.python.format(*names)
        asked = [part for operand in operands for part in (*operand.first, *operand.known)]
        return f"({called} if {self._all(asked)} else {unknown})" if asked else called

    def _coalesce(self, node: Call, unknown: str) -> str:
        written = unknown
        for argument in reversed(node.arguments):
            if isinstance(argument, Const):
                written = self.constant(argument.value)
                continue
            name = self.temporary()
            value = f"({name} := {self.number(argument) if node.kind == 'number' else self.value(argument)})"
            known = f"{value} == {name}" if node.kind == "number" else f"{value} is not None"
            written = f"({name} if {known} else {written})"
        return written

    def _operand(self, node: Node) -> "_Operand":
        match node:
            case Const() | Members():
                return _Operand(self.value(node))
            case Name(kind="number"):
                local = self.value(node)
                return _Operand(local, known=(f"{local} == {local}",))
            case Name():
                local = self.value(node)
                return _Operand(local, known=(f"{local} is not None",))
            case Arithmetic():
                local = self.temporary()
                return _Operand(local, first=(self._finite(local, self._arithmetic(node)),))
            case _:
                local = self.temporary()
                compare = f"== {local}" if node.kind == "number" else "is not None"
                return _Operand(local, first=(f"({local} := {self.value(node)}) {compare}",))

    def _raw(self, node: Node) -> str:
        # nan is unknown to in_any as None is.
        return self.number(node) if node.kind == "number" else self.value(node)


class _Operand:
    """One side of a comparison: the local or constant that holds it, and what is to be asked before it is used.

    `first` sets the local, asks whether the value is known, and so stands before any use; `known` is asked where the operator needs it.
    """

    def __init__(self, name: str, *, known: tuple[str, ...] = (), first: tuple[str, ...] = ()) -> None:
        self.name = name
        self.known = known
        self.first = first


def build(writer: Writer, lines: list[str], name: str, arguments: str = "values") -> Callable[..., Any]:
    """Compile one function: the loads of the writer, then the lines. Constants enter the syntax tree as constants."""
    body = ["g = values.get", *writer.loads(), *lines]
    source = f"def {name}({arguments}):\n" + "".join(f"    {line}\n" for line in body)
    tree = _Constants(writer.constants).visit(ast.parse(source))
    exec(compile(tree, f"<rule {name}>", "exec"), writer.scope)  # noqa: S102 - the text above, which holds nothing of the rules
    made: Callable[..., Any] = writer.scope[name]
    return made


class _Constants(ast.NodeTransformer):
    def __init__(self, constants: Mapping[str, Any]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.constants:
            return ast.copy_location(ast.Constant(self.constants[node.id]), node)
        return node


def holds_function(checked: Checked) -> Callable[[Mapping[str, Any]], bool]:
    """Values to True when the condition is known to hold, else False."""
    writer = Writer()
    return build(writer, [f"return {writer.holds(checked.root, True)}"], "holds")


def evaluate_function(checked: Checked) -> Callable[[Mapping[str, Any]], bool | None]:
    """Values to True, False, or None where it is unknown."""
    writer = Writer()
    yes, no = writer.holds(checked.root, True), writer.holds(checked.root, False)
    return build(writer, [f"if {yes}: return True", f"return False if {no} else None"], "evaluate")


def first_function(conditions: list[Checked]) -> Callable[[Mapping[str, Any]], int]:
    """Values to the index of the first condition that is known to hold, or -1."""
    writer = Writer()
    lines = []
    for index, checked in enumerate(conditions):
        writer.begin_rule()
        lines.append(f"if {writer.holds(checked.root, True)}: return {index}")
    return build(writer, [*lines, "return -1"], "first")


def set_function(
    conditions: list[Checked], on_hit: list[Callable[[Mapping[str, Any]], Any]], on_error: Callable[[int, Exception], Any]
) -> Callable[..., Any]:
    """Values to (what the hits gave, what the errors gave): all conditions in one function, each in a try of its own.

    `on_hit[i](values)` makes what is reported when condition i is known to hold, inside the same try; `on_error(i, error)` when it raised.
    """
    writer = Writer()
    writer.bind("on_error", on_error)
    lines = ["hits = []", "errors = []"]
    for index, checked in enumerate(conditions):
        writer.begin_rule()
        hit = writer.bind(f"hit{index}", on_hit[index])
        lines += [
            "try:",
            f"    if {writer.holds(checked.root, True)}: hits.append({hit}(values))",
            f"except Exception as error: errors.append(on_error({index}, error))",
        ]
    return build(writer, [*lines, "return hits, errors"], "judge_set")
