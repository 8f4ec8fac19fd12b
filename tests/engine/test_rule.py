"""Conditions: three-valued logic, bounds, hints."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.conditions.functions import FUNCTIONS
from wardline.engine.conditions.tree import SET_LIMIT
from wardline.engine.rule import Hit, Rule, RuleError, RuleFault, RuleSet, compile_condition, compile_first

NAMES = {"score", "auth.spf", "attachment.flags", "mail.size_bytes", "flag"}


def evaluate(text: str, **values: object) -> object:
    return compile_condition(text, NAMES).evaluate({name.replace("__", "."): value for name, value in values.items()})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("score >= 0.5", {"score": 0.5}, True),
        ("score > 0.5", {"score": 0.5}, False),
        ("score > 0.5", {}, None),
        ("score > 0.5", {"score": "high"}, None),
        ("0.2 < score < 0.4", {"score": 0.3}, True),
        ("0.2 < score < 0.4", {"score": 0.5}, False),
        ("score == True", {"score": 0.3}, None),
        ('auth.spf == "fail"', {"auth__spf": "fail"}, True),
        ('auth.spf != "fail"', {}, None),
        ('auth.spf in ["fail", "softfail"]', {"auth__spf": "softfail"}, True),
        ('"macros" in attachment.flags', {"attachment__flags": ["macros"]}, True),
        ('"macros" not in attachment.flags', {"attachment__flags": []}, True),
        ('"macros" in attachment.flags', {}, None),
        ("missing(auth.spf)", {}, True),
        ("missing(attachment.flags)", {"attachment__flags": []}, True),
        ("not missing(score)", {"score": 0.0}, True),
        ("count(attachment.flags) > 1", {"attachment__flags": ["a", "b"]}, True),
        ("count(attachment.flags) > 1", {"attachment__flags": 7}, None),
        ("max(score, 0.9) == 0.9", {"score": 0.3}, True),
        ('lower(auth.spf) == "pass"', {"auth__spf": "PASS"}, True),
        ("mail.size_bytes / 0 > 1", {"mail__size_bytes": 1}, None),
        ("mail.size_bytes * 2 + 1 - 1 == 4", {"mail__size_bytes": 2}, True),
        ("-score < 0", {"score": 0.3}, True),
        ("abs(-2) == 2", {}, True),
    ],
)
def test_values(text: str, values: dict[str, object], expected: object) -> None:
    assert evaluate(text, **values) is expected


@pytest.mark.parametrize("left", [True, False, None])
@pytest.mark.parametrize("right", [True, False, None])
def test_logic_is_kleenes(left: bool | None, right: bool | None) -> None:
    values = {"flag": left, "score": right}
    both = False if left is False or right is False else None if left is None or right is None else True
    either = True if left is True or right is True else None if left is None or right is None else False
    assert compile_condition("flag and score", NAMES).evaluate(values) is both
    assert compile_condition("flag or score", NAMES).evaluate(values) is either
    assert compile_condition("not flag", NAMES).evaluate(values) is (None if left is None else not left)


def test_unknown_does_not_hold() -> None:
    condition = compile_condition("not (score > 0.5)", NAMES)
    assert not condition.holds({})
    assert condition.holds({"score": 0.1})
    assert condition.reads == ("score",)


def test_a_text_is_never_multiplied() -> None:
    condition = compile_condition("auth.spf * mail.size_bytes == 1", NAMES)
    assert condition.evaluate({"auth.spf": "a", "mail.size_bytes": 10**9}) is None
    assert (
        compile_condition("attachment.flags * mail.size_bytes == 1", NAMES).evaluate({"attachment.flags": [1], "mail.size_bytes": 10**9})
        is None
    )


@given(st.text(max_size=200))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        condition = compile_condition(text, NAMES)
    except RuleError:
        return
    condition.evaluate({"score": 0.5})


def test_a_name_is_looked_up_once() -> None:
    asked: list[str] = []

    class Counting(dict[str, object]):
        def get(self, name: str, *rest: object) -> object:  # type: ignore[override]
            asked.append(name)
            return 1

    assert (
        compile_condition("0 <= x <= 1 and x + x == 2 and missing(x) == False and count(x) != 3 or x == 5", {"x"}).holds(Counting())
        is False
    )
    assert asked == ["x"]


def test_the_first_condition_that_holds() -> None:
    first = compile_first([compile_condition(text, NAMES) for text in ("score > 0.9", "flag", "score > 0.1")])
    assert first({"score": 0.95}) == 0
    assert first({"score": 0.5, "flag": True}) == 1
    assert first({"score": 0.5}) == 2
    assert first({"score": "high", "flag": 7}) == -1


TYPED = {"failures_10m": "number", "ip.country": "text", "known": "bool", "flags": "list", "odd": "any"}


def test_a_set_gives_hits_with_reasons_in_order() -> None:
    rules = RuleSet(
        [
            Rule("spray", "failures_10m > 5", "{failures_10m} wrong passwords came from {ip.country}"),
            Rule("never", "failures_10m > 100", "never"),
            Rule("plain", "not known", "A new device."),
            Rule("unknown", 'ip.country == "AT"', "unknown"),
        ],
        TYPED,
    )
    judged = rules.judge({"failures_10m": 12, "known": False})
    assert judged.hits == [Hit("spray", "12 wrong passwords came from unknown"), Hit("plain", "A new device.")]
    assert judged.errors == []
    assert rules.explain({"failures_10m": 12, "known": False}) == {"spray": True, "never": False, "plain": True, "unknown": None}
    assert rules.reads == ("failures_10m", "ip.country", "known")


def test_a_rule_that_raises_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(number: float) -> float:
        raise ArithmeticError(f"{number}")

    monkeypatch.setitem(FUNCTIONS, "abs", msgspec.structs.replace(FUNCTIONS["abs"], call=raises))
    rules = RuleSet(
        [Rule("one", "failures_10m > 5"), Rule("broken", "abs(failures_10m) > 1"), Rule("three", "failures_10m > 6")],
        TYPED,
    )
    judged = rules.judge({"failures_10m": 12})
    assert [hit.rule for hit in judged.hits] == ["one", "three"]
    assert judged.errors == [RuleFault("broken", "ArithmeticError")]
    assert rules.explain({"failures_10m": 12})["broken"] is None
    assert rules.judge({}).errors == []


def test_rules_may_read_names_of_their_own() -> None:
    rules = RuleSet(
        [Rule("one", "plan > 5", "{plan}"), Rule("two", 'plan == "free"', "{plan}")],
        {},
        {"one": {"plan": "number"}, "two": {"plan": "text"}},
    )
    assert rules.judge({"plan": "free"}).hits == [Hit("two", '"free"')]
    assert rules.judge({"plan": 6}).hits == [Hit("one", "6")]


@pytest.mark.parametrize(
    ("rules", "part"),
    [
        ([Rule("a", "known"), Rule("a", "known")], "a: two rules have this name"),
        ([Rule("a", "known and failures_1m > 5")], "a: column 11: unknown name failures_1m; did you mean failures_10m"),
        ([Rule("a", "known", "{knwon}")], "a: reason: column 1: unknown name knwon; did you mean known"),
        ([Rule(str(number), "known") for number in range(SET_LIMIT + 1)], "1001 rules in one set"),
        ([Rule(str(number), "odd in odd" + " or odd in odd" * 40) for number in range(90)], "the rules cost 22140 comparisons an event"),
    ],
)
def test_a_set_that_cannot_be_used(rules: list[Rule], part: str) -> None:
    with pytest.raises(RuleError) as error:
        RuleSet(rules, TYPED)
    assert part in str(error.value)


def test_a_large_set_is_one_function() -> None:
    rules = RuleSet([Rule(f"r{number}", f"failures_10m == {number}", "{failures_10m}") for number in range(SET_LIMIT)], TYPED)
    assert rules.judge({"failures_10m": 317}).hits == [Hit("r317", "317")]
