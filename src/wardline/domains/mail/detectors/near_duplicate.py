"""Near duplicate: the n-th copy of one text today, and what people said of the others.

    near_duplicate.count = 412, .spam = 3, .ham = 0   ->  Signal(0.97, "412 near copies were seen in the last day; people reported 3 …")

Many copies alone are no abuse: a newsletter, a mailing list and a school's circular have many too. So the number alone says nothing, and
labels of the copies say much, abusive ones more than benign ones: a spammer with one account here can call his own mail wanted.
"""

import math

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import whole
from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.signal import Signal, probability

SPAM_ODDS = 1.6  # of the first report; every doubling adds as much again, up to the limit
HAM_ODDS = 0.8
LIMIT_ODDS = 5.0
BENIGN_LIMIT_ODDS = 2.0


class NearDuplicate(Detector[Mail]):
    """Copies of this message in the window before it, and their labels."""

    name = "near_duplicate"
    reads = ("near_duplicate.count", "near_duplicate.spam", "near_duplicate.ham")
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Labels of copies speak; copies alone are said and not judged."""
        count, spam, ham = (whole(values.get(name)) for name in self.reads)
        if count is None:
            return Signal(None, "It is not known how often this message was seen.")
        count, spam, ham = max(count, 0), max(spam or 0, 0), max(ham or 0, 0)
        evidence: dict[str, Value] = {"count": count, "spam": spam, "ham": ham}
        if spam or ham:
            odds = min(SPAM_ODDS * math.log2(1 + spam), LIMIT_ODDS) - min(HAM_ODDS * math.log2(1 + ham), BENIGN_LIMIT_ODDS)
            said = f"people reported {spam} of them as abuse and {ham} as wanted"
            return Signal(probability(odds), f"{count} near copies of this message were seen in the last day; {said}.", evidence)
        return Signal(None, f"{count} near copies of this message were seen in the last day, and nobody said anything of them.", evidence)
