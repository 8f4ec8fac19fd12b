"""Conditions: three-valued logic, bounds, hints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.engine.rule import DEPTH_LIMIT, NODE_LIMIT, TEXT_LIMIT, RuleError, compile_condition

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
        ("score == None", {"score": 0.3}, None),
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


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("auth.spff == 1", "did you mean auth.spf?"),
        ("nothing_like_it", "unknown name nothing_like_it"),
        ("open('x')", "only these functions may be called"),
        ("score.real.__class__", "unknown name"),
        ("(1).real", "a name is words joined by dots"),
        ("[x for x in attachment.flags]", "not part of the language"),
        ("score ** 2", "not part of the language"),
        ("score % 2", "not part of the language"),
        ("lambda: 1", "not part of the language"),
        ("score is None", "use == instead of is"),
        ("count()", "takes one value"),
        ("max(1)", "two or more"),
        ("score >", "not a valid condition"),
        ("", "not a valid condition"),
        ("1" * (TEXT_LIMIT + 1), "at most"),
        (" or ".join(["flag"] * (NODE_LIMIT + 1)), "terms"),
        ("(" * 150 + "1" + ")" * 150 + "\0", "not a valid condition"),
        ("not " * (DEPTH_LIMIT + 2) + "flag", "nested"),
        ("f'{score}'", "not part of the language"),
        ("b'x' == flag", "not part of the language"),
    ],
)
def test_refused_with_a_hint(text: str, part: str) -> None:
    with pytest.raises(RuleError, match=part.replace("?", r"\?").replace("(", r"\(")):
        compile_condition(text, NAMES)


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


def test_a_term_in_the_middle_is_asked_once() -> None:
    text = "x"
    for _ in range(18):
        text = f"(0 <= {text} <= 1)"
    asked = 0

    class Counting(dict[str, object]):
        def get(self, *arguments: object) -> object:  # type: ignore[override]
            nonlocal asked
            asked += 1
            return 1

    compile_condition(text, {"x"}).evaluate(Counting())  # type: ignore[arg-type]
    assert asked == 1
