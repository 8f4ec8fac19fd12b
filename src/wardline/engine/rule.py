"""Rules as text: the public face of the language.

    condition = compile_condition('score >= 0.5 and auth.spf == "fail"', names)
    condition.holds(values)                     # True only when it is known to be true

    rules = RuleSet([Rule("spray", "failures_10m > 5", "{failures_10m} wrong passwords came from this network in ten minutes")], names)
    rules.judge(values)                         # Judged(hits=[Hit("spray", "12 wrong passwords came …")], errors=[])

A small, typed, bounded language of conditions over named values with three-valued logic; the semantics are written in docs/contracts/rules.md. A
value that is missing or None is unknown, and unknown spreads as in SQL: `unknown and False` is False, `unknown and True` is unknown, a comparison
with unknown is unknown. A condition that is unknown does not hold; `missing(x)` asks for it.

The rules of a set are fused into one function, each in a try of its own. The same trees become SQL in `engine/conditions/sql.py`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from wardline.engine.conditions.check import check
from wardline.engine.conditions.code import evaluate_function, first_function, holds_function, set_function
from wardline.engine.conditions.text import Template, parse_template
from wardline.engine.conditions.tree import DEPTH_LIMIT, NODE_LIMIT, SET_COST_LIMIT, SET_LIMIT, TEXT_LIMIT, Checked, RuleError
from wardline.engine.feature import Values

__all__ = [
    "DEPTH_LIMIT",
    "NODE_LIMIT",
    "TEXT_LIMIT",
    "Checked",
    "Condition",
    "Hit",
    "Judged",
    "Rule",
    "RuleError",
    "RuleFault",
    "RuleSet",
    "check",
    "compile_condition",
    "compile_first",
]


class Condition(msgspec.Struct, frozen=True):
    """A compiled condition: its text, the names it reads (sorted), and two pure functions of the values.

    `evaluate` gives True, False or None (unknown); `holds` is True only when the condition is known to be true.
    """

    text: str
    reads: tuple[str, ...]
    evaluate: Callable[[Values], bool | None]
    holds: Callable[[Values], bool]
    checked: Checked


def compile_condition(text: str, names: Mapping[str, str] | Collection[str]) -> Condition:
    """Parse, check and compile a condition over the given names (with their kinds, or all of any kind); raises RuleError with a hint.

    Source: three-valued logic after Kleene, as in SQL:1999 §8.12.
    """
    checked = check(text, names)
    return Condition(text, checked.reads, evaluate_function(checked), holds_function(checked), checked)


def compile_first(conditions: Sequence[Condition]) -> Callable[[Values], int]:
    """One function that gives the index of the first condition that is known to hold, or -1."""
    return first_function([condition.checked for condition in conditions])


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule as text: a name, a condition, and the template of its reason."""

    name: str
    when: str
    reason: str = ""


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A rule that is known to hold, and its reason in one sentence."""

    rule: str
    reason: str


class RuleFault(msgspec.Struct, frozen=True, gc=False):
    """A rule that raised on these values: its name and the kind of error. It counts as no hit; the other rules went on."""

    rule: str
    error: str


class Judged(msgspec.Struct, frozen=True):
    """What a set of rules says about one event: hits and errors, both in the order of the rules."""

    hits: list[Hit]
    errors: list[RuleFault]


class RuleSet:
    """Rules fused into one function. Immutable: a changed set is a new one.

    `names` are the names that rules may read, with their kinds; `own` gives single rules, by name, names of their own in place of these. RuleError names the
    rule and the place; a set has at most 1,000 rules, whose conditions
    cost at most as much as 20,000 comparisons together.
    """

    def __init__(
        self, rules: Sequence[Rule], names: Mapping[str, str] | Collection[str], own: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        if len(rules) > SET_LIMIT:
            raise RuleError(f"{len(rules)} rules in one set; at most {SET_LIMIT} are allowed: retire some, or split the decision point")
        self.rules = tuple(rules)
        self.checked: dict[str, Checked] = {}
        self.templates: dict[str, Template] = {}
        for rule in rules:
            if rule.name in self.checked:
                raise RuleError("two rules have this name: every rule needs its own", where=rule.name[:100])
            readable = own.get(rule.name, names) if own else names
            try:
                self.checked[rule.name] = check(rule.when, readable)
            except RuleError as error:
                raise error.within(rule.name[:100]) from None
            try:
                self.templates[rule.name] = parse_template(rule.reason, readable)
            except RuleError as error:
                raise error.within(f"{rule.name[:100]}: reason") from None
        self.cost = sum(checked.cost for checked in self.checked.values())
        if self.cost > SET_COST_LIMIT:
            raise RuleError(f"the rules cost {self.cost} comparisons an event; at most {SET_COST_LIMIT} are allowed: retire the dearest")
        self.reads = tuple(sorted({name for checked in self.checked.values() for name in checked.reads}))
        self._judge = set_function(
            list(self.checked.values()), [_reporter(rule.name, self.templates[rule.name]) for rule in rules], self._fault
        )
        self._evaluate: dict[str, Callable[[Values], bool | None]] = {}

    def judge(self, values: Values) -> Judged:
        """Hits with their rendered reasons, and the rules that raised. Never raises for what a rule does."""
        return Judged(*self._judge(values))

    def explain(self, values: Values) -> dict[str, bool | None]:
        """Every rule with what it says: True, False or None (unknown); a rule that raises says None. For people, not for the hot path."""
        found: dict[str, bool | None] = {}
        for name, checked in self.checked.items():
            evaluate = self._evaluate.get(name) or self._evaluate.setdefault(name, evaluate_function(checked))
            try:
                found[name] = evaluate(values)
            except Exception:  # reported by judge
                found[name] = None
        return found

    def _fault(self, index: int, error: Exception) -> RuleFault:
        # The kind of error only: its text may repeat a value.
        return RuleFault(self.rules[index].name, type(error).__name__)


def _reporter(name: str, template: Template) -> Callable[[Values], Hit]:
    if not template.names:
        hit = Hit(name, template.pieces[0])
        return lambda values: hit
    render = template.render
    return lambda values: Hit(name, render(values))
