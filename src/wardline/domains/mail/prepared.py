"""Prepared: a message with everything that can be said of it without the states, so that another process may do it.

    prepared = prepare(raw, Envelope(), settings, detectors, starter)
    await point.decide_prepared(prepared, …)

Beside the facts (`Examined`) these are the opinions of the detectors that read nothing but what was measured on the message, and what the
starter model says. Both are pure functions of the message: made here or where it is judged, they are the same to the bit.
"""

import functools
from collections.abc import Sequence

import msgspec

from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.examine import Examined, Settings, examine
from wardline.domains.mail.sender.proof import NAMES as AUTHENTICATION
from wardline.domains.mail.sender.proof import OFF, nothing
from wardline.domains.mail.values import MEASURED, NAMES
from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import Signal
from wardline.learning.frozen import Frozen

_AUTHENTICATION = frozenset(AUTHENTICATION)
# What the states, the lists and authentication say; everything else that detectors read is measured on the message.
_STATES = NAMES - MEASURED | {"engine.event_seq"}


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """signals: by detector, of those that could be asked already, None for no opinion; unproven: of those that hold while nobody is asked who sent it. starter: the model's name and its log-odds; "" when there is none."""

    examined: Examined
    signals: dict[str, Signal | None] = {}
    unproven: dict[str, Signal | None] = {}
    starter: str = ""
    starter_log_odds: float = 0.0


def prepare(
    raw: bytes, envelope: Envelope, settings: Settings, detectors: tuple[Detector[Mail], ...], starter: Frozen | None = None
) -> Prepared:
    """Bytes to facts and first opinions. Never raises for any bytes."""
    examined = examine(raw, envelope, settings, detectors)
    early, unasked = _early(detectors)
    signals = first_signals(examined.values, early)
    unproven = first_signals({**examined.values, **nothing(OFF)}, unasked)
    if starter is None:
        return Prepared(examined, signals, unproven)
    return Prepared(examined, signals, unproven, starter.name, starter.log_odds(examined.features.text))


@functools.lru_cache(maxsize=8)
def _early(detectors: tuple[Detector[Mail], ...]) -> tuple[tuple[Detector[Mail], ...], tuple[Detector[Mail], ...]]:
    """The detectors that read measured values alone, and those that read what authentication says besides."""
    alone = tuple(detector for detector in detectors if _STATES.isdisjoint(detector.reads))
    others = _STATES - _AUTHENTICATION
    return alone, tuple(detector for detector in detectors if detector not in alone and others.isdisjoint(detector.reads))


def first_signals(values: Values, detectors: Sequence[Detector[Mail]]) -> dict[str, Signal | None]:
    """Their signals as far as judging reads them: no evidence, and None for no opinion. One that fails is left out: it fails again where it is judged, and is named."""
    signals: dict[str, Signal | None] = {}
    for detector in detectors:
        try:
            signal = detector.judge(values)
            if signal.score is None:
                signals[detector.name] = None
            elif 0.0 <= signal.score <= 1.0:
                signals[detector.name] = Signal(signal.score, signal.reason)
        except Exception:  # told and counted by `consult`, which asks it once more
            pass
    return signals
