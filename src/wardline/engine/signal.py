"""A signal: what one detector makes of one event.

    Signal(score=0.97, reason="The link text names another host than the link.", evidence={"text_host": "example.com"})

`score` runs from 0 (benign) to 1 (abusive); None means no opinion, and `reason` then says why (a fact was missing, the detector failed).
`evidence` holds only what may be journalled: numbers, flags, public names; never content.
"""

import math

import msgspec

from wardline.engine.feature import Value

# A score of exactly 0 or 1 would be certainty, which no detector has; it also keeps the log-odds finite.
LOG_ODDS_LIMIT = 12.0
_NEARLY_ONE = 1.0 - 1e-9


class Signal(msgspec.Struct, frozen=True):
    """One detector's opinion of one event: score in [0, 1] or None, one plain sentence, and the evidence for it."""

    score: float | None
    reason: str = ""
    evidence: dict[str, Value] = {}


SILENT = Signal(None)


def log_odds(score: float) -> float:
    """ln(score / (1 - score)), clipped to ±12: 0.5 -> 0.0, 0.9 -> 2.197."""
    clipped = 1e-9 if score < 1e-9 else _NEARLY_ONE if score > _NEARLY_ONE else score
    odds = math.log(clipped / (1.0 - clipped))
    return -LOG_ODDS_LIMIT if odds < -LOG_ODDS_LIMIT else LOG_ODDS_LIMIT if odds > LOG_ODDS_LIMIT else odds


def probability(odds: float) -> float:
    """The inverse of `log_odds`, finite for every finite input."""
    if odds >= 0:
        return 1.0 / (1.0 + math.exp(-odds if odds < 60.0 else -60.0))
    power = math.exp(odds if odds > -60.0 else -60.0)
    return power / (1.0 + power)
