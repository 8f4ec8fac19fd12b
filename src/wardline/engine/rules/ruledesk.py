"""The rule desk: how people move a rule from a draft to everyone, and back. Each step needs the evidence of the one before, and is journalled.

    version = await desk.put(text, "many_failures.yaml", actor="ada")             # checked, its cases run
    await desk.show(version.name, "backtested", figures, actor="ada")             # what the backtest said
    await desk.move(version.name, "shadow", actor="ada")                          # watches; then canary, then live
    await desk.move(version.name, "live", actor="bob")                            # a second person, where the caps ask for one
    await desk.roll_back(version.name, actor="ada")                               # at any moment

Two people who promote at once: the second is told where the rule is now. DeskError says what is missing and which command gives it.

A rule's counters may take minutes to compute over a long history. Nobody's step waits for another rule's: what a step rests on is looked at before,
and again after. `preparing` names the rules whose counters must stay meanwhile, although nothing that runs needs them yet.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from wardline.engine.rules.roster import Roster
from wardline.engine.rules.rulebook import ENDED, RULES_LIMIT, RUNNING, SHOWN, Evidence, RuleAct, Rulebook, Version
from wardline.engine.rules.rulefile import RuleFile, RuleFileError
from wardline.engine.states.shard import Shard

ACTOR_LIMIT = 64
CANARY_SHARE = 0.05
NEEDS = {"shadow": "backtested", "canary": "shadow", "live": "canary"}


class DeskError(ValueError):
    """A step that cannot be taken: what is missing, which command gives it."""


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step asks for. shadow_decisions, canary_decisions: decisions that a version must have seen in the stage before; second_person:
    verdicts that two people decide on; second_person_share: from this share of decisions on, two people decide whatever the verdict."""

    shadow_decisions: int = 100
    canary_decisions: int = 100
    second_person: tuple[str, ...] = ("hold", "reject")
    second_person_share: float = 0.02


class RuleDesk:
    """See the module. `prepare` makes a rule's counters ready (it computes them over history) before the rule watches anything; `tidy` drops
    those that no rule needs any more."""

    def __init__(
        self,
        shard: Shard,
        rulebook: Rulebook,
        roster: Roster,
        new_id: Callable[[], str],
        prepare: Callable[[RuleFile], Awaitable[None]],
        tidy: Callable[[], object] = lambda: None,
        caps: Caps | None = None,
    ) -> None:
        self.shard = shard
        self.rulebook = rulebook
        self.roster = roster
        self.new_id = new_id
        self.prepare = prepare
        self.tidy = tidy
        self.caps = caps or Caps()
        self.preparing: list[RuleFile] = []
        self._returning: set[str] = set()  # rules of which a version comes back once its counters are ready
        self._lock = asyncio.Lock()
        self._history = asyncio.Lock()  # one computation at a time: each takes as much memory as the running counters may

    async def do(self, act: RuleAct) -> None:
        """Journal and apply one act; durable when it returns."""
        now_us = self.shard.clock.now_us()
        await self.shard.write(
            "audit",
            self.new_id(),
            point="rules",
            body=msgspec.msgpack.encode(act),
            keys=(f"audit:{act.op}", f"rule:{act.value}"),
            time_us=now_us,
            apply=lambda seq: self.rulebook.absorb(seq, act, now_us),
        )

    async def put(self, text: bytes, source: str, *, actor: str) -> Version:
        """Check a rule and take it into the book; its cases are its first evidence. The same text again changes nothing. Raises RuleFileError."""
        actor = _named(actor)
        file = self.roster.check(text, source)
        async with self._lock:
            newest = self.rulebook.find(file.name)
            if newest is not None and newest.text == file.text and newest.stage not in ENDED:
                return newest
            if newest is not None and newest.point != file.written.point:
                raise DeskError(f"{file.name} is a rule of {newest.point}; give a rule of {file.written.point} a name of its own")
            if not self.rulebook.has_room(file.name):
                raise DeskError(f"the rulebook is full: it holds {RULES_LIMIT} rules, and none has ended; expire one that nobody needs")
            number = newest.number + 1 if newest else 1
            await self.do(RuleAct(op="rule.put", actor=actor, point=file.written.point, value=file.name, version=number, text=file.text))
            if file.written.cases:
                await self._show(file.name, number, "tested", {"cases": len(file.written.cases)}, actor)
            return self.newest(file.name, number)

    async def show(self, name: str, stage: str, figures: dict[str, Any], *, actor: str, number: int = 0) -> Version:
        """Add evidence to a version of a rule, the newest when no number is given. Raises DeskError for a stage that counts for itself."""
        if stage not in SHOWN:
            raise DeskError(f"stage: evidence is shown for {' or '.join(SHOWN)}; what a rule does in the stages after them is counted")
        async with self._lock:
            version = self.newest(name, number)
            await self._show(version.name, version.number, stage, figures, _named(actor))
            return version

    async def _show(self, name: str, number: int, stage: str, figures: dict[str, Any], actor: str) -> None:
        evidence = Evidence(at_us=self.shard.clock.now_us(), actor=actor, figures=figures)
        await self.do(RuleAct(op="rule.evidence", actor=actor, value=name, version=number, stage=stage, evidence=evidence))

    async def move(self, name: str, stage: str, *, actor: str, share: float = 0.0, expected: str = "") -> Version:
        """Promote the newest version. expected: the stage that the caller believes it to be in; "" for whatever it is. Raises DeskError."""
        actor = _named(actor)
        if stage != "shadow":
            async with self._lock:
                return await self._move(self._movable(name, stage, share, expected), stage, share, actor)
        version = self._movable(name, stage, share, expected)
        self._evidence(version, stage)
        with self._kept(version):
            await self._prepared(version)
            async with self._lock:
                if self._movable(name, stage, share, expected) is not version:
                    raise DeskError(
                        f"{version.id} is not the newest version any more: somebody put another meanwhile; look, then decide anew"
                    )
                return await self._move(version, stage, share, actor)

    def _movable(self, name: str, stage: str, share: float, expected: str) -> Version:
        """The newest version, unless it is elsewhere than expected or there already. Raises DeskError."""
        version = self.newest(name)
        if expected and version.stage != expected:
            raise DeskError(
                f"{version.id} is in stage {version.stage} now, not in {expected}: somebody else was faster; look, then decide anew"
            )
        if version.stage == stage and not (stage == "canary" and share and share != version.share):
            raise DeskError(f"{version.id} is in stage {stage} already")
        return version

    async def _move(self, version: Version, stage: str, share: float, actor: str) -> Version:
        figures = self._evidence(version, stage)
        if stage == "canary":
            share = share or CANARY_SHARE
            if not 0.0 < share < 1.0:
                raise DeskError("share: a canary acts on more than nobody and fewer than all; give 0.05 for 5 %")
        if stage == "live" and self._needs_two(version, figures) and version.asked_by in ("", actor):
            if version.asked_by != actor:
                await self.do(RuleAct(op="rule.ask", actor=actor, value=version.name, version=version.number, stage=stage))
            return version
        evidence = Evidence(at_us=self.shard.clock.now_us(), actor=actor, figures=figures)
        await self.do(
            RuleAct(op="rule.stage", actor=actor, value=version.name, version=version.number, stage=stage, share=share, evidence=evidence)
        )
        return version

    @contextlib.contextmanager
    def _kept(self, version: Version) -> Iterator[None]:
        """Until the end, `tidy` leaves a version's counters; then it looks again. A text that this build cannot read has none to leave."""
        kept: list[RuleFile] = []
        with contextlib.suppress(RuleFileError):
            kept.append(self.file(version))
        self.preparing += kept
        try:
            yield
        finally:
            for file in kept:
                self.preparing.remove(file)
            self.tidy()

    async def _prepared(self, version: Version) -> None:
        async with self._history:
            await self.prepare(self.file(version))

    def _evidence(self, version: Version, stage: str) -> dict[str, Any]:
        """What the stage before has shown. Raises DeskError when it has not shown enough."""
        if stage not in NEEDS:
            raise DeskError(f"stage: {stage!r} is none to promote to; choose {', '.join(NEEDS)}")
        if stage == "shadow":
            if not self.file(version).written.cases:
                raise DeskError(f"{version.id} has no cases: write at least one hit and one miss into the file (cases:), then put it again")
            if "backtested" not in version.evidence:
                raise DeskError(f"{version.id} was not backtested: run `wardline policy backtest {version.name}` first")
            return dict(version.evidence["backtested"].figures)
        before = NEEDS[stage]
        if version.stage != before and not (stage == "canary" and version.stage == "canary"):
            raise DeskError(f"{version.id} is in stage {version.stage}; {stage} comes after {before}")
        wanted = self.caps.shadow_decisions if stage == "canary" else self.caps.canary_decisions
        if version.seen < wanted:
            raise DeskError(f"{version.id} has seen {version.seen} decisions in stage {version.stage}; {stage} asks for {wanted}: wait")
        return {"seen": version.seen, "hits": version.hits, "hit_share": version.hits / version.seen if version.seen else 0.0}

    def _needs_two(self, version: Version, figures: dict[str, Any]) -> bool:
        share = figures.get("hit_share") or 0.0
        return self.file(version).written.verdict in self.caps.second_person or share >= self.caps.second_person_share

    async def expire(self, name: str, *, actor: str, reason: str = "") -> Version:
        """End a rule: every version that runs stops at once."""
        actor = _named(actor)
        async with self._lock:
            running = [version for version in self.rulebook.rules.get(name, []) if version.stage in RUNNING]
            if not running and name not in self._returning:
                raise DeskError(f"no version of {name[:64]} runs; `wardline policy list` shows every rule and its stage")
            self._returning.discard(name)
            for version in running:
                await self._stop(version, "expired", actor, reason)
            return running[-1] if running else self.newest(name)

    async def roll_back(self, name: str, *, actor: str, reason: str = "") -> Version:
        """Take back the newest version that runs; the version that was live before it, if there was one, is live again as soon as it has its counters."""
        actor = _named(actor)
        with contextlib.ExitStack() as until_done:
            async with self._lock:
                versions = self.rulebook.rules.get(name, [])
                newest = next((version for version in reversed(versions) if version.stage in RUNNING), None)
                if newest is None:
                    raise DeskError(f"no version of {name[:64]} runs; `wardline policy list` shows every rule and its stage")
                before = None
                if newest.stage == "live":
                    before = next((v for v in reversed(versions) if v.number < newest.number and "live" in v.evidence), None)
                if before is not None:
                    until_done.enter_context(self._kept(before))
                    self._returning.add(name)
                    until_done.callback(self._returning.discard, name)
                await self._stop(newest, "expired", actor, reason or "rolled back")
            if before is None:
                return newest
            await self._prepared(before)
            async with self._lock:
                if name not in self._returning or any(version.stage == "live" for version in versions):
                    return newest  # somebody ended the rule meanwhile, or made another version live
                act = RuleAct(
                    op="rule.stage", actor=actor, value=name, version=before.number, stage="live", reason=f"{newest.id} was rolled back"
                )
                await self.do(act)
                return before

    async def quarantine(self, id: str, reason: str) -> None:
        """Take a version out because it misbehaves. The engine does this by itself; its owner finds it in the list and in the log."""
        name, _, number = id.rpartition("@")
        version = self.rulebook.find(name, int(number))
        if version is not None and version.stage in RUNNING:
            await self._stop(version, "quarantined", "engine", reason)

    async def _stop(self, version: Version, stage: str, actor: str, reason: str) -> None:
        await self.do(RuleAct(op="rule.stage", actor=actor, value=version.name, version=version.number, stage=stage, reason=reason[:256]))
        self.tidy()

    def newest(self, name: str, number: int = 0) -> Version:
        """A version of a rule, the newest when no number is given. Raises DeskError when there is none."""
        version = self.rulebook.find(name, number)
        if version is None:
            raise DeskError(f"there is no rule {name[:64]!r}; `wardline policy list` shows every rule")
        return version

    def file(self, version: Version) -> RuleFile:
        """What a version's text says, checked against this build. Raises RuleFileError."""
        return self.roster.file(version)


def _named(actor: str) -> str:
    if not actor.strip() or len(actor) > ACTOR_LIMIT:
        raise DeskError("actor: say who you are, at most 64 characters")
    return actor.strip()
