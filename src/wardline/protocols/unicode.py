"""Text as its reader understands it, however it was dressed up.

    fold("Ｐаyраl\u200b Ⓥerífy")     -> "paypal verify"      compatibility forms, look-alikes, invisible characters, accents, case
    leet("v1agra fr0m ch3ap-ph4rmacy") -> "viagra from cheap-pharmacy"
    leet("v.i.a.g.r.a")                -> "viagra"

Standards: UAX #15 (compatibility decomposition), UTS #39 (confusables), pinned in `fold.tsv` to Unicode 14.0 so that every Python gives the
same text and a model's features do not move. Not reversible and not for display. Linear in the text.
"""

import re
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wardline.protocols.foldtable import load

CODES = 0x30000  # code points that the array covers
NOTHING, SEVERAL = 0xFFFFFFFF, 0xFFFFFFFE
LONG = 128  # characters from which on the array is faster
Codes = npt.NDArray[np.uint32]

_beyond_ascii = re.compile(r"[^\x00-\x7f]+")
_leet_word = re.compile(r"[a-z0-9@$!|+\u20ac\u00a3]{3,40}+")
_letters = re.compile(r"[a-z]")
_leet = str.maketrans("013457@$!|\u20ac\u00a3", "oieastasilel")
_inner = re.compile(r"[0-9@$!|\u20ac\u00a3](?=[a-z])")
_spaced = re.compile(r"(?<![a-z0-9])[a-z]([ ._*~'-])[a-z](?:\1[a-z]){2,30}(?![a-z0-9])")
_joints = str.maketrans("", "", " ._*~'-")
_mixed = re.compile(r"[A-Za-z](?=[\u0370-\u052f])|[\u0370-\u052f](?=[A-Za-z])")
_scripts = (
    ("cyrillic", re.compile("[\u0400-\u052f]")),
    ("greek", re.compile("[\u0370-\u03ff]")),
    ("han", re.compile("[\u4e00-\u9fff\u3400-\u4dbf]")),
    ("kana", re.compile("[\u3040-\u30ff]")),
    ("hangul", re.compile("[\uac00-\ud7a3\u1100-\u11ff]")),
    ("arabic", re.compile("[\u0600-\u06ff\u0750-\u077f]")),
    ("hebrew", re.compile("[\u0590-\u05ff]")),
    ("thai", re.compile("[\u0e00-\u0e7f]")),
    ("devanagari", re.compile("[\u0900-\u097f]")),
    ("latin", re.compile("[A-Za-z\u00c0-\u024f]")),
)


@lru_cache(maxsize=1)
def _codes() -> tuple[Codes, dict[int, str]]:
    """The folding table as an array from code point to code point, with marks for what becomes nothing or several characters, and those."""
    codes = np.arange(CODES, dtype=np.uint32)
    several: dict[int, str] = {}
    for code, text in load()[0].items():
        if code >= CODES:
            continue
        if len(text) == 1:
            codes[code] = ord(text)
        elif text:
            codes[code] = SEVERAL
            several[code] = text
        else:
            codes[code] = NOTHING
    codes.flags.writeable = False
    return codes, several


def _fold_long(text: str) -> str:
    """The same as translating by the table, by one array look-up: ten times faster from a few hundred characters on."""
    codes, several = _codes()
    array = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    beyond = array >= CODES
    if beyond.any():
        # Few characters live there, and of the table only the tags and selectors of plane 14.
        return text.translate(load()[0])
    folded = codes[array]
    if (folded == SEVERAL).any():
        distinct = np.unique(array[folded == SEVERAL]).tolist()
        if len(distinct) > 16:
            return text.translate(load()[0])
        for code in distinct:
            text = text.replace(chr(code), several[code])
        folded = codes[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)]
    kept: bytes = folded[folded != NOTHING].tobytes()
    return kept.decode("utf-32-le", "surrogatepass")


def fold(text: str) -> str:
    """The plain lower-case form of a text: what NFKC, accent stripping, look-alike letters and invisible characters come down to."""
    if text.isascii():
        return text.lower()
    if len(text) >= LONG:
        return _fold_long(text).lower()
    table = load()[0]
    # Only what is not ASCII goes through the table: translating is slow, and most text is ASCII.
    return _beyond_ascii.sub(lambda run: run[0].translate(table), text).lower()


def _unleet(word: re.Match[str]) -> str:
    text = word[0]
    letters = len(_letters.findall(text))
    # Letters must prevail and one must follow a sign: "mp3", "h264" and "wow!!" stay.
    if letters * 2 < len(text) or letters == len(text) or _inner.search(text) is None:
        return text
    core = text.rstrip("!|+")
    return core.translate(_leet) + text[len(core) :]


def leet(folded: str) -> str:
    """A folded text with digits and signs that stand for letters read as letters, and spaced-out words closed up."""
    closed = _spaced.sub(lambda word: word[0].translate(_joints), folded)
    # Most texts hold no sign before a letter: they are done.
    return _leet_word.sub(_unleet, closed) if _inner.search(closed) else closed


def mixed_script_count(text: str) -> int:
    """How often a Latin letter stands directly beside a Greek or Cyrillic one: in honest words, never."""
    return 0 if text.isascii() else len(_mixed.findall(text))


def script(text: str) -> str:
    """The script that most letters of the first 1,000 characters belong to: latin, cyrillic, han …; "" when there are none."""
    sample = text[:1000]
    if sample.isascii():
        return "latin" if any(char.isalpha() for char in sample) else ""
    best, most = "", 0
    for name, pattern in _scripts:
        count = len(pattern.findall(sample))
        if count > most:
            best, most = name, count
    # Japanese is written mostly in Han characters: a fair share of kana decides.
    return "kana" if best == "han" and len(_scripts[3][1].findall(sample)) * 8 > most else best
