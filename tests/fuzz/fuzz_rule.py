"""Fuzz target: conditions and reasons. Any text is refused with a place and advice, or becomes code that answers True, False or None on any values.

    .venv/bin/python tests/fuzz/fuzz_rule.py [--rounds 2000] [--seed 1]

A plain bounded loop: sound rules cut, doubled and spliced with signs, words of Python and odd characters; values of every kind, wrong ones too. `one_input` takes
bytes, as atheris hands them over.
"""

import argparse
import random

from rule_shapes import NAMES, Shapes

from wardline.engine.conditions.sql import to_sql
from wardline.engine.conditions.text import SENTENCE_LIMIT, parse_template
from wardline.engine.rule import Condition, Rule, RuleError, RuleSet, compile_condition

ANY = dict.fromkeys(NAMES, "any")
WORDS = (
    "and ", "or ", "not ", " in ", " is ", "None", "True", "lambda x: ", "x if y else z", "(", ")", "[", "]", "{", "}", ",", ".", "..", "...", ":", ":=", ";", "#", "**", "%",
    "//", "==", "=", "!=", "<", "- ", "-", "+", "*", "/", "f'{t1}'", "b'x'", "'", '"', '"""', "\\", "\\u0041", "\\N{DIGIT ONE}", "1e999", "1e308", "0x1", "1j", "1_0", "9" * 30,
    "n1", "t1", "l1", "count(", "min(", "coalesce(", "missing(", "any_of(", "__import__('os')", "n1.real", "ﬁ", "ｎ1", "\u202e", "\0", "\n", "\t", "\ud800", "😀",
)  # fmt: skip
ODD = (
    None,
    True,
    False,
    0,
    -1,
    2**70,
    10**400,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "a",
    "\0",
    [],
    ["a"],
    [None, 1, "a"],
    [[]],
    {},
    object(),
)


def one_input(data: bytes) -> None:
    """As a condition over typed names and over names of any kind, as a reason, on odd values drawn from the bytes."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for names in (NAMES, ANY):
        condition = accepted(text, names)
        if condition is None:
            continue
        for turn in range(3):
            values = {name: ODD[(data[(at + turn) % len(data)] + at * turn) % len(ODD)] for at, name in enumerate(NAMES)}
            judged = RuleSet([Rule("one", text, "{n1} {t1} {l1}")], names).judge(values)
            assert len(judged.hits) + len(judged.errors) <= 1
            if not judged.errors:
                answer = condition.evaluate(values)
                assert answer in (True, False, None) and (answer is True) == bool(judged.hits)
    try:
        template = parse_template(text, NAMES)
    except RuleError as error:
        assert str(error)
    else:
        assert len(template.render(dict(zip(NAMES, ODD, strict=False)))) <= SENTENCE_LIMIT


def accepted(text: str, names: dict[str, str]) -> Condition | None:
    """The condition, or None where it was refused as it should be."""
    try:
        condition = compile_condition(text, names)
    except RuleError as error:
        assert str(error) and len(str(error)) < 500
        assert (error.line == 0) == (error.column == 0)
        assert error.line <= text.count("\n") + 1
        return None
    if names is NAMES:
        assert len(to_sql(condition.checked).text) < 1_000_000
    return condition


def made(source: random.Random) -> str:
    """A sound rule, then cut, doubled and spliced."""
    shapes = Shapes(source)
    text = shapes.condition()
    for _ in range(source.randrange(4)):
        at = source.randrange(len(text) + 1)
        match source.randrange(4):
            case 0:
                text = text[:at] + text[at + source.randrange(1, 4) :]
            case 1:
                text = text[:at] + text[max(0, at - 10) :]
            case 2:
                text = text[:at] + source.choice(WORDS) * source.choice((1, 1, 2, 50)) + text[at:]
            case _:
                text = text[:at] + shapes.test(1) + text[at:]
    return text


def loop(rounds: int, seed: int) -> int:
    """The bounded loop; returns how many inputs were tried."""
    source = random.Random(seed)
    for _ in range(rounds):
        one_input(made(source).encode("utf-8", "surrogatepass"))
        one_input("".join(source.choice(WORDS) for _ in range(source.randrange(1, 20))).encode("utf-8", "surrogatepass"))
        one_input(source.randbytes(source.randrange(1, 40)))
    return rounds


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"{loop(options.rounds, options.seed)} inputs, no fault")
