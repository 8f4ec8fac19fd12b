"""The folding table: which characters look like, or mean, which plain ones. Builds the data file once, and loads it.

    python -m wardline.protocols.foldtable confusables.txt > src/wardline/protocols/fold.tsv     (with Python 3.11, Unicode 14.0)

    fold.tsv    "f	430	1	a"        U+0430 folds to "a" everywhere
                "f	ff21	26	+a"   26 characters from U+FF21 fold to 26 characters from "a" on
                "s	6d5	1	o"        U+06D5 folds to "o" only in skeletons (names and hosts)

The file pins the result: `unicodedata` differs between Python versions, the table does not. Sources: Unicode Character Database 14.0 (NFKD,
simple lower case) and confusables.txt of UTS #39; see NOTICE for the Unicode licence. Only what the project needs is kept.
"""

import sys
import unicodedata
from functools import lru_cache
from importlib import resources
from pathlib import Path

# Invisible characters: removed. Tags (U+E0000) can smuggle a whole text past a reader.
INVISIBLE = (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0))  # fmt: skip
# Letters in black circles and squares, and the letters that flags are made of: Unicode gives them no decomposition.
_lettered = (0x1F150, 0x1F170, 0x1F1E6)
MARKS = range(0x300, 0x370)  # combining marks of Latin, Greek and Cyrillic: removed, so that "é" is "e" however it was typed
# Scripts whose letters are written into Latin words to deceive. Others keep their letters in running text.
_near_latin = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET", "MATHEMATICAL", "ROMAN", "FULLWIDTH", "SCRIPT", "DOUBLE", "BLACK", "TURNED", "MODIFIER", "SUPERSCRIPT", "SUBSCRIPT", "SMALL", "PARENTHESIZED", "CIRCLED", "SQUARED", "NEGATIVE", "REGIONAL", "OUTLINED", "OHM", "KELVIN", "ANGSTROM", "PLANCK", "EULER", "ESTIMATED", "INFORMATION", "NUMERO", "TELEPHONE", "SEGMENTED", "OSAGE", "CARIAN", "LYCIAN", "LYDIAN", "OLD", "ELBASAN", "GOTHIC", "WARANG", "VITHKUQI")  # fmt: skip


def _confusables(text: str) -> dict[int, str]:
    """Code point to prototype, from the lines `0430 ;	0061 ;	MA	# …`."""
    found = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split(";")
        if len(fields) >= 2:
            found[int(fields[0].strip().lstrip("\ufeff"), 16)] = "".join(chr(int(one, 16)) for one in fields[1].split())
    return found


def _simple(char: str) -> str:
    """Compatibility decomposition without marks, lower-cased, composed again: "Å" -> "a", "ﬁ" -> "fi", "が" stays."""
    decomposed = unicodedata.normalize("NFKD", char)
    kept = "".join(one for one in decomposed if ord(one) not in MARKS)
    return unicodedata.normalize("NFC", kept.lower()).replace("\u0307", "")


def _prototype(char: str, confusables: dict[int, str]) -> str | None:
    target = confusables.get(ord(char))
    if target is None:
        return None
    target = "".join(one for one in unicodedata.normalize("NFKD", target) if ord(one) not in MARKS)
    if not target or not target.isascii():
        return None
    # Letters and digits look like letters and digits, punctuation like punctuation: "ノ" is no slash.
    alphabetic = unicodedata.category(char)[0] in "LN"
    if alphabetic != target.isalnum():
        return None
    # Prototypes are written in either case: "l" for "I" and "|". Folding is in lower case.
    return target.lower()


def build(confusables_text: str) -> str:
    """The data file for this Python's Unicode version."""
    confusables = _confusables(confusables_text)
    tables: dict[str, dict[int, str]] = {"f": {}, "s": {}}
    for code in (*INVISIBLE, *MARKS):
        tables["f"][code] = ""
    for code in range(0x80, 0x30000):
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Cn", "Cs", "Co") or code in tables["f"]:
            continue
        simple = _simple(char)
        result = ""
        near = True
        for one in simple:
            prototype = None if one.isascii() else _prototype(one, confusables)
            if prototype is None and not one.isascii():
                # An upper-case prototype may exist where the lower-case letter has none, and the reverse.
                prototype = _prototype(char, confusables) if len(simple) == 1 else None
            if prototype is not None:
                near = near and (unicodedata.name(one, "").startswith(_near_latin) or unicodedata.category(one)[0] in "PS")
                result += prototype
            else:
                result += one
        if near:
            if result != char:
                tables["f"][code] = result
        else:
            if simple != char:
                tables["f"][code] = simple
            tables["s"][code] = result
    tables["f"][0xDF] = tables["f"][0x1E9E] = "ss"
    for first in _lettered:
        for offset in range(26):
            tables["f"][first + offset] = chr(ord("a") + offset)
    lines = ["# Folding table, Unicode " + unicodedata.unidata_version + " and UTS #39 confusables. Built by foldtable.py; see NOTICE."]
    for kind, table in tables.items():
        codes = sorted(table)
        index = 0
        while index < len(codes):
            start = codes[index]
            target = table[start]
            same = stepped = 1
            while index + same < len(codes) and codes[index + same] == start + same and table[codes[index + same]] == target:
                same += 1
            if len(target) == 1:
                while (
                    index + stepped < len(codes)
                    and codes[index + stepped] == start + stepped
                    and table[start + stepped] == chr(ord(target) + stepped)
                ):
                    stepped += 1
            if stepped > same:
                lines.append(f"{kind}\t{start:x}\t{stepped}\t+{target}")
                index += stepped
            else:
                lines.append(f"{kind}\t{start:x}\t{same}\t={target}")
                index += same
    return "\n".join(lines) + "\n"


def read(text: str) -> tuple[dict[int, str], dict[int, str]]:
    """The data file's two tables for `str.translate`: folding, and what skeletons fold beyond it. ValueError names a line that is not understood."""
    tables: dict[str, dict[int, str]] = {"f": {}, "s": {}}
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] not in tables or fields[3][:1] not in ("=", "+"):
            raise ValueError(f"folding table, line {number}: expected kind, code point, count and target, got {line[:60]!r}")
        table, start, count, target = tables[fields[0]], int(fields[1], 16), int(fields[2]), fields[3][1:]
        for offset in range(count):
            table[start + offset] = chr(ord(target) + offset) if fields[3][0] == "+" else target
    return tables["f"], tables["s"]


@lru_cache(maxsize=1)
def load() -> tuple[dict[int, str], dict[int, str]]:
    """The shipped tables. They are constants: nobody changes them."""
    return read(resources.files("wardline.protocols").joinpath("fold.tsv").read_text("utf-8"))


if __name__ == "__main__":
    sys.stdout.write(build(Path(sys.argv[1]).read_text("utf-8-sig")))
