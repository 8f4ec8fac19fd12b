"""Which charset unlabelled 8-bit text is in: a guess from a bounded sample (at most 1,024 bytes around the first 8-bit byte).

    guess("Привет, как дела".encode("koi8-r")) -> "koi8_r"
    guess("日本語のメール".encode("shift_jis"))   -> "cp932"

Every candidate decodes the sample; the one whose result holds the largest share of the commonest letters of its languages wins, and
Windows-1252 wins when none convinces. The tables hold the most frequent letters of each script (public letter statistics).
"""

import re

SAMPLE_BYTES = 1024
_ASCII_BYTES = bytes(range(128))
_HIGH = re.compile(rb"[\x80-\xff]")
_ASCII = re.compile("[\x00-\x7f]+")
_TAG = re.compile(rb"<[^<>\x80-\xff]{1,256}+>")
_RUN = re.compile(rb"[\x80-\xff]++")
_LONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_LETTER = re.compile(rb"[A-Za-z]")
_CYRILLIC = frozenset("оеаинтсрвлкмдпуяыьгзб")
# Candidate codec, its commonest letters, what a perfect match is worth (a bias where scripts
# resemble each other), bytes a letter, and whether it is a script of its own, written with few ASCII letters around.
_CANDIDATES: tuple[tuple[str, frozenset[str], float, int, bool], ...] = (
    (
        "gb18030",
        frozenset("的一是不了在人有我他这中大来上国，。、：们为和地要你您会个以司公务业系电话可发到时合开品价格（）！"),
        2.2,
        2,
        True,
    ),
    (
        "cp950",
        frozenset("的一是不了在人有我他這中大來上國，。、：們為和地要你您會個以司公務業系電話可發到時合開品價格（）！"),
        2.2,
        2,
        True,
    ),
    ("cp932", frozenset("のにはをたがでてとしれさいなるもらかっうりまこすくきんーあよーインスルトリラド、。日本円無料"), 1.3, 2, True),
    ("euc_jp", frozenset("のにはをたがでてとしれさいなるもらかっうりまこすくきんーあよーインスルトリラド、。日本円無料"), 1.3, 2, True),
    ("cp949", frozenset("이다의는에을고한가지하로기사은도를그서있나시어인자아대정제리수일보해스전안원만니습세요"), 1.6, 2, True),
    ("koi8_r", _CYRILLIC, 1.0, 1, True),
    ("cp1251", _CYRILLIC, 1.0, 1, True),
    ("cp866", _CYRILLIC, 0.95, 1, True),
    ("iso8859_5", _CYRILLIC, 0.7, 1, True),
    ("cp1253", frozenset("αοιετσνηυρπκμλςάίέόή"), 0.95, 1, True),
    ("cp1255", frozenset("יוהלארתבשמנםעדחק"), 0.95, 1, True),
    ("cp1256", frozenset("الينمرتبعدسوهفقك"), 0.95, 1, True),
    ("cp874", frozenset("านรอกเงมยลวดทส่้ีัปคตหิะ"), 0.95, 1, True),
    ("cp1250", frozenset("ąęłśćżźńěščřžůőűáíéóú"), 0.8, 1, False),
    ("iso8859_2", frozenset("ąęłśćżźńěščřžůőűáíéóú"), 0.79, 1, False),
    ("cp1254", frozenset("ışğİçöü"), 0.7, 1, False),
    ("cp1252", frozenset("éèàäöüßñóíáçãâêôåøæúìòùÉÄÖÜ’‘“”–—•\xa0®©™°£€·…«»¡¿º"), 0.9, 1, False),
)


def guess(data: bytes) -> str:
    """The codec that reads `data` best; "cp1252" when nothing does better. Constant work."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    head = data[:65536]
    if b"\x1b$" in head:
        return "iso2022_kr" if b"\x1b$)C" in head else "iso2022_jp_ext"
    zeros = head[:1024].count(0)
    if zeros * 3 > len(head[:1024]) > 3:
        return "utf-16-le" if head[1:1024:2].count(0) > head[0:1024:2].count(0) else "utf-16-be"
    first = _HIGH.search(data)
    start = max(0, first.start() - 64) if first else 0
    sample = data[start : start + 4 * SAMPLE_BYTES]
    if b"\n" in sample[:64]:  # begin at a line, not inside a character
        sample = sample[sample.index(b"\n") + 1 :]
    if b"<" in sample:
        sample = _TAG.sub(b"", sample)
    sample = sample[:SAMPLE_BYTES]
    high = sample.translate(None, _ASCII_BYTES)
    lone = len(_LONE.findall(sample)) * 2 > len(_RUN.findall(sample))  # accents stand alone, letters of two bytes do not
    other_script = len(_LETTER.findall(sample)) <= 8 * len(high)  # else: accents among ASCII letters, not another script
    best, best_score = "cp1252", 0.22
    for name, common, weight, width, own_script in _CANDIDATES:
        if own_script and _impossible(name, width, lone, other_script):
            continue
        letters = high.decode(name, "replace") if width == 1 else _ASCII.sub("", sample.decode(name, "replace"))
        if not letters or letters.count("\ufffd") * 20 > len(letters) + 10:
            continue
        score = weight * sum(map(common.__contains__, letters)) / len(letters)
        if score > best_score:
            best, best_score = name, score
    return best


def _impossible(name: str, width: int, lone: bool, other_script: bool) -> bool:
    """Whether the pattern of 8-bit bytes alone rules a script out. In Shift JIS and Big5 the second byte of a letter may be an ASCII letter."""
    if name in ("cp932", "cp950"):
        return lone and not other_script
    return lone or (width == 1 and not other_script)
