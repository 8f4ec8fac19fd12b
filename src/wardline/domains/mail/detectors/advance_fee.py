"""Advance fee: a stranger offers a share of a fortune, an inheritance, a prize, and will ask for a fee.

    "I am the auditor of …, our client died without next of kin, 40% for you"  ->  Signal(0.97, "A stranger speaks of a next of kin …")

Groups of phrases in fourteen languages (advance_fee.toml), a sum of money in the millions, and a free mailbox. One group alone
occurs in honest mail (lawyers, banks, charities, the news); the score grows with the number of different groups.
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.lexicon import load
from wardline.domains.mail.weighing import REASONS_SHOWN, strings
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal, probability
from wardline.protocols.url import registrable
from wardline.sources.freemail import is_freemail

HONEST_ODDS = 2.3  # what honest mail reaches now and then: two groups
LEAST_ODDS = 0.6
LIMIT_ODDS = 4.5
MONEY_ODDS = 1.0
FREEMAIL_ODDS = 0.5
LIST_ODDS = -1.0  # people on mailing lists talk about such letters
MONEY_WORDS = "It names a sum in the millions."
_MONEY = re.compile(
    r"(?:us\$|usd|\$|€|eur|euro|£|gbp|cfa)\s?\d{1,3}(?:[.,' ]\d{3}){2,4}|\d{1,3}(?:[.,' ]\d{3}){2,4}\s?(?:us\$|usd|dollar|euro|eur|€|£|pound|gbp)"
    r"|\d{1,4}(?:[.,]\d{1,3})?\s?(?:million|millones|milhões|milioni|miljoen|milion|миллион|million(?:en)? (?:euro|dollar)|万美元|百万)",
    re.IGNORECASE,
)


class AdvanceFee(Detector[Mail]):
    """Phrases of advance-fee fraud by group, a sum of millions, and a free mailbox to answer to."""

    name = "advance_fee"
    reads = ("advance_fee.cues", "advance_fee.money", "advance_fee.free_mailbox", "advance_fee.list")
    cost_us = 25.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """advance_fee.cues: list of groups; .money, .free_mailbox, .list: bool."""
        found: list[Scalar] = [*load("advance_fee").find(subject.phrases)]
        if not found:
            return {"advance_fee.cues": found}
        answers = [subject.sender.domain, *(address.domain for address in subject.reply_to[:2])]
        return {
            "advance_fee.cues": found,
            "advance_fee.money": _MONEY.search(subject.phrases.head) is not None,
            "advance_fee.free_mailbox": any(is_freemail(registrable(domain)) for domain in answers if domain),
            "advance_fee.list": subject.is_list,
        }

    def judge(self, values: Values) -> Signal:
        """Silent below three groups or so."""
        cues = load("advance_fee").cues
        found = [name for name in dict.fromkeys(strings(values.get("advance_fee.cues"))) if name in cues]
        if len(found) < 2:
            return Signal(None, "Nothing of an advance-fee letter." if not found else "One phrase of advance-fee letters says nothing.")
        money = values.get("advance_fee.money") is True
        odds = sum(cues[name].odds for name in found) - HONEST_ODDS
        odds += MONEY_ODDS if money else 0.0
        odds += FREEMAIL_ODDS if values.get("advance_fee.free_mailbox") is True else 0.0
        odds += LIST_ODDS if values.get("advance_fee.list") is True else 0.0
        if odds < LEAST_ODDS:
            return Signal(None, "A few phrases of advance-fee letters, not enough to say anything.")
        found.sort(key=lambda name: (-cues[name].odds, name))
        words = [cues[name].words for name in found[:REASONS_SHOWN]] + ([MONEY_WORDS] if money else [])
        return Signal(probability(min(odds, LIMIT_ODDS)), " ".join(words), {"cues": [*found], "money": money})
