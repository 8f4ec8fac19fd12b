"""Lexicons: phrases of many languages, found in linear time, grouped into cues.

    lexicon = load("advance_fee")                    # detectors/advance_fee.toml
    lexicon.find("I am the next of kin of …")        # -> ["kinship"]: the groups of which a phrase was found, in the file's order

A file has one table per group: `odds` and `words` as in `weighing.Cue`, then phrases by language code (ISO 639-1). A phrase is
written in lower case and matches whole words; a trailing "*" lets the last word go on (stems of inflected languages); phrases in scripts
that do not part words (Han, Kana, Thai, Khmer, Lao, Burmese), or glue particles to them (Hangul), match anywhere. Latin phrases match without their accents as well.

Cost: the words of the text are put in a set once; only phrases of which the rarest word occurs are looked for. Text beyond the first and
the last 20,000 characters is not looked at.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources

from wardline.domains.mail.weighing import Cue

EDGE_CHARS = 20_000
_MARKS = ".,;:!?()[]{}<>\"'“”„«»‘’¡¿…—–-/\\|*_=+#%&~`•·@।؟،。，、！？：；「」（）\u00a0\r\n\t"
_SPACES = str.maketrans(dict.fromkeys(_MARKS, " "))
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_BEYOND_LATIN = re.compile("[\u0370-\U0010ffff]")
# A phrase belongs to the first script that it has a letter of.
_SCRIPTS = tuple(
    re.compile(f"[{letters}]")
    for letters in (
        "\u0400-\u052f",
        "\u0600-\u06ff",
        "\u1100-\u11ff\uac00-\ud7af",
        "\u3040-\u30ff\u3400-\u9fff",
        "\u0590-\u05ff\u0e00-\u10ff\u1780-\u17ff\u0900-\u0dff\u0370-\u03ff",
    )
)
_UNPARTED = (
    ("\u0e00", "\u0eff"),
    ("\u1000", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u3040", "\u30ff"),
    ("\uac00", "\ud7a3"),
    ("\u3400", "\u9fff"),
)


def plain(text: str) -> str:
    """The text's edges in lower case, NFKC, without invisible characters, marks as spaces, one space between words and at both ends."""
    if len(text) > 2 * EDGE_CHARS:
        text = text[:EDGE_CHARS] + " " + text[-EDGE_CHARS:]
    if text.isascii():
        # An ASCII translation table of bytes is many times faster than a dictionary of characters.
        return " " + " ".join(text.encode("ascii").translate(_ASCII).decode("ascii").split()) + " "
    text = unicodedata.normalize("NFKC", text.casefold())
    for mark in _INVISIBLE:
        if mark in text:
            text = text.replace(mark, "")
    for mark in _MARKS:
        if mark in text:
            text = text.replace(mark, " ")
    return " " + " ".join(text.split()) + " "


_ASCII = bytes(32 if chr(b) in _MARKS else ord(chr(b).lower()) if b < 128 else b for b in range(256))


def _is_unparted(phrase: str) -> bool:
    return any(low <= char <= high for char in phrase for low, high in _UNPARTED)


def _bare(phrase: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", phrase) if not unicodedata.combining(char))


class Lexicon:
    """The phrases of some groups. `cues` are the groups as `weighing.Cue`; `languages` the codes that occur."""

    def __init__(self, groups: Mapping[str, Mapping[str, object]]) -> None:
        self.cues: dict[str, Cue] = {}
        languages: set[str] = set()
        by_word: dict[str, list[tuple[str, str]]] = {}
        anywhere: list[tuple[str, str]] = []
        uses: dict[str, int] = {}
        phrases: list[tuple[str, str]] = []
        for group, table in groups.items():
            odds, words = table["odds"], table["words"]
            if not isinstance(odds, int | float) or not isinstance(words, str):
                raise ValueError(f"lexicon: group {group!r} needs odds (a number) and words (a sentence)")
            self.cues[group] = Cue(float(odds), words)
            for language, members in table.items():
                if not isinstance(members, list):
                    continue
                languages.add(language)
                for phrase in members:
                    if not isinstance(phrase, str) or not phrase.strip("* "):
                        raise ValueError(f"lexicon: group {group!r}, {language}: a phrase must be a text, got {phrase!r}")
                    star = phrase.endswith("*")
                    form = plain(phrase.removesuffix("*")).strip()
                    for variant in dict.fromkeys((form, _bare(form)) if form and form[0] < "\u0250" else (form,)):
                        if _is_unparted(variant):
                            anywhere.append((variant, group))
                        elif star:
                            anywhere.append((" " + variant, group))
                        else:
                            phrases.append((variant, group))
                            for word in variant.split():
                                uses[word] = uses.get(word, 0) + 1
        for phrase, group in phrases:
            # The longest word is most often the rarest.
            anchor = max(phrase.split(), key=lambda word: (len(word), -uses[word], word))
            by_word.setdefault(anchor, []).append((f" {phrase} ", group))
        self.languages = frozenset(languages)
        self._by_word = by_word
        self._anchors = frozenset(by_word)
        self._stems = tuple(pair for pair in anywhere if _BEYOND_LATIN.search(pair[0]) is None)
        self._scripts = tuple(
            (script, members) for script in _SCRIPTS if (members := tuple(pair for pair in anywhere if script.search(pair[0]) is not None))
        )

    def find(self, text: str) -> list[str]:
        """The groups of which at least one phrase occurs in a text."""
        return self.find_plain(plain(text))

    def find_plain(self, text: str) -> list[str]:
        """As `find`, for a text that went through `plain` already."""
        found: set[str] = set()
        for word in self._anchors.intersection(text.split()):
            for phrase, group in self._by_word[word]:
                if group not in found and phrase in text:
                    found.add(group)
        for phrase, group in self._stems:
            if group not in found and phrase in text:
                found.add(group)
        if _BEYOND_LATIN.search(text) is not None:
            for script, members in self._scripts:
                if script.search(text) is None:
                    continue
                for phrase, group in members:
                    if group not in found and phrase in text:
                        found.add(group)
        return [group for group in self.cues if group in found]


@cache  # constants of the package, read once
def load(name: str) -> Lexicon:
    """The lexicon `detectors/NAME.toml`. Raises ValueError when the file is not one."""
    source = resources.files("wardline.domains.mail.detectors").joinpath(f"{name}.toml")
    return Lexicon(tomllib.loads(source.read_text("utf-8")))
