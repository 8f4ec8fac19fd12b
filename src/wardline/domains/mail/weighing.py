"""Weighing: how a mail detector turns the cues that it found into one signal.

    CUES = {"ip_host": Cue(1.6, "A link goes to a bare IP address.")}
    opinion(["ip_host"], CUES)      # -> Signal(0.83, "A link goes to a bare IP address.", {"cues": ["ip_host"]})

Each cue has the natural logarithm of the odds of abuse for a message of which nothing else is known. Cues of one detector are not
independent, so the strongest counts whole, the second half, the third a quarter: ten weak cues stay weaker than two strong ones.
"""

from collections.abc import Mapping
from typing import NamedTuple

from wardline.engine.feature import Value, bounded
from wardline.engine.signal import SILENT, Signal, probability

REASONS_SHOWN = 3
ODDS_LIMIT = 8.0
LEAST_ODDS = 0.5  # weaker opinions are guesses: silence is better


class Cue(NamedTuple):
    """One thing that a detector can find. `odds`: ln(P(abusive) / P(benign)) given it alone; `words`: one plain sentence."""

    odds: float
    words: str


def summed(found: list[str], cues: Mapping[str, Cue]) -> float:
    """The log-odds of the cues together, within ±8."""
    total, share = 0.0, 1.0
    for odds in sorted((cues[name].odds for name in found), key=lambda value: (-abs(value), -value)):
        total += odds * share
        share *= 0.5
    return min(max(total, -ODDS_LIMIT), ODDS_LIMIT)


def opinion(flags: Value, cues: Mapping[str, Cue], silence: str = "", least_odds: float = LEAST_ODDS) -> Signal:
    """A signal for the flags that name known cues; silent when there are none, or when they weigh less than `least_odds` together. Unknown names are passed over: another build wrote them."""
    found = [name for name in dict.fromkeys(flags) if isinstance(name, str) and name in cues] if isinstance(flags, list) else []
    if not found:
        return Signal(None, silence) if silence else SILENT
    odds = summed(found, cues)
    if abs(odds) < least_odds:
        return Signal(None, silence or "What was found is too weak to say anything.")
    found.sort(key=lambda name: (-abs(cues[name].odds), name))
    reason = " ".join(cues[name].words for name in found[:REASONS_SHOWN])
    return Signal(probability(odds), reason, {"cues": bounded([*found])})


def whole(value: Value) -> int | None:
    """The value when it is a whole number (a bool is none), else None: stored values may come from elsewhere."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: Value) -> float | None:
    """The value as a finite float, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    result = float(value) if abs(value) < 1e300 else 0.0
    return result if result == result and abs(value) < 1e300 else None


def strings(value: Value) -> list[str]:
    """The strings of a list value; nothing for any other value."""
    return [member for member in value if isinstance(member, str)] if isinstance(value, list) else []
