"""A label: a statement that something was abusive or not. Who says so, how sure, since when, until when; and what all statements together weigh.

    Label(id="01K…", about="account:5f2c…", abusive=True, kind="takeover", source="desk", counts_as="desk", confidence=1.0, said_us=…)
    weigh(labels, trust)     Standing(abusive=True, confidence=0.99, score=0.99, sources=1, labels=1, kind="takeover")

Labels are appended and withdrawn by a further record, never overwritten. Three times are kept apart: when the event happened (the event's own),
when the source said so (`said_us`), when we were told (`told_us`, with the record's seq). What was known as of a seq never depends on what came later.

Independence: a label counts as one source (`counts_as`), however many labels that source gives. A configured source counts as itself; all others
that presented a key count together as "unlisted"; all that presented none, as "keyless". A name that a stranger invents corroborates nobody.
Each source speaks with one voice, the mean of what its reporters last said. Voices are independent evidence and add in log-odds
(naive Bayes: https://en.wikipedia.org/wiki/Naive_Bayes_classifier), each weighted by the source's reliability. A verdict needs a trusted
source, or two sources that agree: one outside report is never enough alone.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

KEYLESS = "keyless"
UNLISTED = "unlisted"
REASON_LIMIT = 320
SOURCE_PATTERN = r"[a-z0-9][a-z0-9_.-]{0,63}"
KIND_PATTERN = r"[a-z][a-z0-9_.]{0,31}"
_SOURCE = re.compile(SOURCE_PATTERN)
_KIND = re.compile(KIND_PATTERN)
# A source's clock may run ahead by so much (as for events); said times are cut to the time at which we were told.
CLOCK_SKEW_US = 86_400_000_000


class LabelError(ValueError):
    """A label that cannot be taken: which field, what is wrong, what to do."""


class Label(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One statement, the body of a record of kind "label" at the point "label". Times in microseconds since the epoch.

    withdraws: the id of the label that this record takes back, "" for a statement. reporter: the pseudonym of who spoke through the source.
    """

    id: str
    about: str
    abusive: bool
    source: str
    counts_as: str
    confidence: float
    said_us: int
    told_us: int
    kind: str = ""
    reason: str = ""
    expires_us: int | None = None
    reporter: str = ""
    withdraws: str = ""
    withdrawn: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels about one thing come to. abusive None: nothing conclusive was said.

    score: probability of abuse, 0.5 where nothing speaks. confidence: that of the side it leans to, 0.5 … 1. sources: independent sources that
    speak now. labels: statements behind them. whole False: older labels were dropped from memory and only the journal has them all.
    """

    abusive: bool | None = None
    confidence: float = 0.5
    score: float = 0.5
    sources: int = 0
    labels: int = 0
    kind: str = ""
    whole: bool = True


UNKNOWN = Standing()


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """How far sources are believed. trusted: whose word alone is enough. listed: further sources that count each for itself.

    Reliability: the share of a source's labels that are right, 0.5 (a coin) to below 1. conclusive: the probability that a verdict needs.
    """

    trusted: frozenset[str] = frozenset({"desk", "mail.site"})
    listed: frozenset[str] = frozenset({"mail.user"})
    trusted_reliability: float = 0.99
    outside_reliability: float = 0.8
    conclusive: float = 0.9
    keyless_confidence: float = 0.5

    def counts_as(self, source: str, *, keyed: bool) -> str:
        """The independent source that a label of `source` counts as."""
        if not keyed:
            return KEYLESS
        return source if source in self.trusted or source in self.listed else UNLISTED


class Voice(msgspec.Struct, frozen=True):
    """What one reporter of a source said last."""

    abusive: bool
    confidence: float
    kind: str = ""


def weigh(voices: Mapping[str, Iterable[Voice]], trust: Trust) -> Standing:
    """The standing of one thing: per source, what its reporters last said. Linear in the voices; the order of sources does not matter."""
    log_odds, sources, labels = 0.0, 0, 0
    sides: dict[bool, list[str]] = {True: [], False: []}
    kinds: list[tuple[float, str]] = []
    for source in sorted(voices):
        said = list(voices[source])
        if not said:
            continue
        sources += 1
        labels += len(said)
        mean = math.fsum(voice.confidence if voice.abusive else -voice.confidence for voice in said) / len(said)
        reliability = trust.trusted_reliability if source in trust.trusted else trust.outside_reliability
        weight = math.log((0.5 + (reliability - 0.5) * mean) / (0.5 - (reliability - 0.5) * mean))
        log_odds += weight
        if weight:
            sides[weight > 0].append(source)
        kinds += [(voice.confidence, voice.kind) for voice in said if voice.kind and voice.abusive]
    score = 1 / (1 + math.exp(-log_odds))
    abusive = log_odds > 0
    agreeing = sides[abusive]
    enough = len(agreeing) >= 2 or any(source in trust.trusted for source in agreeing)
    confidence = max(score, 1 - score)
    return Standing(
        abusive=abusive if enough and confidence >= trust.conclusive else None,
        confidence=confidence,
        score=score,
        sources=sources,
        labels=labels,
        kind=max(kinds)[1] if kinds and abusive else "",
    )


def check_source(source: Any) -> str:
    """A source's name. Raises LabelError."""
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        raise LabelError("source: who says so? A short name in lower case is needed, such as desk, partner or user_report")
    return source


def check_kind(kind: Any) -> str:
    """What kind of abuse; "" where nobody said. Raises LabelError."""
    if kind is None or kind == "":
        return ""
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise LabelError("kind: a word in lower case is needed, such as spam, takeover or bulk_signup")
    return kind


def check_confidence(confidence: Any) -> float:
    """0 < confidence <= 1; 1 where nobody said. Raises LabelError."""
    if confidence is None:
        return 1.0
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
        raise LabelError("confidence: a number above 0 and at most 1 is needed, or leave it out for 1")
    return float(confidence)


def check_abusive(abusive: Any) -> bool:
    """True or false, said outright. Raises LabelError."""
    if not isinstance(abusive, bool):
        raise LabelError("abusive: true or false is needed")
    return abusive


def check_reason(reason: Any) -> str:
    """One sentence, cut at REASON_LIMIT characters. Raises LabelError."""
    if reason is None:
        return ""
    if not isinstance(reason, str):
        raise LabelError("reason: a text is needed")
    return reason[:REASON_LIMIT]


def check_times(said_us: int, told_us: int, expires_us: int | None) -> int:
    """The time at which it was said, never after we were told. Raises LabelError for the far future and for an expiry that came before."""
    if said_us > told_us + CLOCK_SKEW_US:
        raise LabelError("occurred_at: more than a day ahead of our clock; set the sender's clock")
    said_us = min(said_us, told_us)
    if expires_us is not None and expires_us <= said_us:
        raise LabelError("expires_at: a label cannot expire before it was given; give a later time, or none")
    return said_us
