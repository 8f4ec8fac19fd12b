"""Skeletons: two names that a hurried reader takes for each other have the same one.

    skeleton("pаypa1.com") == skeleton("PayPaI.com") == skeleton("paypal.com")
    skeleton("rnicrosoft") == skeleton("microsoft")

UTS #39 §4 for look-alike characters of all scripts, then what ASCII itself offers: 0 o, 1 i l |, 5 s, rn m, vv w, cl d. Meant for comparing
with a list of known names; two honest names can share a skeleton, so that equality is a question and not a verdict. Linear.
"""

from wardline.protocols.foldtable import load
from wardline.protocols.unicode import fold

_ascii = str.maketrans(
    {
        "0": "o",
        "1": "l",
        "i": "l",
        "|": "l",
        "!": "l",
        "5": "s",
        "$": "s",
        "@": "a",
        "3": "e",
        "4": "a",
        "j": "l",
        "9": "g",
        "8": "b",
    }
)


def skeleton(text: str) -> str:
    """The comparison form of a name or host; accents, case, look-alike letters of any script and digit tricks are gone."""
    folded = fold(text)
    if not folded.isascii():
        folded = folded.translate(load()[1])
    folded = folded.translate(_ascii)
    return folded.replace("rn", "m").replace("vv", "w").replace("cl", "d")
