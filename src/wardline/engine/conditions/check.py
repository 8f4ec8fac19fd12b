"""Text to a typed, bounded tree: recursive descent over the tokens, each node checked as it is built.

    check("failures_10m > 5 and ip.country != 'AT'", {"failures_10m": "number", "ip.country": "text"})  -> Checked(root=Logic(…), reads=…, cost=3)
    check("failures_10 > 5", …)          -> RuleError: column 1: unknown name failures_10; did you mean failures_10m?

Precedence, from weak to strong, is Python's: or, and, not, comparisons (which may be chained), + -, * /, signs. A name of kind "any" takes the kind
of its place. The parser asks for at most DEPTH_LIMIT levels of itself, whatever the text.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from wardline.engine.conditions.functions import FUNCTIONS, Function
from wardline.engine.conditions.syntax import ADVICE, Token, error, tokens
from wardline.engine.conditions.tree import (
    DEPTH_LIMIT,
    KINDS,
    MEMBERS_LIMIT,
    NODE_LIMIT,
    RULE_COST_LIMIT,
    SPOKEN,
    Arithmetic,
    Call,
    Checked,
    Compare,
    Const,
    In,
    Kind,
    Logic,
    Members,
    Name,
    Node,
    Not,
    RuleError,
)

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def check(text: str, names: Mapping[str, str] | Collection[str]) -> Checked:
    """Parse and check a condition over the given names, each with its kind; a collection without kinds means "any" for all.

    Raises RuleError: what is wrong, line and column, what to do. Time is linear in the text, which is bounded, but for the search for a
    similar name when one is unknown.
    """
    return _Parser(text, kinds_of(names)).condition()


def kinds_of(names: Mapping[str, str] | Collection[str]) -> dict[str, Kind]:
    """Names with their kinds; RuleError where a kind is none."""
    if not isinstance(names, Mapping):
        return dict.fromkeys(names, "any")
    wrong = next((kind for kind in names.values() if kind not in KINDS), None)
    if wrong is not None:
        raise RuleError(f"{wrong!r} is no kind of value: there are {', '.join(KINDS)}")
    return dict(names)


def unknown_name(name: str, names: Collection[str]) -> str:
    """What to say about a name that nobody declared."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"unknown name {name}" + (f"; did you mean {close[0]}?" if close else ": declare it, or use one that is")


class _Parser:
    def __init__(self, text: str, names: dict[str, Kind]) -> None:
        self.text = text
        self.names = names
        self.tokens = tokens(text)
        self.next = 0
        self.depth = 0
        self.nodes = 0
        self.cost = 0
        self.reads: set[str] = set()
        self.in_coalesce = False

    def fail(self, at: int, what: str) -> NoReturn:
        raise error(self.text, at, what)

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self, *texts: str) -> Token | None:
        token = self.token
        if token.kind in ("word", "operator") and token.text in texts:
            self.next += 1
            return token
        return None

    def expect(self, sign: str, what: str) -> None:
        if not self.take(sign):
            self.fail(self.token.at, f"{self.token.text[:40]} where {sign} is missing: {what}")

    def count(self, at: int, cost: int) -> None:
        self.nodes += 1
        self.cost += cost
        if self.nodes > NODE_LIMIT:
            self.fail(at, f"more than {NODE_LIMIT} terms: split the condition into several rules")
        if self.cost > RULE_COST_LIMIT:
            self.fail(at, f"up to here the condition costs more than {RULE_COST_LIMIT} comparisons: split it into several rules")

    def condition(self) -> Checked:
        root = self.logic()
        token = self.token
        if token.kind != "end":
            if token.kind == "name" and token.text in ADVICE:
                self.fail(token.at, f"{token.text} is not part of the language: {ADVICE[token.text]}")
            what = "one condition is expected: join with and, or; every parenthesis needs its partner"
            self.fail(token.at, f"{token.text[:40]} cannot follow here: {what}")
        return Checked(self.text, self.truth(root, 0), tuple(sorted(self.reads)), self.cost)

    def deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            self.fail(at, f"nested more than {DEPTH_LIMIT} deep: split the condition into several rules")

    # or, and, not

    def logic(self) -> Node:
        return self.chain("or", lambda: self.chain("and", self.negation))

    def chain(self, word: str, part: Callable[[], Node]) -> Node:
        start = self.token.at
        first = part()
        if not (self.token.kind == "word" and self.token.text == word):
            return first
        terms = [self.truth(first, start)]
        while self.take(word):
            start = self.token.at
            terms.append(self.truth(part(), start))
        return Logic(word == "and", tuple(terms))

    def negation(self) -> Node:
        token = self.take("not")
        if not token:
            return self.comparison()
        self.deeper(token.at)
        self.count(token.at, 0)
        start = self.token.at
        node = Not(self.truth(self.negation(), start))
        self.depth -= 1
        return node

    # comparisons

    def comparison(self) -> Node:
        start = self.token.at
        left = self.sum()
        pairs: list[Node] = []
        while True:
            token, negated = self.take(*COMPARISONS, "in"), False
            if not token and self.token.text == "not" and self.token.kind == "word":
                token, negated = self.take("not"), True
                self.expect("in", "write x not in [...], or not before the whole condition")
            if not token:
                break
            right_at = self.token.at
            right = self.sum()
            if token.text in COMPARISONS:
                pairs.append(self.compare(token, left, start, right, right_at))
            else:
                found = self.membership(token, left, start, right, right_at)
                pairs.append(Not(found) if negated else found)
            left, start = right, right_at
        if not pairs:
            return left
        return pairs[0] if len(pairs) == 1 else Logic(True, tuple(pairs))

    def compare(self, token: Token, left: Node, left_at: int, right: Node, right_at: int) -> Node:
        operator = token.text
        if "list" in (left.kind, right.kind):
            self.fail(token.at, 'a list is not compared: ask count(list), "x" in list, any_of(list, [...]) or missing(list)')
        kind = left.kind if left.kind != "any" else right.kind
        left, right = self.as_kind(left, kind, left_at), self.as_kind(right, kind, right_at, f"it is compared with {SPOKEN[kind]}")
        if kind == "bool":
            if operator not in ("==", "!="):
                self.fail(token.at, f"true and false have no order: {operator} compares numbers or texts")
            for side, at in ((left, left_at), (right, right_at)):
                self.plain(side, at, "join conditions with and, or, not instead of comparing them")
        self.count(token.at, {"number": 1, "bool": 1, "text": 2}.get(kind, 4))
        if operator == "!=":
            return Not(Compare("==", left, right))
        return Compare(operator, left, right)  # type: ignore[arg-type]  # one of COMPARISONS, and not !=

    def membership(self, token: Token, member: Node, member_at: int, container: Node, container_at: int) -> Node:
        if isinstance(container, Members):
            self.count(token.at, 2)
            return In(self.as_kind(member, container.of, member_at, f"the list holds {container.of} literals"), container)
        if container.kind == "any" and member.kind in ("any", "number", "bool", "text"):
            self.plain(member, member_at, "ask whether a value is in the list")
            self.count(token.at, 6)
            return In(member, container)
        if container.kind not in ("list", "text"):
            self.fail(container_at, f"in asks a list or a text, and this is {SPOKEN[container.kind]}: compare it with ==")
        self.count(token.at, 4)
        return In(self.as_kind(member, "text", member_at, f"the members of a {container.kind} are texts"), container)

    # arithmetic

    def sum(self) -> Node:
        return self.level(("+", "-"), "+", lambda: self.level(("*", "/"), "*", self.sign))

    def level(self, signs: tuple[str, str], first: str, part: Callable[[], Node]) -> Node:
        start = self.token.at
        node = part()
        if not (self.token.kind == "operator" and self.token.text in signs):
            return node
        what = f"{self.token.text} takes numbers"
        operators, terms = [first], [self.as_kind(node, "number", start, what)]
        while token := self.take(*signs):
            self.count(token.at, 1)
            start = self.token.at
            operators.append(token.text)
            terms.append(self.as_kind(part(), "number", start, f"{token.text} takes numbers"))
        return Arithmetic(tuple(operators), tuple(terms))  # type: ignore[arg-type]  # of "+-*/"

    def sign(self) -> Node:
        token = self.take("-", "+")
        if not token:
            return self.primary()
        self.deeper(token.at)
        self.count(token.at, 1)
        start = self.token.at
        node = self.as_kind(self.sign(), "number", start, f"{token.text} takes a number")
        self.depth -= 1
        if token.text == "+":
            return node
        if isinstance(node, Const) and isinstance(node.value, float):
            return Const("number", -node.value or 0.0)
        return Arithmetic(("-",), (node,))

    # values

    def primary(self) -> Node:
        token = self.token
        if token.kind == "end":
            self.fail(token.at, "the condition ends where a value is missing: write a name, a literal or a function")
        self.next += 1
        match token.kind, token.text:
            case "number", _:
                self.count(token.at, 0)
                return Const("number", token.value)
            case "text", _:
                self.count(token.at, 0)
                return Const("text", token.value)
            case "word", "True" | "False":
                self.count(token.at, 0)
                return Const("bool", token.text == "True")
            case "operator", "(":
                self.deeper(token.at)
                node = self.logic()
                if self.token.text == "," and self.token.kind == "operator":
                    self.fail(self.token.at, "write a list as [ ]")
                self.expect(")", "close the parenthesis")
                self.depth -= 1
                return node
            case "operator", "[":
                return self.members(token)
            case "name", _:
                following = self.token
                if following.kind == "operator" and following.text == "(":
                    return self.call(token)
                return self.name(token)
            case _:
                self.fail(token.at, f"{token.text[:40]} cannot stand here: a name, a literal or a function is expected")

    def name(self, token: Token) -> Node:
        kind = self.names.get(token.text)
        if kind is None:
            if token.text in ADVICE:
                self.fail(token.at, f"{token.text} is not part of the language: {ADVICE[token.text]}")
            if token.text in FUNCTIONS:
                self.fail(token.at, f"{token.text} is a function: write {token.text}(...)")
            self.fail(token.at, unknown_name(token.text, self.names))
        self.count(token.at, 0)
        self.reads.add(token.text)
        return Name(kind, token.text)

    def members(self, opened: Token) -> Node:
        self.count(opened.at, 0)
        values: list[float | str | bool] = []
        of: Kind | None = None
        while not self.take("]"):
            if values:
                self.expect(",", "members of a list are separated by commas, and ] ends it")
                if self.take("]"):
                    break
            token = self.token
            negative = self.take("-")
            self.next += 1
            literal = self.tokens[self.next - 1] if self.next <= len(self.tokens) else token
            if literal.kind in ("number", "text"):
                kind, value = ("number" if literal.kind == "number" else "text"), literal.value
            elif literal.kind == "word" and literal.text in ("True", "False"):
                kind, value = "bool", literal.text == "True"
            else:
                self.fail(token.at, "a list holds literals: to compare with a name, write x == name or ...")
            if negative:
                if not isinstance(value, float):
                    self.fail(token.at, "a sign stands before a number")
                value = -value or 0.0
            if of is not None and kind != of:
                self.fail(token.at, f"a list holds literals of one kind: this is {SPOKEN[kind]}, the first was {SPOKEN[of]}")
            of = kind  # type: ignore[assignment]  # one of the three
            values.append(value)
            if len(values) > MEMBERS_LIMIT:
                self.fail(token.at, f"more than {MEMBERS_LIMIT} members: keep long lists as a source and ask its value")
        if of is None:
            self.fail(opened.at, "an empty list holds nothing: give it members, or ask missing(x)")
        return Members(of, tuple(dict.fromkeys(values)))

    def call(self, token: Token) -> Node:
        function = FUNCTIONS.get(token.text)
        if function is None:
            close = difflib.get_close_matches(token.text, list(FUNCTIONS), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            self.fail(token.at, f"{token.text} cannot be called: only these functions may be called: {', '.join(sorted(FUNCTIONS))}{hint}")
        outer = self.in_coalesce
        if function.name == "coalesce":
            if outer:
                self.fail(token.at, "coalesce() inside coalesce(): give the outer one more values")
            self.in_coalesce = True
        self.deeper(token.at)
        self.next += 1  # the parenthesis
        arguments: list[Node] = []
        places: list[int] = []
        while not self.take(")"):
            if arguments:
                self.expect(",", "arguments are separated by commas, and ) ends them")
            places.append(self.token.at)
            arguments.append(self.logic())
        self.depth -= 1
        self.in_coalesce = outer
        least, most = len(function.arguments), function.most or len(function.arguments)
        if not least <= len(arguments) <= most:
            amount = f"{_COUNTED[least]} value{'s' * (least > 1)}" if least == most else f"{_COUNTED[least]} or more values, at most {most}"
            self.fail(token.at, f"{token.text}() takes {amount}")
        self.count(token.at, function.cost)
        return self.typed_call(function, arguments, places)

    def typed_call(self, function: Function, arguments: list[Node], places: list[int]) -> Node:
        kinds = [*function.arguments, *[function.arguments[-1]] * (len(arguments) - len(function.arguments))]
        result = function.result
        if "value" in kinds:
            found = next((node.kind for node in arguments if node.kind != "any"), "any")
            if found not in ("number", "text", "bool"):
                self.fail(
                    places[0],
                    f"{function.name}() takes numbers, texts, or true and false: declare the kind of the name, or give a literal last",
                )
            kinds, result = [found] * len(arguments), found
        typed: list[Node] = []
        for node, kind, at in zip(arguments, kinds, places, strict=True):
            if kind == "members":
                if not isinstance(node, Members) or node.of != "text":
                    self.fail(at, f'{function.name}() takes a list of texts here: ["a", "b"]')
            elif kind == "list|text":
                if node.kind not in ("list", "text", "any") or isinstance(node, Members):
                    self.fail(at, f"{function.name}() takes a list or a text, and this is {SPOKEN[node.kind]}")
            elif kind == "any":
                self.plain(node, at, f"{function.name}() asks about a value: name the values that the condition reads")
            else:
                node = self.as_kind(node, kind, at, f"{function.name}() takes {SPOKEN[kind]}")  # type: ignore[arg-type]
                self.plain(node, at, f"{function.name}() takes values: join conditions with and, or, not")
            typed.append(node)
        if function.name == "between":
            value, low, high = typed
            return Logic(True, (Compare("<=", low, value), Compare("<=", value, high)))
        return Call(function, tuple(typed), result)  # type: ignore[arg-type]  # a registered kind

    # kinds

    def as_kind(self, node: Node, kind: Kind, at: int, why: str = "") -> Node:
        if node.kind == kind:
            if isinstance(node, Members):
                self.fail(at, "a list of literals stands to the right of in, or in any_of and all_of")
            return node
        if isinstance(node, Name) and node.kind == "any":
            return Name(kind, node.name)
        shown = f"{node.name} is {SPOKEN[node.kind]}" if isinstance(node, Name) else f"this is {SPOKEN[node.kind]}"
        advice = {
            ("text", "number"): "quotes make a text, a number has none",
            ("number", "text"): "write the text in quotes",
            ("list", "number"): "count(list) is the number of its members",
            ("list", "text"): 'ask "x" in list',
            ("number", "bool"): "compare it, for example with > 0",
            ("text", "bool"): "compare it, for example with ==",
            ("bool", "number"): "join conditions with and, or, not",
            ("bool", "text"): "join conditions with and, or, not",
            ("list", "bool"): "compare count(list) with 0",
        }.get((node.kind, kind), "compare values of one kind")
        reason = f"; {why}" if why else ""
        self.fail(at, f"{shown}, where {SPOKEN[kind]} is needed{reason}: {advice}")

    def truth(self, node: Node, at: int) -> Node:
        return self.as_kind(node, "bool", at)

    def plain(self, node: Node, at: int, what: str) -> None:
        """A value, not a condition made of others: so that code and SQL are as long as the text, never a multiple."""
        if isinstance(node, Logic | Not | Compare | In | Members):
            self.fail(at, what)


_COUNTED = {1: "one", 2: "two", 3: "three"}
