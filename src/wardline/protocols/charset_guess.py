"""Which charset unlabelled 8-bit text is in: a guess from a bounded sample (at most 2,048 bytes around the first 8-bit byte).

    guess("Привет, как дела".encode("koi8-r")) -> "koi8_r"
    guess("日本語のメール".encode("shift_jis"))   -> "cp932"

Every candidate decodes the sample; the one whose result holds the largest share of the commonest letters of its languages wins, and
Windows-1252 wins when none convinces. The tables hold the most frequent letters of each script (public letter statistics).
"""

import re

_HIGH = re.compile(rb"[\x80-\xff]")
_CYRILLIC = frozenset("оеаинтсрвлкмдпуяыьгзб")
# Candidate codec, its commonest letters, and what a perfect match is worth: a bias where scripts resemble each other.
_CANDIDATES: tuple[tuple[str, frozenset[str], float], ...] = (
    ("gb18030", frozenset("的一是不了在人有我他这中大来上国，。、：们为和地要你您会个以司公务业系电话可发到时合开品价格（）！"), 2.2),
    ("cp950", frozenset("的一是不了在人有我他這中大來上國，。、：們為和地要你您會個以司公務業系電話可發到時合開品價格（）！"), 2.2),
    ("cp932", frozenset("のにはをたがでてとしれさいなるもらかっうりまこすくきんーあよーインスルトリラド、。日本円無料"), 1.3),
    ("euc_jp", frozenset("のにはをたがでてとしれさいなるもらかっうりまこすくきんーあよーインスルトリラド、。日本円無料"), 1.3),
    ("cp949", frozenset("이다의는에을고한가지하로기사은도를그서있나시어인자아대정제리수일보해스전안원만니습세요"), 1.6),
    ("koi8_r", _CYRILLIC, 1.0),
    ("cp1251", _CYRILLIC, 1.0),
    ("cp866", _CYRILLIC, 0.95),
    ("iso8859_5", _CYRILLIC, 0.9),
    ("cp1253", frozenset("αοιετσνηυρπκμλςάίέόή"), 0.95),
    ("cp1255", frozenset("יוהלארתבשמנםעדחק"), 0.95),
    ("cp1256", frozenset("الينمرتبعدسوهفقك"), 0.95),
    ("cp874", frozenset("านรอกเงมยลวดทส่้ีัปคตหิะ"), 0.95),
    ("cp1250", frozenset("ąęłśćżźńěščřžůőű"), 0.75),
    ("cp1254", frozenset("ışğİçöü"), 0.7),
    ("cp1252", frozenset("éèàäöüßñóíáçãâêôåøæúìòùÉÄÖÜ’‘“”–—•\xa0®©™°£€·…«»¡¿º"), 0.9),
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
    sample = data[start : start + 2048]
    if b"\n" in sample[:64]:  # begin at a line, not inside a character
        sample = sample[sample.index(b"\n") + 1 :]
    best, best_score = "cp1252", 0.22
    for name, common, weight in _CANDIDATES:
        letters = [char for char in sample.decode(name, "replace") if char > "\x7f"]
        if not letters or letters.count("\ufffd") * 20 > len(letters) + 10:
            continue
        score = weight * sum(map(common.__contains__, letters)) / len(letters)
        if score > best_score:
            best, best_score = name, score
    return best
