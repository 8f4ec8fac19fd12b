"""The rulebook: every rule's versions, the stage each has reached, and the evidence for it. A state of the journal like every other.

    draft -> tested -> backtested -> shadow -> canary -> live -> expired          (quarantined: taken out by the engine itself)

    RuleAct(op="rule.put", actor="ada", value="many_failures", version=1, text="rule: many_failures…")
    RuleAct(op="rule.stage", actor="ada", value="many_failures", version=1, stage="shadow")

Each act is an audit record, so the trail and the book cannot disagree. Decisions are counted per version (how many it saw since its stage
began, how many it hit), since the next stage asks for that. In `shadow` a rule says what it would have done and does nothing; in `canary` it
acts on a sticky share of the entities; `live` it acts on all. One version of a rule can be live while a newer one is tried beside it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from wardline.engine.kept import kept_decision
from wardline.engine.record import Record

STAGES = ("draft", "tested", "backtested", "shadow", "canary", "live", "expired", "quarantined")
RUNNING = ("shadow", "canary", "live")
# What people bring evidence for; what the later stages rest on was counted here.
SHOWN = ("tested", "backtested")
ENDED = ("expired", "quarantined")
RULES_LIMIT = 2_000
VERSIONS_LIMIT = 20

# What a decision's record says of rules: those that acted, those that watched.
Matches = Callable[[Record], tuple[Iterable[str], Iterable[str]]]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage was reached on: who showed it, when, and the figures."""

    at_us: int
    actor: str
    figures: dict[str, float | int | str | None] = {}


class RuleAct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act on a rule, the body of an audit record. `value`: the rule's name. Fields that other acts share have the same names there."""

    op: str
    actor: str
    point: str = ""
    value: str = ""
    reason: str = ""
    version: int = 0
    text: str = ""
    stage: str = ""
    share: float = 0.0
    evidence: Evidence | None = None


class Version(msgspec.Struct, kw_only=True):
    """One text of a rule, and how far it came. seen, hits: decisions of its point since the stage began, and those that it matched."""

    name: str
    number: int
    point: str
    text: str
    stage: str
    share: float = 0.0
    since_us: int = 0
    actor: str = ""
    asked_by: str = ""  # who asked for a promotion that a second person must confirm
    asked_stage: str = ""
    seen: int = 0
    hits: int = 0
    evidence: dict[str, Evidence] = {}
    reason: str = ""

    @property
    def id(self) -> str:
        """The version as decisions name it: NAME@NUMBER."""
        return f"{self.name}@{self.number}"

    @property
    def digest(self) -> str:
        """Names the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


class _Snapshot(msgspec.Struct):
    versions: list[Version] = []


class Rulebook:
    """See the module. `changed` counts the acts that may have changed what runs. readers: for points whose records have a form of their own, what
    a decision says of rules: (hits, shadow)."""

    name = "rulebook"

    def __init__(self, readers: Mapping[str, Matches] | None = None) -> None:
        self._readers = dict(readers or {})
        self.applied_seq = 0
        self.changed = 0
        self.rules: dict[str, list[Version]] = {}
        self._running: dict[str, dict[str, Version]] = {}
        self._unsettled: dict[str, int] = {}

    # State

    def absorb(self, seq: int, act: RuleAct | None, time_us: int = 0) -> None:
        """Apply the act of one record; records at or before `applied_seq` were applied already."""
        if seq > self.applied_seq:
            self.applied_seq = seq
            if act is not None:
                self.act(act, time_us)

    def apply(self, record: Record) -> None:
        """`absorb` for a record as the journal has it."""
        if record.seq <= self.applied_seq:
            return
        self.applied_seq = record.seq
        if record.kind == "audit":
            try:
                self.act(msgspec.msgpack.decode(record.body, type=RuleAct), record.time_us)
            except msgspec.DecodeError:
                return  # an act of another form, which is no act on a rule
        elif record.kind == "decision":
            if reader := self._readers.get(record.point):
                self.count(record.point, *reader(record))
            elif (kept := kept_decision(record)) is not None:
                self.count(kept.type, kept.hits, kept.shadow)

    def count(self, point: str, hits: Iterable[str], shadow: Iterable[str]) -> None:
        """One decision of a point was made; these versions matched."""
        running = self._running.get(point)
        if not running:
            return
        self._unsettled[point] = self._unsettled.get(point, 0) + 1
        for id in hits:
            if version := running.get(id):
                version.hits += 1
        for id in shadow:
            if version := running.get(id):
                version.hits += 1

    def _settle(self) -> None:
        """Write the decisions counted since the last time into the versions that saw them: a hundred rules cost one addition a decision."""
        for point, count in self._unsettled.items():
            for version in self._running.get(point, {}).values():
                version.seen += count
        self._unsettled.clear()

    def decided(self, seq: int, point: str, hits: Iterable[str], shadow: Iterable[str]) -> None:
        """`apply` for a decision that was just made."""
        if seq > self.applied_seq:
            self.applied_seq = seq
            self.count(point, hits, shadow)

    def act(self, act: RuleAct, time_us: int) -> None:
        """Apply one act. Unknown operations are kept in the journal and change nothing here."""
        self._settle()
        match act.op:
            case "rule.put":
                self._put(act, time_us)
            case "rule.evidence":
                found = self.find(act.value, act.version)
                if found and act.evidence and act.stage in SHOWN:
                    found.evidence = {**found.evidence, act.stage: act.evidence}
                    if STAGES.index(found.stage) < STAGES.index(act.stage):
                        found.stage, found.since_us = act.stage, time_us
            case "rule.stage":
                self._stage(act, time_us)
            case "rule.ask":
                found = self.find(act.value, act.version)
                if found:
                    found.asked_by, found.asked_stage = act.actor, act.stage
            case _:
                return
        self.changed += 1

    def _put(self, act: RuleAct, time_us: int) -> None:
        if not self.has_room(act.value):
            return
        if act.value not in self.rules and len(self.rules) >= RULES_LIMIT:
            del self.rules[min(self._ended())[1]]
        versions = self.rules.setdefault(act.value, [])
        versions.append(
            Version(name=act.value, number=act.version, point=act.point, text=act.text, stage="draft", since_us=time_us, actor=act.actor)
        )
        self._trim(versions)

    def has_room(self, name: str) -> bool:
        """Whether a rule can be put under this name: a full book forgets the rule that ended first, and refuses when none has ended."""
        return name in self.rules or len(self.rules) < RULES_LIMIT or any(self._ended())

    def _ended(self) -> Iterator[tuple[int, str]]:
        """Since when, and the name, of the rules that nobody runs and whose newest version ended."""
        for name, versions in self.rules.items():
            if versions[-1].stage in ENDED and not any(version.stage in RUNNING for version in versions):
                yield versions[-1].since_us, name

    def _stage(self, act: RuleAct, time_us: int) -> None:
        found = self.find(act.value, act.version)
        if found is None or act.stage not in STAGES:
            return
        if act.evidence:
            found.evidence = {**found.evidence, act.stage: act.evidence}
        if act.stage in RUNNING:  # one live version of a rule, and one that is tried beside it
            for other in self.rules[act.value]:
                replaced = other.stage == "live" if act.stage == "live" else other.stage in ("shadow", "canary")
                if other is not found and replaced:
                    other.stage, other.since_us = "expired", time_us
                    other.reason = f"version {found.number} took its place"
        found.stage, found.share, found.since_us, found.actor = act.stage, act.share, time_us, act.actor
        found.reason, found.asked_by, found.asked_stage = act.reason, "", ""
        found.seen = found.hits = 0
        self._file()

    def _trim(self, versions: list[Version]) -> None:
        while len(versions) > VERSIONS_LIMIT:
            spare = next((version for version in versions if version.stage not in RUNNING), None)
            if spare is None:
                return
            versions.remove(spare)

    def _file(self) -> None:
        """Look up anew what runs, by point; only a change of stage changes it."""
        self._running = {}
        for name in sorted(self.rules):
            for version in self.rules[name]:
                if version.stage in RUNNING:
                    self._running.setdefault(version.point, {})[version.id] = version

    # Reading

    def find(self, name: str, number: int = 0) -> Version | None:
        """A version of a rule, the newest when no number is given."""
        self._settle()
        versions = self.rules.get(name, [])
        return next((version for version in reversed(versions) if number in (0, version.number)), None)

    def versions(self, name: str | None = None) -> list[Version]:
        """Every version of one rule, or of all, by name and number."""
        self._settle()
        return [version for each in sorted(self.rules) if name in (None, each) for version in self.rules[each]]

    def running(self, point: str | None = None) -> Iterator[Version]:
        """The versions in shadow, canary or live: of one point by name, of all point by point."""
        self._settle()
        for each, versions in self._running.items():
            if point in (None, each):
                yield from versions.values()

    def snapshot(self) -> bytes:
        """The whole state as MessagePack."""
        self._settle()
        return msgspec.msgpack.encode(_Snapshot([version for name in self.rules for version in self.rules[name]]))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        state = msgspec.msgpack.decode(data, type=_Snapshot)
        self.rules = {}
        self._unsettled.clear()
        for version in state.versions:
            self.rules.setdefault(version.name, []).append(version)
        self.changed += 1
        self._file()

    def digest(self) -> str:
        """SHA-256 of the state in a fixed order."""
        self._settle()
        return hashlib.sha256(msgspec.msgpack.encode([self.rules[name] for name in sorted(self.rules)])).hexdigest()
