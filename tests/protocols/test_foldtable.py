"""The folding table: what builds it, what reads it, and that the shipped one is sound."""

import sys
import unicodedata

import pytest

from wardline.protocols.foldtable import MARKS, build, load, read

LINES = """# a comment
0430 ;	0061 ;	MA	# ( а → a ) CYRILLIC SMALL LETTER A → LATIN SMALL LETTER A	#
06D5 ;	006F ;	MA	# ( ە → o ) ARABIC LETTER AE → LATIN SMALL LETTER O	#
30CE ;	002F ;	MA	# ( ノ → / ) KATAKANA LETTER NO → SOLIDUS	#
"""


def test_build_and_read_are_inverse() -> None:
    fold, skeleton = read(build(LINES))
    assert fold[0x430] == "a"
    assert 0x6D5 not in fold
    assert skeleton[0x6D5] == "o"
    assert 0x30CE not in fold
    assert fold[ord("Ａ")] == "a"
    assert fold[ord("Z") + 0xFEE0] == "z"
    assert fold[ord("é")] == "e"
    assert fold[0x200B] == ""


def test_the_shipped_table() -> None:
    fold, skeleton = load()
    assert 5_000 < len(fold) < 20_000
    assert all(code >= 0x80 for code in (*fold, *skeleton))
    assert all(len(text) <= 18 for text in fold.values())
    assert all(fold[code] == "" for code in MARKS)
    # What folds to something is folded in full: folding twice changes nothing.
    unstable = [code for code, text in fold.items() if any(ord(char) in fold and fold[ord(char)] != char for char in text)]
    assert not unstable, [hex(code) for code in unstable[:10]]


def test_the_file_says_which_unicode_it_was_built_from() -> None:
    first = build(LINES).splitlines()[0]
    assert unicodedata.unidata_version in first
    assert sys.version_info >= (3, 11)


@pytest.mark.parametrize("line", ["f\t61", "x\t61\t1\t=a", "f\t61\t1\ta"])
def test_a_damaged_file_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read("# first\n" + line)
