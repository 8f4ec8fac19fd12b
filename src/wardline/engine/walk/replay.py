"""Replay of event domains: the journal against itself. Both replays, in one pass over the records, with a negative control.

    decision replay    judges the stored facts and counters again, by the policy and rules that stood then; equal to the last bit
    feature replay     hides the stored counters, counts the records anew from the first one, and compares what they would have said

A counter of a rule that meant different things at different times is left out of the comparison and counted (`skipped`). `corrupt` changes one
stored value in memory first: a replay that does not notice it proves nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from wardline.engine.counting.counters import Counters
from wardline.engine.decision import judge
from wardline.engine.detector import Detector
from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision, KeptEvent, kept_decision, kept_event
from wardline.engine.model import NAME as MODEL_NAME
from wardline.engine.model import Model
from wardline.engine.record import Record
from wardline.engine.rules.running import Running
from wardline.engine.walk.point import DomainState, distinct

SHOWN = 20


class Difference(msgspec.Struct, frozen=True):
    """One value that came out otherwise."""

    id: str
    seq: int
    what: str
    stored: Value
    again: Value


class Found(msgspec.Struct, kw_only=True):
    """What a replay found so far. `different` counts all; `differences` names the first twenty."""

    replayed: int = 0
    different: int = 0
    features_replayed: int = 0
    unknown_policy: int = 0
    differences: list[Difference] = []

    def differ(self, difference: Difference) -> None:
        """Count a difference and name it while there is room."""
        self.different += 1
        if len(self.differences) < SHOWN:
            self.differences.append(difference)

    def add(self, other: "Found") -> None:
        """Count what another replay found as well."""
        self.replayed += other.replayed
        self.different += other.different
        self.features_replayed += other.features_replayed
        self.unknown_policy += other.unknown_policy
        self.differences = [*self.differences, *other.differences][:SHOWN]


class Replay:
    """Takes the records one after the other. running_of: what a decision's digest stands for, None when it is not known any more. fresh, states: empty
    counters and states (by decision point) when the records begin with the first one; fresh None leaves the feature replay out. corrupt: number of the decision (0 …) to change.
    model_of: a model by its name, None for one that is not kept any more: what it said is then taken as it is stored."""

    def __init__(
        self,
        running_of: Callable[[str], Running | None],
        detectors: Mapping[str, Sequence[Detector[Any]]],
        fresh: Counters | None,
        states: Mapping[str, Sequence[DomainState]],
        corrupt: int | None = None,
        event_of: Callable[[Record], KeptEvent | None] = kept_event,
        model_of: Callable[[str], Model | None] = lambda name: None,
    ) -> None:
        self._event_of = event_of
        self._model_of = model_of
        self.found = Found()
        self._running_of = running_of
        self._detectors = detectors
        self._fresh = fresh
        self._states = states
        self._every_state = distinct(states)
        self._corrupt = corrupt
        self._known: dict[str, Running | None] = {}

    def take(self, record: Record) -> None:
        """Judge and count one record; a label is for the domains' states; records of other kinds are passed over."""
        fresh = self._fresh
        if record.kind == "label":
            if fresh is not None:
                for state in self._every_state:
                    state.apply(record)
            return
        decision = kept_decision(record)
        if decision is None:
            if fresh is not None and (kept := self._event_of(record)) is not None:
                self._absorb(fresh, record, kept)
            return
        if self._corrupt == self.found.replayed:
            decision = _corrupted(decision)
        self._decide(record.seq, decision)
        if fresh is not None:
            again = fresh.read(decision.type, decision.occurred_us, decision.facts, record.time_us)
            for state in self._states.get(decision.type, ()):
                again.update(state.read(decision.type, decision.occurred_us, decision.facts, record.time_us))
            name = decision.read.get(MODEL_NAME)
            if isinstance(name, str) and (model := self._model_of(name)) is not None:
                again.update(model.read({**decision.facts, **again}))
            self._compare(record.seq, decision, again)
            self._absorb(fresh, record, decision)

    def _absorb(self, fresh: Counters, record: Record, kept: KeptEvent) -> None:
        fresh.absorb(record.seq, kept.type, kept.occurred_us, kept.facts, record.time_us)
        for state in self._every_state:
            state.absorb(record.seq, kept, record.time_us)

    def _decide(self, seq: int, stored: KeptDecision) -> None:
        if stored.policy_digest not in self._known:
            self._known[stored.policy_digest] = self._running_of(stored.policy_digest)
        running = self._known[stored.policy_digest]
        if running is None:
            self.found.unknown_policy += 1
            return
        self.found.replayed += 1
        now = judge({**stored.facts, **stored.read}, self._detectors.get(running.policy.document.point, ()), running.policy, running)
        pairs: tuple[tuple[str, Any, Any], ...] = (
            ("verdict", stored.verdict, now.verdict),
            # Floats by their exact form: nearly equal is not equal.
            ("score", float.hex(stored.score), float.hex(now.score)),
            ("log_odds", float.hex(stored.log_odds), float.hex(now.log_odds)),
            ("line", stored.line, now.line),
            ("hits", list(stored.hits), list(now.hits)),
            ("shadow", list(stored.shadow), list(now.shadow)),
            ("reasons", [reason.text for reason in stored.reasons], [reason.text for reason in now.reasons]),
        )
        for what, was, is_now in pairs:
            if was != is_now:
                self.found.differ(Difference(stored.id, seq, what, was, is_now))
                return

    def _compare(self, seq: int, stored: KeptDecision, again: Mapping[str, Value]) -> None:
        self.found.features_replayed += 1
        for name, was in stored.read.items():
            if name in again and was != again[name]:
                self.found.differ(Difference(stored.id, seq, name, was, again[name]))
                return


def _corrupted(decision: KeptDecision) -> KeptDecision:
    """The decision with one stored value changed by the least there is: what a flipped bit on the disk could do."""
    read = dict(decision.read)
    name = next((name for name, value in read.items() if isinstance(value, int) and not isinstance(value, bool)), None)
    if name is not None:
        read[name] = int(str(read[name])) + 1
    return msgspec.structs.replace(decision, read=read, log_odds=math.nextafter(decision.log_odds, math.inf))
