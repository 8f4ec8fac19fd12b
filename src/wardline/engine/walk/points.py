"""All event points of one program: their counters, their rules, their doors, put together from the domains that ship.

    points = EventPoints(domains, capacity_bytes=256 << 20, keep=keep_document)
    shard = Shard(journal, (…, *points.states), clock)        # states follow the journal
    points.open(shard, edge, administration, metrics, ids.new)
    points.doors                                              # one EventPoint a domain
    points.desk                                               # where people move rules

A rule may bring counters. Before it watches anything, they are computed over the journal's history beside the running state, caught up, and
taken over between two events: from then on they read as if they had been declared from the beginning.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from wardline.base.logs import logger
from wardline.base.metrics import Metrics
from wardline.engine.counting.counter import Counter, CounterError
from wardline.engine.counting.counters import Counters
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.model import Model
from wardline.engine.operators.administration import Administration
from wardline.engine.policy import PolicyError, parse_policy
from wardline.engine.record import Record
from wardline.engine.rules.roster import PointRules, Post, Roster, running_of
from wardline.engine.rules.rulebook import Matches, Rulebook
from wardline.engine.rules.ruledesk import Caps, DeskError, RuleDesk
from wardline.engine.rules.rulefile import RuleFile, RuleFileError
from wardline.engine.rules.running import Running
from wardline.engine.signal import log_odds
from wardline.engine.states.shard import Shard
from wardline.engine.states.snapshot import Snapshots, State, bring_up
from wardline.engine.store.journal import Journal
from wardline.engine.walk.intake import Edge
from wardline.engine.walk.point import DomainState, EventDomain, EventPoint, distinct
from wardline.engine.walk.replay import Found, Replay

# Records that may be caught up with on the event loop: a few tens of milliseconds.
CAUGHT_UP = 500


class EventPoints:
    """See the module. `keep(digest, document)` stores what a digest in a decision stands for. posts, readers: decision points of other rooms (mail),
    whose decisions rules may join, and how their records tell which did; facts, event_of: what counters may count of their events."""

    def __init__(
        self,
        domains: Sequence[EventDomain],
        capacity_bytes: int,
        keep: Callable[[str, bytes], None],
        posts: Mapping[str, Post] | None = None,
        readers: Mapping[str, Matches] | None = None,
        facts: Mapping[str, str] | None = None,
        event_of: Callable[[Record], KeptEvent | None] = kept_event,
    ) -> None:
        self.domains = tuple(domains)
        self.event_of = event_of
        self.names: dict[str, str] = dict(facts or {})
        for domain in domains:
            self.names.update({name: knowledge.type for name, knowledge in domain.known.items()})
        declared = [counter for domain in domains for counter in domain.counters]
        self.shipped = {counter.name for counter in declared}
        self.counters = Counters(declared, names=self.names, capacity_bytes=capacity_bytes, event_of=event_of)
        self.domain_states = make_states(self.domains)
        self.rulebook = Rulebook(readers)
        self.roster = Roster(self.rulebook, {**(posts or {}), **{domain.point: _post(domain) for domain in domains}}, keep)
        self.doors: list[EventPoint] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def states(self) -> tuple[State, ...]:
        """What follows the journal."""
        return self.counters, self.rulebook, *self.every_domain_state

    @property
    def every_domain_state(self) -> tuple[DomainState, ...]:
        """The domains' own states, whichever point reads them."""
        return distinct(self.domain_states)

    def open(
        self,
        shard: Shard,
        edge: Edge,
        administration: Administration,
        metrics: Metrics,
        new_id: Callable[[], str],
        caps: Caps | None = None,
    ) -> tuple[EventPoint, ...]:
        """Open the doors. Call `recovered` when the states have caught up with the journal."""
        self.journal: Journal = shard.journal
        self.desk = RuleDesk(shard, self.rulebook, self.roster, new_id, self.prepare, self.tidy, caps)
        self.doors = [
            EventPoint(
                domain=domain,
                shard=shard,
                edge=edge,
                counters=self.counters,
                states=self.domain_states,
                rules=self.rules(domain.point, shard),
                administration=administration,
                metrics=metrics,
            )
            for domain in self.domains
        ]
        metrics.gauge(
            "wardline_rules_running", "Rules in shadow, in canary or live", lambda: float(sum(1 for _ in self.rulebook.running()))
        )
        metrics.gauge("wardline_rules_quarantined", "Rules that were taken out because they misbehaved", lambda: float(self._quarantined()))
        metrics.gauge("wardline_rules_broken", "Rules that run by the book but do not compile", lambda: float(len(self.roster.faults)))
        metrics.gauge(
            "wardline_counter_conditions_failed",
            "Conditions of counters that raised on an event since the start; read as unknown",
            lambda: float(self.counters.failed),
        )
        return tuple(self.doors)

    def modes(self) -> dict[str, str]:
        """The mode of each point whose door is open."""
        return {door.point: door.mode for door in self.doors}

    def rules(self, point: str, shard: Shard) -> PointRules:
        """The rules of one point, for whoever decides there."""
        return PointRules(self.roster, point, shard.clock.now_us, self._quarantine)

    def declare(self, snapshots: Snapshots, last_seq: int) -> None:
        """Before the states are restored: declare what running rules brought, so that the counters' snapshot finds a place. Reads the acts alone:
        which rules run depends on no decision."""
        ahead = Rulebook()
        bring_up([ahead], snapshots, lambda from_seq: self.journal.read(from_seq, last_seq, kinds=("audit",)))
        for file in self._files(ahead):
            self._learn_fields(file)
            for counter in file.counters:
                try:
                    self.counters.add(counter)
                except CounterError as error:
                    logger("rules").error("counter_left_out", rule=file.name, detail=str(error))

    def recovered(self, rebuilt: bool = False) -> int:
        """After a start: compute the counters of running rules that no snapshot brought. Gives how many.

        rebuilt: no snapshot of the counters was there, and they counted what retention has left of the journal.
        """
        if rebuilt:
            self.counters.begin(self._whole_from_us())
        unfinished, declared = self.counters.unfinished(), self.counters.declarations()
        brought = dict.fromkeys(counter.name for file in self._files() for counter in file.counters)
        wanted = self.computable([declared[name] for name in brought if name in unfinished])
        if wanted:
            fresh = self.counters.beside(wanted)
            feed(fresh, self.journal, self.journal.last_seq)
            self._adopt(fresh)
        return len(wanted)

    def computable(self, counters: Sequence[Counter]) -> list[Counter]:
        """Those that know nothing that the journal has lost: counted anew, the others would know less."""
        since, whole_from_us = self.counters.since(), self._whole_from_us()
        return [counter for counter in counters if whole_from_us < 0 or since[counter.name] > whole_from_us]

    def _whole_from_us(self) -> int:
        return self.journal.whole_from_us("event", "decision")

    async def prepare(self, file: RuleFile) -> None:
        """Make a rule's counters ready: nothing for those that run already. Raises DeskError for a name that means something else here."""
        self._learn_fields(file)
        try:
            for counter in file.counters:
                self.counters.check(counter)
        except CounterError as error:
            raise DeskError(str(error)) from None
        declared = self.counters.declarations()
        new = [counter for counter in file.counters if counter.name not in declared]
        if new:
            try:
                await self.compute(new)
            except CounterError as error:  # meanwhile another rule brought one of the same name
                raise DeskError(str(error)) from None

    async def compute(self, counters: Sequence[Counter]) -> int:
        """Count over the journal's history beside the running state, then take over between two events. Gives the records that there are.

        Counters that run already are counted anew: those that began late are known from the beginning afterwards, or from where retention has
        left the journal whole.
        """
        fresh = self.counters.beside(counters)
        while self.journal.last_seq - fresh.applied_seq > CAUGHT_UP:
            await asyncio.to_thread(feed, fresh, self.journal, self.journal.last_seq)
        feed(fresh, self.journal, self.journal.last_seq)
        self._adopt(fresh)
        return fresh.applied_seq

    def _adopt(self, fresh: Counters) -> None:
        # Asked after the reading: retention may have taken records meanwhile.
        fresh.begin(self._whole_from_us())
        # Records of other kinds move the journal and not the counters.
        self.counters.applied_seq = self.journal.last_seq
        self.counters.adopt(fresh)

    def _learn_fields(self, file: RuleFile) -> None:
        for field, kind in file.written.fields.items():
            self.names.setdefault(f"field.{field}", kind)

    def running_of(self, document: bytes) -> Running | None:
        """What a kept document stands for; None when this build cannot read it any more."""
        try:
            return running_of(document, self.roster)
        except (PolicyError, RuleFileError, msgspec.DecodeError):
            return None

    def acts_from(self) -> dict[str, float]:
        """By decision point, the log-odds from which its policy's costs ask for something; points without costs are left out."""
        found = {domain.point: self.roster.posts[domain.point].policy.document.costs.acts_from() for domain in self.domains}
        return {point: log_odds(chance) for point, chance in found.items() if chance is not None}

    def serve(self, point: str, model: Model | None) -> None:
        """Let a model serve at a decision point from the next event on; None: no model does."""
        for door in self.doors:
            if door.point == point:
                door.model = model

    def replay(
        self,
        running_of: Callable[[str], Running | None],
        whole: bool,
        corrupt: int | None,
        model_of: Callable[[str], Model | None] = lambda name: None,
    ) -> Found:
        """Both replays over the journal. whole: its records begin with the first one, so that counters can be counted anew."""
        fresh, states = None, None
        if whole:
            states = make_states(self.domains)
            fresh = Counters(
                (counter for domain in self.domains for counter in domain.counters),
                names=self.names,
                capacity_bytes=self.counters.capacity_bytes,
                event_of=self.event_of,
            )
            for counter in self._unambiguous():
                with contextlib.suppress(CounterError):
                    fresh.add(counter)
        replay = Replay(
            running_of, {domain.point: domain.detectors for domain in self.domains}, fresh, states or {}, corrupt, self.event_of, model_of
        )
        for record in self.journal.read(1, kinds=("event", "decision", "label")):
            replay.take(record)
        return replay.found

    def _unambiguous(self) -> list[Counter]:
        """The counters that rules ever brought, as far as a name always meant the same."""
        meanings: dict[str, set[Counter]] = {}
        found: dict[str, Counter] = {}
        for versions in self.rulebook.rules.values():
            for version in versions:
                try:
                    counters = self.roster.file(version).counters
                except RuleFileError:
                    continue
                for counter in counters:
                    meanings.setdefault(counter.name, set()).add(counter.meaning())
                    found[counter.name] = counter
        return [counter for name, counter in found.items() if len(meanings[name]) == 1]

    def tidy(self) -> list[str]:
        """Drop the counters that no rule needs that runs or is being prepared. Gives their names."""
        wanted = [*self._files(), *self.desk.preparing]
        needed = self.shipped | {counter.name for file in wanted for counter in file.counters}
        spare = [name for name in self.counters.declarations() if name not in needed]
        for name in spare:
            self.counters.remove(name)
        return spare

    def _files(self, rulebook: Rulebook | None = None) -> list[RuleFile]:
        found = []
        for version in (rulebook or self.rulebook).running():
            try:
                found.append(self.roster.file(version))
            except RuleFileError:
                continue  # named in the roster's faults
        return found

    def erase(self, subject: str) -> None:
        """Forget what the domains' states hold under a pseudonym. Counters keep only hashes of pseudonyms, which age out."""
        for state in self.every_domain_state:
            state.erase(subject)

    def _quarantine(self, id: str, reason: str) -> None:
        logger("rules").error("rule_quarantined", rule=id, reason=reason)
        task = asyncio.get_running_loop().create_task(self.desk.quarantine(id, reason))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _quarantined(self) -> int:
        return sum(version.stage == "quarantined" for versions in self.rulebook.rules.values() for version in versions)


def feed(counters: Counters, journal: Journal, last_seq: int) -> None:
    """Apply the journal's records after what the counters have, up to a place."""
    for record in journal.read(counters.applied_seq + 1, last_seq, kinds=("event", "decision")):
        counters.apply(record)
    counters.applied_seq = max(counters.applied_seq, last_seq)


def make_states(domains: Sequence[EventDomain]) -> dict[str, list[DomainState]]:
    """A new state of each kind, by the decision points that read it: the same one where a domain borrows another's."""
    own: dict[str, list[DomainState]] = {domain.point: [make() for make in domain.states] for domain in domains}
    by_name = {state.name: state for found in own.values() for state in found}
    for domain in domains:
        beside = {state.name: state for state in own[domain.point]}
        for look in domain.looks_back:
            state = look(beside)
            by_name[state.name] = state
    return {domain.point: own[domain.point] + [by_name[name] for name in domain.borrows if name in by_name] for domain in domains}


def _post(domain: EventDomain) -> Post:
    names = domain.names()
    return Post(parse_policy(domain.policy, names, f"shipped {domain.point} policy"), domain.policy.decode(), names)
