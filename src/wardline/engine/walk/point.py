"""A decision point for events: the walk of every domain whose facts are at hand when the event comes (logins, sign-ups, …).

    point = EventPoint(domain=login(), shard=shard, edge=edge, counters=counters, states=states, rules=rules, …)
    answer = await point.admit(event)        # durable: event and decision are one record
    await point.note(event)                  # recorded and counted, not decided (an outcome)

One way: intake makes facts, identifiers pseudonyms from there on; counters are read as of the event's place, then the event counts; judge
looks at those values alone; one record holds both. `admit` returns before the disk has confirmed: the caller awaits what it gives, and may
admit the next event meanwhile, in order.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from wardline.base.metrics import Metrics
from wardline.engine.counting.counter import Counter
from wardline.engine.counting.counters import Counters
from wardline.engine.decision import Reason, judge
from wardline.engine.detector import Detector
from wardline.engine.door import Accepted, Answer, EventError, Pending
from wardline.engine.event import Event
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_decision, pack
from wardline.engine.model import NAME as MODEL_NAME
from wardline.engine.model import TYPES as MODEL_TYPES
from wardline.engine.model import Model, Recipe
from wardline.engine.operators.administration import Administration
from wardline.engine.policy import RESULT_TYPES
from wardline.engine.record import Record
from wardline.engine.rules.roster import PointRules
from wardline.engine.states.shard import Shard
from wardline.engine.walk.intake import Edge, Knowledge, occurred_us

# What a record can be found by later: the entities whose timeline a person may ask for.
LOOKUPS = ("account", "ip", "device", "email", "phone", "session", "flow")
PAUSED = "Enforcement is off; this was recorded only."


class DomainState(Protocol):
    """A state of a domain beside the counters: an account's habits, a graph of sign-ups. A `State` of the journal that also gives values.

    gives: the names of its values, with types. read: its values as of an event, before the event counts; changes nothing, bounded in time.
    erase: forgets what is held under a pseudonym. types: what it absorbs, None for everything; other events are not given to it live. absorb: counts one event of any domain, with its decision where there was one; once per record, in order; `time_us` is when it was admitted.
    """

    name: str
    applied_seq: int
    gives: Mapping[str, str]

    @property
    def types(self) -> frozenset[str] | None: ...

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]: ...

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None: ...

    def apply(self, record: Record) -> None: ...

    def erase(self, subject: str) -> None: ...

    def snapshot(self) -> bytes: ...

    def restore(self, data: bytes) -> None: ...

    def digest(self) -> str: ...


class EventDomain(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain brings: its types, its intake, what its facts mean, its counters, its states, its detectors, its policy as text.

    states: one factory for each state that its decisions read; what it gives must not depend on anything but the records. borrows: the names of
    states of other domains that are read here too, with what they give; where their domain is not served, their values are unknown. looks_back: one
    factory for each state that reads the domain's other states, by their names, when it is read itself; it is there where another domain borrows it. alone: decided
    where an event comes alone; in a batch, which plays what has happened, it is recorded.
    recipe: what models of this point are trained on; None where there are none.
    """

    point: str
    decides: frozenset[str]
    notes: frozenset[str]
    facts: Callable[[Event, Edge], dict[str, Value]]
    known: Mapping[str, Knowledge]
    counters: tuple[Counter, ...]
    policy: bytes
    detectors: tuple[Detector[Any], ...] = ()
    states: tuple[Callable[[], DomainState], ...] = ()
    looks_back: tuple[Callable[[Mapping[str, DomainState]], DomainState], ...] = ()
    borrows: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    alone: bool = False
    recipe: Recipe | None = None

    def names(self) -> dict[str, str]:
        """Everything that a line or a rule may read at this point, with its type."""
        return {
            **{name: "any" for detector in self.detectors for name in detector.reads},
            **{name: knowledge.type for name, knowledge in self.known.items()},
            **{counter.name: "number" for counter in self.counters},
            **{name: kind for make in self.states for name, kind in make().gives.items()},
            **{name: kind for gives in self.borrows.values() for name, kind in gives.items()},
            **(MODEL_TYPES if self.recipe else {}),
            **RESULT_TYPES,
        }


def distinct(states: Mapping[str, Sequence[DomainState]]) -> tuple[DomainState, ...]:
    """Every state once, however many points read it."""
    return tuple({id(state): state for found in states.values() for state in found}.values())


class EventPoint:
    """See the module. An EventDoor."""

    def __init__(
        self,
        *,
        domain: EventDomain,
        shard: Shard,
        edge: Edge,
        counters: Counters,
        states: Mapping[str, Sequence[DomainState]],
        rules: PointRules,
        administration: Administration,
        metrics: Metrics,
        default_mode: str = "enforce",
    ) -> None:
        self.domain = domain
        self.point = domain.point
        self.types = domain.decides
        self.notes = domain.notes
        self.played = frozenset() if domain.alone else domain.decides
        self.shard = shard
        self.edge = edge
        self.counters = counters
        self.counted = tuple(counter.name for counter in domain.counters)
        self.states = states.get(domain.point, ())
        self.every_state = distinct(states)
        self.rules = rules
        self.administration = administration
        self.metrics = metrics
        self.default_mode = default_mode
        self.detectors: Sequence[Detector[Any]] = domain.detectors
        self.model: Model | None = None
        # By event type, the states that absorb it.
        self._absorbing: dict[str, tuple[Callable[[int, KeptEvent, int], None], ...]] = {}

    @property
    def mode(self) -> str:
        """observe, tag or enforce. Who asks this door decides what a verdict does there, so that it begins in enforce: the answer is the true one."""
        return self.administration.mode(self.point, self.default_mode)

    def admit(self, event: Event) -> Pending:
        """Decide one event. Raises EventError, StorageBusy and StorageFull before anything was changed."""
        started = time.perf_counter()
        journal = self.shard.journal
        first = journal.find_id("decision", event.id)
        if first is not None:
            return Pending(self._again(first), journal.receipt(first.seq), repeated=True)
        if journal.find_id("event", event.id) is not None:
            raise EventError("id: this event was recorded before without a decision; give an event that is to be decided an id of its own")
        at_us = occurred_us(event)
        facts = self.domain.facts(event, self.edge)
        now_us = self.shard.clock.now_us()
        running = self.rules.now()
        counted = self.counters.read(event.type, at_us, facts, now_us)
        read = {name: counted.get(name) for name in (*self.counted, *running.counters)}
        for state in self.states:
            read.update(state.read(event.type, at_us, facts, now_us))
        values = {**facts, **read}
        if self.model is not None:
            said = self.model.read(values)
            read.update(said)
            values.update(said)
        decision = judge(values, self.detectors, running.policy, running)
        kept = KeptDecision(
            id=event.id,
            type=event.type,
            occurred_us=at_us,
            facts=facts,
            read=read,
            verdict=decision.verdict,
            score=decision.score,
            log_odds=decision.log_odds,
            line=decision.line,
            reasons=decision.reasons,
            policy=decision.policy,
            policy_digest=running.digest,
            obligations=decision.obligations,
            hits=decision.hits,
            shadow=decision.shadow,
            failed=decision.failed,
            mode=self.mode,
        )
        receipt = self._write("decision", kept, now_us)
        self.rules.decided(receipt.seq, decision)
        for name in decision.failed:
            self.metrics.failed(name)
        return Pending(self._answer(kept), receipt, started, self._count)

    def note(self, event: Event) -> Pending:
        """Record one event without deciding it; it counts all the same. Raises as `admit`."""
        journal = self.shard.journal
        first = journal.find_id("event", event.id) or journal.find_id("decision", event.id)
        if first is not None:
            return Pending(Accepted(event.id), journal.receipt(first.seq), repeated=True)
        kept = KeptEvent(id=event.id, type=event.type, occurred_us=occurred_us(event), facts=self.domain.facts(event, self.edge))
        return Pending(Accepted(event.id), self._write("event", kept, self.shard.clock.now_us()))

    def _write(self, kind: str, kept: KeptEvent, now_us: int) -> Any:
        facts = kept.facts
        try:
            body = pack(kept)
        except ValueError as error:
            raise EventError(str(error)) from None
        found: dict[str, None] = {}
        for name in LOOKUPS:
            if value := facts.get(name):
                found[str(value)] = None
        return self.shard.write(
            kind,
            kept.id,
            point=kept.type,
            body=body,
            subject=str(facts.get("account") or ""),
            keys=tuple(found),
            time_us=now_us,
            apply=lambda seq: self._absorb(seq, kept, now_us),
        )

    def _absorb(self, seq: int, kept: KeptEvent, now_us: int) -> None:
        self.counters.absorb(seq, kept.type, kept.occurred_us, kept.facts, now_us)
        absorbing = self._absorbing.get(kept.type)
        if absorbing is None:
            wanted = [state for state in self.every_state if state.types is None or kept.type in state.types]
            absorbing = self._absorbing[kept.type] = tuple(state.absorb for state in wanted)
        for absorb in absorbing:
            absorb(seq, kept, now_us)

    def _count(self, verdict: str, seconds: float) -> None:
        self.metrics.decided(self.point, verdict, seconds)

    def _again(self, record: Record) -> Answer:
        """The first answer to an id, once more. Raises EventError when another domain took the id."""
        kept = kept_decision(record)
        if kept is None or kept.type not in self.types:
            raise EventError(f"id: it was used before, for an event of type {record.point}; every event needs an id of its own")
        return self._answer(kept)

    def _answer(self, kept: KeptDecision) -> Answer:
        observed = kept.mode == "observe"
        mildest = self.rules.mildest
        reasons = list(kept.reasons)
        if observed and kept.verdict != mildest:
            reasons = [Reason("mode", kept.score, PAUSED), *reasons]
        return Answer(
            id=kept.id,
            verdict=mildest if observed else kept.verdict,
            score=kept.score,
            obligations=[] if observed else kept.obligations,
            reasons=reasons,
            policy=kept.policy,
            model=str(kept.read.get(MODEL_NAME) or "none"),
        )
