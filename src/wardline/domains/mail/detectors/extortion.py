"""Extortion: threats, and a cryptocurrency address to pay to.

    "I recorded you through your webcam … 1BoatSLRHtKNngkdXEeobR76b53LETtpyT … 48 hours"  ->  Signal(0.99, "It claims to have filmed …")

Groups of phrases in fourteen languages (extortion.toml) and wallet addresses whose checksum is right (Bitcoin: Base58Check, BIP 173 and BIP 350;
others by their form). A wallet alone is no abuse: people sell, donate and write code. Threat and demand together are.
"""

import hashlib
import re
from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.lexicon import load
from wardline.domains.mail.weighing import REASONS_SHOWN, strings
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal, probability

HONEST_ODDS = 2.3
LEAST_ODDS = 0.6
LIMIT_ODDS = 5.0
WALLET_ODDS = 1.2
LIST_ODDS = -1.0
WALLET_WORDS = "It names a cryptocurrency address."
WALLETS = 8
_CORE = frozenset(("recorded", "threat"))
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CANDIDATE = re.compile(
    r"(?<![\w/=?&.-])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|(?:bc1|BC1|ltc1)[a-zA-Z0-9]{20,70}|0x[0-9a-fA-F]{40}|T[1-9A-HJ-NP-Za-km-z]{33}|[48][1-9A-HJ-NP-Za-km-z]{94})(?![\w/])"
)


def base58check(text: str) -> bool:
    """Whether a text of at most 40 characters is Base58 with its 4-byte checksum right (Bitcoin addresses of the first kinds, Tron)."""
    number = 0
    for char in text[:40]:
        digit = _BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()[:4] == data[21:]


def bech32(text: str) -> bool:
    """Whether a text of at most 90 characters is Bech32 or Bech32m with its checksum right (BIP 173, BIP 350)."""
    text = text[:90]
    if text.lower() != text and text.upper() != text:
        return False
    prefix, one, data = text.lower().rpartition("1")
    values = [_BECH32.find(char) for char in data]
    if not one or not prefix or len(data) < 6 or min(values) < 0:
        return False
    check = 1
    for value in [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix] + values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for index, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> index & 1 else 0
    return check in (1, 0x2BC830A3)


def names_wallet(text: str) -> bool:
    """Whether one of the first eight candidates of a text is a cryptocurrency address."""
    for count, found in enumerate(_CANDIDATE.finditer(text)):
        if count >= WALLETS:
            break
        word = found[0]
        if word[:3].lower() in ("bc1", "ltc"):
            if bech32(word):
                return True
        elif word[:2] == "0x" or len(word) == 95 or base58check(word):
            return True
    return False


class Extortion(Detector[Mail]):
    """Phrases of extortion by group, and wallet addresses."""

    name = "extortion"
    reads = ("extortion.cues", "extortion.wallet", "extortion.list")
    cost_us = 30.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """extortion.cues: list of groups; extortion.wallet, .list: bool."""
        found: list[Scalar] = [*load("extortion").find(subject.phrases)]
        if not found:
            return {"extortion.cues": found}
        return {
            "extortion.cues": found,
            "extortion.wallet": names_wallet(subject.phrases.head),
            "extortion.list": subject.is_list,
        }

    def judge(self, values: Values) -> Signal:
        """Silent without a threat or a claim of having filmed; the more of the pattern, the surer."""
        cues = load("extortion").cues
        found = [name for name in dict.fromkeys(strings(values.get("extortion.cues"))) if name in cues]
        if _CORE.isdisjoint(found):
            return Signal(None, "No threat.")
        wallet = values.get("extortion.wallet") is True
        odds = sum(cues[name].odds for name in found) - HONEST_ODDS + (WALLET_ODDS if wallet else 0.0)
        if "payment" not in found and not wallet:
            odds -= 1.0  # nobody is to pay anything: a novel, the news, a warning about such letters
        odds += LIST_ODDS if values.get("extortion.list") is True else 0.0
        if odds < LEAST_ODDS:
            return Signal(None, "A few words of threats, not enough to say anything.")
        found = sorted((name for name in found if cues[name].odds > 0), key=lambda name: (-cues[name].odds, name))
        words = [cues[name].words for name in found[:REASONS_SHOWN]] + ([WALLET_WORDS] if wallet else [])
        return Signal(probability(min(odds, LIMIT_ODDS)), " ".join(words), {"cues": [*found], "wallet": wallet})
