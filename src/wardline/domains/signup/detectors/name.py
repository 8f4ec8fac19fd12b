"""name: a user name that looks as if a program had drawn it.

    "xkqzvbtw"       ->  Signal(0.69, "The name has more consonants in a row than words have.")
    "k7f3q9x2"       ->  Signal(0.69, "The name changes between letters and digits again and again.")

Names of real people break every such rule (Krzysztof, Schwartz), so one sign alone says little, and a name in another script is not judged.
"""

import itertools
from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values, number
from wardline.engine.signal import SILENT, Signal, probability

CONSONANTS = 6
RUNS = 5
DIGITS = 5
ENTROPY_BITS = 3.4


class Name(Detector[Any]):
    """The shape of the user name."""

    name = "signup.name"
    reads = ("name.shape", "name.consonants", "name.digits", "name.length", "name.entropy")
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Silent for an unknown name and for an ordinary one."""
        shape = values.get("name.shape")
        if not isinstance(shape, str):
            return Signal(None, "There is no user name.")
        signs = []
        if number(values, "name.consonants") >= CONSONANTS:
            signs.append((0.8, "The name has more consonants in a row than words have."))
        changes = sum(one + two in ("a0", "0a") for one, two in itertools.pairwise(shape))
        if changes >= RUNS - 1:
            signs.append((0.8, "The name changes between letters and digits again and again."))
        if number(values, "name.digits") >= DIGITS:
            signs.append((0.4, "The name ends in a long number."))
        if number(values, "name.length") >= 12 and number(values, "name.entropy") >= ENTROPY_BITS and changes >= 2:
            signs.append((0.4, "The name is long and repeats nothing, like a drawn one."))
        if not signs:
            return SILENT
        signs.sort(reverse=True)
        return Signal(probability(sum(weight for weight, _text in signs)), signs[0][1], {"signs": len(signs)})
