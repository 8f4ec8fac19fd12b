"""The reason of a rule: a template of one plain sentence, its names checked, its values shown for people.

    "{failures_10m} wrong passwords came from {ip.asn} in ten minutes"
    -> 12 wrong passwords came from 64500 in ten minutes         or, when the count is not known: unknown wrong passwords came from …

{{ and }} are braces. There are no formats and no expressions. What a stranger may have written (a text) is shown quoted, cut and without characters
that draw lines or turn the direction of writing; the whole sentence is bounded, whatever the values hold.
"""

import re
from collections.abc import Collection, Mapping

import msgspec

from wardline.engine.conditions.check import kinds_of, unknown_name
from wardline.engine.conditions.syntax import place
from wardline.engine.conditions.tree import NAME_LIMIT, RuleError
from wardline.engine.feature import Values

TEMPLATE_LIMIT = 400  # characters of the template
FIELDS_LIMIT = 16
TEXT_SHOWN = 40  # characters of a text value
MEMBERS_SHOWN = 5
SENTENCE_LIMIT = 600  # characters of the rendered reason

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


class Template(msgspec.Struct, frozen=True):
    """A checked template: text pieces and the names between them; `pieces` is one longer than `names`."""

    text: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    def render(self, values: Values) -> str:
        """The sentence for these values; at most 600 characters. Raises nothing, whatever the values are."""
        pieces = self.pieces
        sentence = pieces[0]
        get = values.get
        for index, name in enumerate(self.names, 1):
            sentence += shown(get(name)) + pieces[index]
        return sentence if len(sentence) <= SENTENCE_LIMIT else sentence[: SENTENCE_LIMIT - 1] + "…"


def parse_template(text: str, names: Mapping[str, str] | Collection[str]) -> Template:
    """Check a template against the names that a rule may read; RuleError says what is wrong, where, and what to do."""
    known = kinds_of(names)
    if len(text) > TEMPLATE_LIMIT:
        raise RuleError(f"the reason has {len(text)} characters; at most {TEMPLATE_LIMIT} are allowed: say it in one sentence")
    bad = next((at for at, character in enumerate(text) if not character.isprintable()), None)
    if bad is not None:
        raise RuleError(f"a reason is one line of printable text: take U+{ord(text[bad]):04X} out", *place(text, bad))
    pieces: list[str] = [""]
    fields: list[str] = []
    last = 0
    for match in _PIECE.finditer(text):
        pieces[-1] += text[last : match.start()]
        last = match.end()
        found = match.group()
        if found in ("{{", "}}"):
            pieces[-1] += found[0]
            continue
        where = place(text, match.start())
        if match.group(1) is None:
            raise RuleError(f"a single {found}: write {{name}} to show a value, {found * 2} for the sign itself", *where)
        name = match.group(1)
        if not _NAME.fullmatch(name) or len(name) > NAME_LIMIT:
            raise RuleError("between { and } stands a name and nothing else: no format, no calculation", *where)
        if name not in known:
            raise RuleError(unknown_name(name, known), *where)
        if len(fields) == FIELDS_LIMIT:
            raise RuleError(f"a reason shows at most {FIELDS_LIMIT} values", *where)
        fields.append(name)
        pieces.append("")
    pieces[-1] += text[last:]
    return Template(text, tuple(pieces), tuple(fields))


def shown(value: object) -> str:
    """One value for people: 12, 0.873, yes, "AT", "a", "b" and 3 more; unknown for None."""
    if value.__class__ is int:
        return str(value) if -(10**15) < value < 10**15 else _number(_double(value))
    if value is None:
        return "unknown"
    if value.__class__ is str:
        return _quoted(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(_double(value))
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        if not value:
            return "none"
        members = ", ".join(shown(member) if not isinstance(member, list) else "a list" for member in value[:MEMBERS_SHOWN])
        return members if len(value) <= MEMBERS_SHOWN else f"{members} and {len(value) - MEMBERS_SHOWN} more"
    return "unknown"


def _double(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return float("nan")


def _number(value: float) -> str:
    if value - value != 0.0:  # infinite, or no number
        return "unknown"
    size = abs(value)
    if size >= 1e15:
        return f"{value:.6g}"
    if value == int(value):
        return str(int(value))
    return f"{value:.1f}" if size >= 1000 else f"{value:.3g}" if size < 100 else f"{value:.4g}"


def _quoted(value: str) -> str:
    text = value if len(value) <= TEXT_SHOWN else value[: TEXT_SHOWN - 1] + "…"
    if not text.isprintable() or '"' in text:
        text = "".join("'" if letter == '"' else letter if letter.isprintable() else "\ufffd" for letter in text)
    return f'"{text}"'
