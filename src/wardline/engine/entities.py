"""An entity as people see it: what happened to it, what was said of it, what was done to it, and who is near it.

    entities = Entities(journal, labels, ledger, pseudonyms, clock, graph)
    entities.show("account:alice")          timeline, reputation, labels, actions, cluster
    entities.neighbours("account:alice")    the accounts that share rare keys with it, with the rarity of each
    entities.event("login-1")               one event of its timeline: what was known, what was decided and why

A name in clear becomes a pseudonym first. The timeline comes from the journal, by key: as long as records live, and newest first. Neighbours come
from the graph: an account that it has forgotten, or never saw sign up, has none there, and `known` says so.
"""

from datetime import datetime
from typing import Any

import msgspec

from wardline.base.clock import Clock, when
from wardline.base.privacy import Pseudonyms
from wardline.engine.actions.ledger import Ledger
from wardline.engine.entity import about
from wardline.engine.feature import Value
from wardline.engine.feedback.labels import Labels
from wardline.engine.graph import Graph
from wardline.engine.groups.graph_values import Neighbour
from wardline.engine.kept import kept_decision, kept_event
from wardline.engine.label import Standing
from wardline.engine.record import Record
from wardline.engine.store.journal import Journal

TIMELINE_LIMIT = 200
REASONS = 3


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record about an entity. at: event time where it is an event, else when it was recorded."""

    at: datetime
    seq: int
    kind: str
    what: str
    id: str
    verdict: str = ""
    score: float | None = None
    reasons: list[str] = []


class Reputation(msgspec.Struct, frozen=True):
    """What the timeline comes to. verdicts: how often each was given among the decisions shown; first and last: of the records shown."""

    decisions: int
    verdicts: dict[str, int]
    first: datetime | None
    last: datetime | None


class Act(msgspec.Struct, frozen=True):
    """An action on the entity."""

    id: str
    kind: str
    status: str
    reason: str


class Group(msgspec.Struct, frozen=True):
    """The cluster that an account is in. bad, good: members that labels call so."""

    size: int
    bad: int
    good: int
    first: datetime
    last: datetime


class Entity(msgspec.Struct, frozen=True):
    """Everything that is shown of one entity. known: the graph has it in memory."""

    about: str
    known: bool
    reputation: Reputation
    standing: Standing
    cluster: Group | None
    actions: list[Act]
    timeline: list[Moment]


class Near(msgspec.Struct, frozen=True):
    """An account's neighbours, strongest first."""

    about: str
    known: bool
    neighbours: list[Neighbour]


class Recorded(msgspec.Struct, frozen=True):
    """One event as it is kept. facts: what was known of it; read: the counters before it counted. verdict to failed: as of the time when it
    was decided, "" and nothing where nobody decides events of its type. hits: live rules that matched; shadow: those that only watch."""

    id: str
    type: str
    seq: int
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Value]
    read: dict[str, Value] = {}
    verdict: str = ""
    score: float | None = None
    line: str = ""
    mode: str = ""
    policy: str = ""
    reasons: list[str] = []
    obligations: list[dict[str, Any]] = []
    hits: list[str] = []
    shadow: list[str] = []
    failed: list[str] = []


class Entities:
    """See the module. Its methods raise EntityError for what names no entity."""

    def __init__(
        self, journal: Journal, labels: Labels, ledger: Ledger, pseudonyms: Pseudonyms, clock: Clock, graph: Graph | None = None
    ) -> None:
        self.journal, self.labels, self.ledger = journal, labels, ledger
        self.pseudonyms, self.clock, self.graph = pseudonyms, clock, graph

    def show(self, given: str, limit: int = 50) -> Entity:
        """All of one entity; at most `limit` records of its timeline."""
        name = about(self.pseudonyms, given)
        timeline = [_moment(record) for record in self.journal.find_key(name, min(max(limit, 1), TIMELINE_LIMIT))]
        verdicts: dict[str, int] = {}
        for moment in timeline:
            if moment.verdict:
                verdicts[moment.verdict] = verdicts.get(moment.verdict, 0) + 1
        return Entity(
            about=name,
            known=self._serial(name) is not None,
            reputation=Reputation(
                sum(verdicts.values()), verdicts, timeline[-1].at if timeline else None, timeline[0].at if timeline else None
            ),
            standing=self.labels.standing(name, now_us=self.clock.now_us()),
            cluster=self._group(name),
            actions=[
                Act(entry.action.id, entry.action.kind, entry.status, entry.action.reason)
                for entry in self.ledger.listed()
                if entry.action.entity == name
            ],
            timeline=timeline,
        )

    def event(self, id: str) -> Recorded | None:
        """The event with this id, decided or not; None where the journal has none (any more), and for mail, which has explanations of its own."""
        for kind in ("decision", "event"):
            record = self.journal.find_id(kind, id)
            event = kept_event(record) if record is not None else None
            if record is None or event is None:
                continue
            known = Recorded(event.id, event.type, record.seq, when(event.occurred_us), when(record.time_us), event.facts)
            decision = kept_decision(record)
            if decision is None:
                return known
            return msgspec.structs.replace(
                known,
                read=decision.read,
                verdict=decision.verdict,
                score=decision.score,
                line=decision.line,
                mode=decision.mode,
                policy=decision.policy,
                reasons=[reason.text for reason in decision.reasons],
                obligations=decision.obligations,
                hits=list(decision.hits),
                shadow=list(decision.shadow),
                failed=list(decision.failed),
            )
        return None

    def neighbours(self, given: str, limit: int = 50) -> Near:
        """The accounts near an account."""
        name = about(self.pseudonyms, given)
        near = self.graph.neighbours(name, min(max(limit, 1), TIMELINE_LIMIT)) if self.graph else []
        return Near(name, self._serial(name) is not None, near)

    def _serial(self, name: str) -> int | None:
        return self.graph.serial_of.get(name) if self.graph else None

    def _group(self, name: str) -> Group | None:
        serial = self._serial(name)
        cluster = self.graph.clusters.of(serial) if self.graph and serial is not None else None
        if cluster is None:
            return None
        return Group(cluster.size, cluster.bad, cluster.good, when(cluster.first_us), when(cluster.last_us))


def _moment(record: Record) -> Moment:
    decision = kept_decision(record)
    if decision is not None:
        told = [reason.text for reason in decision.reasons[:REASONS]]
        return Moment(when(decision.occurred_us), record.seq, "decision", decision.type, record.id, decision.verdict, decision.score, told)
    event = kept_event(record)
    at_us = event.occurred_us if event is not None else record.time_us
    return Moment(when(at_us), record.seq, record.kind, event.type if event is not None else record.point, record.id)
