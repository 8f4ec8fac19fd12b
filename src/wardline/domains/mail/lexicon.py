"""Lexicons: phrases of many languages, found in linear time, grouped into cues.

    lexicon = load("advance_fee")                    # detectors/advance_fee.toml
    lexicon.find("I am the next of kin of …")        # -> ["kinship"]: the groups of which a phrase was found, in the file's order

A file has one table per group: `odds` and `words` as in `weighing.Cue`, then phrases by language code (ISO 639-1). A phrase is
written in lower case and matches whole words; a trailing "*" lets the last word go on (stems of inflected languages); phrases in scripts
that do not part words (Han, Kana, Thai, Khmer, Lao, Burmese), or glue particles to them (Hangul), match anywhere. Latin phrases match without their accents as well.

Cost: a text is folded and its words are put in a set once (`Text`), for however many lexicons; only phrases of which the rarest word occurs
are looked for. Text beyond the first and the last 20,000 characters is not looked at.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, cached_property
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
_UNPARTED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uac00-\ud7a3\u3400-\u9fff]")


def plain(text: str) -> str:
    """The text's edges in lower case, NFKC, without invisible characters, marks as spaces, one space between words and at both ends."""
    return f" {' '.join(_words(text))} "


def _words(text: str) -> list[str]:
    """The words of a text's edges, folded as `plain` says."""
    if len(text) > 2 * EDGE_CHARS:
        text = text[:EDGE_CHARS] + " " + text[-EDGE_CHARS:]
    if text.isascii():
        # An ASCII translation table of bytes is many times faster than a dictionary of characters.
        return text.encode("ascii").translate(_ASCII).decode("ascii").split()
    text = unicodedata.normalize("NFKC", text.casefold())
    for mark in _INVISIBLE:
        if mark in text:
            text = text.replace(mark, "")
    for mark in _WIDE_MARKS:
        if mark in text:
            text = text.replace(mark, " ")
    return text.encode("utf-8", "surrogatepass").translate(_BARE).decode("utf-8", "surrogatepass").split()


_ASCII = bytes(32 if b < 128 and chr(b) in _MARKS else ord(chr(b).lower()) if b < 128 else b for b in range(256))
_BARE = bytes(32 if b < 128 and chr(b) in _MARKS else b for b in range(256))
_WIDE_MARKS = [mark for mark in _MARKS if not mark.isascii()]


class Text:
    """A text as lexicons read it: folded, with its distinct words and the scripts that occur in it. Made once, for all lexicons."""

    def __init__(self, text: str) -> None:
        words = _words(text)
        self.head = text[:EDGE_CHARS]  # as it was written
        self.plain = f" {' '.join(words)} "
        self.words = frozenset(words)

    @cached_property
    def scripts(self) -> frozenset[int]:
        """Which of the scripts beyond Latin it holds letters of."""
        if _BEYOND_LATIN.search(self.plain) is None:
            return frozenset()
        return frozenset(number for number, script in enumerate(_SCRIPTS) if script.search(self.plain) is not None)


def _is_unparted(phrase: str) -> bool:
    return _UNPARTED.search(phrase) is not None


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
        phrases: list[tuple[str, list[str], str]] = []
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
                        elif star and (" " not in variant or _BEYOND_LATIN.search(variant) is not None):
                            anywhere.append((" " + variant, group))
                        else:
                            words_of = variant.split()[:-1] if star else variant.split()
                            phrases.append((f" {variant}" if star else f" {variant} ", words_of, group))
                            for word in words_of:
                                uses[word] = uses.get(word, 0) + 1
        for phrase, words_of, group in phrases:
            # The longest word is most often the rarest; the last one of a stem goes on, and is no whole word.
            anchor = max(words_of, key=lambda word: (len(word), -uses[word], word))
            by_word.setdefault(anchor, []).append((phrase, group))
        self.languages = frozenset(languages)
        self._by_word = by_word
        self._anchors = frozenset(by_word)
        self._stems = tuple(pair for pair in anywhere if _BEYOND_LATIN.search(pair[0]) is None)
        self._scripts = tuple(
            (number, members)
            for number, script in enumerate(_SCRIPTS)
            if (members := tuple(pair for pair in anywhere if script.search(pair[0]) is not None))
        )

    def find(self, text: str | Text) -> list[str]:
        """The groups of which at least one phrase occurs in a text."""
        if isinstance(text, str):
            text = Text(text)
        folded, found = text.plain, set[str]()
        for word in self._anchors & text.words:
            for phrase, group in self._by_word[word]:
                if group not in found and phrase in folded:
                    found.add(group)
        for phrase, group in self._stems:
            if group not in found and phrase in folded:
                found.add(group)
        scripts = text.scripts
        if scripts:
            for number, members in self._scripts:
                if number not in scripts:
                    continue
                for phrase, group in members:
                    if group not in found and phrase in folded:
                        found.add(group)
        return [group for group in self.cues if group in found] if found else []


@cache  # constants of the package, read once
def load(name: str) -> Lexicon:
    """The lexicon `detectors/NAME.toml`. Raises ValueError when the file is not one."""
    source = resources.files("wardline.domains.mail.detectors").joinpath(f"{name}.toml")
    return Lexicon(tomllib.loads(source.read_text("utf-8")))
