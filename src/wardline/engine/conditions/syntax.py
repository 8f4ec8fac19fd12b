"""The words of a condition: text to tokens, each with its place, and clear words for what is not part of the language.

    score >= 0.5 and auth.spf in ["fail"]   ->   name score · operator >= · number 0.5 · word and · name auth.spf · word in · operator [ · …

A lexer of our own rather than Python's: Python's normalises identifiers (NFKC), knows dozens of forms of literals, and changes between
versions; here a token is what the eye sees. One regular expression without nested repetition: linear in the text, whatever it holds.
"""

import re
from typing import Literal

import msgspec

from wardline.engine.conditions.tree import MEMBERS_LIMIT, NAME_LIMIT, NODE_LIMIT, TEXT_LIMIT, RuleError

WORDS = frozenset({"and", "or", "not", "in", "True", "False"})
LARGEST_EXACT = 2**53
TOKEN_LIMIT = 4 * NODE_LIMIT + 2 * MEMBERS_LIMIT

# What people write by habit from Python, SQL, C or a spreadsheet, and what to write here.
ADVICE = {
    "is": "compare with ==, and ask missing(x) whether a value is unknown",
    "None": "nothing equals an unknown value: ask missing(x)",
    "null": "nothing equals an unknown value: ask missing(x)",
    "NULL": "nothing equals an unknown value: ask missing(x)",
    "true": "write True",
    "false": "write False",
    "TRUE": "write True",
    "FALSE": "write False",
    "AND": "write and",
    "OR": "write or",
    "NOT": "write not",
    "IN": "write in",
    "lambda": "functions cannot be made in a condition",
    "if": "join conditions with and, or, not",
    "else": "join conditions with and, or, not",
    "for": "there are no loops: any_of(list, [...]) and all_of(list, [...]) ask about the members of a list",
    "await": "a condition only compares values",
    "async": "a condition only compares values",
    "yield": "a condition only compares values",
    "like": "use starts_with, ends_with or contains",
    "LIKE": "use starts_with, ends_with or contains",
}
_WRONG = {
    "**": "powers are not part of the language: arithmetic is + - * /",
    "//": "write floor(a / b)",
    "%": "remainders are not part of the language: arithmetic is + - * /",
    ":=": "a condition gives no names: write the value where it is needed",
    "=": "write == to compare",
    "<>": "write != for unequal",
    "&&": "write and",
    "||": "write or",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "^": "powers are not part of the language: arithmetic is + - * /",
    "~": "write not",
    "@": "arithmetic is + - * /",
    "->": "a condition only compares values",
    "{": "write a list as [ ]",
    "}": "write a list as [ ]",
    ":": "there are no slices and no mappings: names, literals, comparisons and functions only",
    ";": "a rule is one condition: join with and, or",
    "#": "there are no comments in a condition: write them beside it",
    "\\": "a backslash belongs into a text, between quotes",
    "`": 'write texts between " and "',
    "“": 'write texts between plain quotes: "',
    "”": 'write texts between plain quotes: "',
    "‘": "write texts between plain quotes: '",
    "’": "write texts between plain quotes: '",
    "...": "an ellipsis is not part of the language",
    ".": "a name is words joined by dots without blanks, such as auth.spf",
    "$": "a name is written without $",
    "?": "a condition has no parameters: write the value",
}
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    |(?P<number>(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<wrong>\*\*|//|:=|<>|&&|\|\||->|\.\.\.|[%&|^~@{}:;#\\`“”‘’.$?])
    |(?P<operator>[=!<>]=|[<>+\-*/()\[\],])
    |(?P<lone>[=!])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


class Token(msgspec.Struct, frozen=True):
    """One token: `text` as written, `value` of a literal, `at` as offset into the text."""

    kind: Literal["name", "word", "number", "text", "operator", "end"]
    text: str
    at: int
    value: float | str = ""


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column, both from 1, of an offset."""
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def error(text: str, at: int, what: str) -> RuleError:
    """The error that says so at that place."""
    return RuleError(what, *place(text, at))


def tokens(text: str) -> list[Token]:
    """All tokens, with an "end" behind them; RuleError names the first thing that is none. Time and memory are linear in at most 4,000 characters."""
    if len(text) > TEXT_LIMIT:
        raise RuleError(f"the condition has {len(text)} characters; at most {TEXT_LIMIT} are allowed: split it into several rules")
    if not text.strip():
        raise RuleError('the condition is empty: write one, such as score > 0.5 or auth.spf == "fail"')
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise error(text, at, _unreadable(text, at))
        piece = match.group()
        if match.lastgroup != "blank":
            found.append(_token(text, at, match.lastgroup or "", piece))
            if len(found) > TOKEN_LIMIT:
                raise error(text, at, f"more than {TOKEN_LIMIT} words and signs: split the condition into several rules")
        at = match.end()
    found.append(Token("end", "the end", len(text)))
    return found


def _token(text: str, at: int, kind: str, piece: str) -> Token:
    following = text[at + len(piece) : at + len(piece) + 1]
    match kind:
        case "name":
            if following in ('"', "'"):
                raise error(text, at, f"{piece[:20]}{following} is not part of the language: a text has no letters before its quotes")
            if following > "\x7f" and following.isidentifier():
                raise error(
                    text, at + len(piece), "names are made of the letters a to z, digits, _ and dots: write the name as it is declared"
                )
            if len(piece) > NAME_LIMIT:
                raise error(text, at, f"a name has at most {NAME_LIMIT} characters")
            return Token("word" if piece in WORDS else "name", piece, at)
        case "number":
            return Token("number", piece, at, _number(text, at, piece, following))
        case "text":
            return Token("text", piece, at, _literal(text, at, piece))
        case "operator":
            return Token("operator", piece, at)
        case _:
            raise error(text, at, f"{piece} is not part of the language: {_WRONG[piece]}")


def _number(text: str, at: int, piece: str, following: str) -> float:
    if following.isalnum() or following == "_" or following == ".":
        raise error(text, at, "a number is decimal digits, such as 20, 0.5 or 1e6")
    whole = piece.replace("_", "")
    value = float(whole)
    if value in (float("inf"), float("-inf")):
        raise error(text, at, "the number is too large: at most 1.7e308")
    if whole.isdigit() and (len(whole) > 16 or int(whole) > LARGEST_EXACT):
        raise error(text, at, f"whole numbers above {LARGEST_EXACT} cannot be told apart: an identifier is a text, in quotes")
    return value


def _literal(text: str, at: int, piece: str) -> str:
    for offset, character in enumerate(piece):
        if (character < " " and character != "\t") or "\ud800" <= character <= "\udfff":
            raise error(text, at + offset, f"a text may not hold the character U+{ord(character):04X}")

    def replace(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape in _ESCAPES:
            return _ESCAPES[escape]
        if len(escape) == 5 and not 0xD800 <= (point := int(escape[1:], 16)) <= 0xDFFF and point:
            return chr(point)
        raise error(
            text,
            at + match.start() + 1,
            f"\\{escape} is no escape: there are \\\\ \\\" \\' \\n \\t \\r and \\u with four hexadecimal digits",
        )

    return _ESCAPE.sub(replace, piece[1:-1])


def _unreadable(text: str, at: int) -> str:
    character = text[at]
    if character in "\"'":
        return "the text begun here does not end on its line: close it with the same quote"
    if character.isidentifier():
        return "names are made of the letters a to z, digits, _ and dots: write the name as it is declared"
    shown = character if character.isprintable() else "this character"
    return f"{shown} (U+{ord(character):04X}) is not part of the language"
