"""Reputation: how the sender behaved so far, by identities that cannot be forged.

    sender.dkim_domain = [0.5, 41.0, 118]   ->  Signal(0.05, "The signing domain sent 118 messages; reports: 0.5 abusive, 41 wanted.")

Each identity has decayed counts of abusive and benign labels; the estimate is Beta(1 + abusive, 1 + benign), pulled to even by how few labels there are.
The strongest benign identity and the strongest abusive one speak; a shared network never excuses (a good neighbour proves nothing) and, because
honest senders share it too, condemns only with many labels. The past of a sender with a recipient is filed under the From address, which anybody
can write: it excuses only a message whose From is proven.
"""

import math

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import number
from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.signal import Signal, probability

IDENTITIES = {
    "sender.pair": "This sender and this recipient",
    "sender.dkim_domain": "The signing domain",
    "sender.from_domain": "The authenticated From domain",
    "sender.spf_domain": "The envelope domain",
    "sender.network": "The sending network",
}
LIMIT_ODDS = 4.5
NETWORK_LIMIT_ODDS = 2.0
LEAST_LABELS = 1.0
FIRST_CONTACT_ODDS = 0.3


def beta_odds(abusive: float, benign: float) -> float:
    """ln-odds of the mean of Beta(1 + abusive, 1 + benign), within ±4.5."""
    return min(max(math.log((1.0 + abusive) / (1.0 + benign)), -LIMIT_ODDS), LIMIT_ODDS)


class Reputation(Detector[Mail]):
    """Labels of earlier mail by authenticated domain, network and sender-to-recipient pair; first contact."""

    name = "reputation"
    reads = (*IDENTITIES, "sender.first_contact", "auth.aligned")
    cost_us = 2.0

    def judge(self, values: Values) -> Signal:
        """The most abusive and the most benign identity together; first contact alone is hardly a hint and stays silent."""
        worst, best = 0.0, 0.0
        worst_words, best_words = "", ""
        evidence: dict[str, Value] = {}
        for name, words in IDENTITIES.items():
            counts = values.get(name)
            if not isinstance(counts, list) or len(counts) < 3:
                continue
            abusive, benign, seen = (max(number(member) or 0.0, 0.0) for member in counts[:3])
            if name == "sender.pair" and values.get("auth.aligned") is not True:
                benign = 0.0
            if abusive + benign < LEAST_LABELS:
                continue
            odds = beta_odds(abusive, benign)
            if name == "sender.network":
                odds = min(max(odds, 0.0), NETWORK_LIMIT_ODDS) if abusive + benign >= 5 * LEAST_LABELS else 0.0
            evidence[name] = round(odds, 3)
            text = f"{words}: {seen:.0f} messages seen, {abusive:.1f} reported as abuse, {benign:.1f} as wanted."
            if odds > worst:
                worst, worst_words = odds, text
            elif odds < best:
                best, best_words = odds, text
        first = values.get("sender.first_contact") is True
        if not worst_words and not best_words:
            return Signal(
                None, "This is the first mail of this sender to this recipient." if first else "Nothing is known of the sender's past."
            )
        odds = worst + best + (FIRST_CONTACT_ODDS if first and not best_words else 0.0)
        return Signal(probability(odds), " ".join(words for words in (worst_words, best_words) if words), evidence)
