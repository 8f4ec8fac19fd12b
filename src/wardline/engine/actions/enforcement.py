"""Enforcement: how actions are asked for, taken back and ended. Each act is checked, journalled, applied, and only then answered.

    entry = await enforcement.request(Order(kind="lock", entity="account:alice", ttl_seconds=3600, cause=…), actor="policy")
    entry = await enforcement.undo(entry.action.id, actor="ada", reason="the wrong one")        again: the same answer, nothing more happens
    enforcement.expire_due()                                                                    what is over ends by itself

Caps bind people, rules and agents alike: beyond `per_hour` actions of one cause an action is held until somebody else than whoever asked approves
it. Nothing is sent from here: the outbox tells the receiver what the ledger says.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from wardline.base.clock import when
from wardline.base.ids import Ids
from wardline.base.logs import logger
from wardline.base.privacy import Pseudonyms
from wardline.base.storage import StorageError
from wardline.engine.action import POINT, REASON_LIMIT, Action, ActionError, Cause, Order, Phase, Step, check_order, pack, unpack
from wardline.engine.actions.ledger import Entry, Ledger
from wardline.engine.entity import EVENT, EntityError, about, is_pseudonym
from wardline.engine.operators.administration import Act
from wardline.engine.states.shard import Shard
from wardline.engine.store.receipt import Receipt

STEPS_SHOWN = 200
# Encrypts an entity's clear name, bound to the entity: (entity, name) -> what only we can open.
Seal = Callable[[str, str], bytes]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """per_hour: actions of one cause within an hour before the next is held. open: actions that have not settled."""

    per_hour: int = 100
    open: int = 200_000


class ShownStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step as people see it."""

    op: str
    at: datetime
    seq: int
    phase: str = ""
    actor: str = ""
    reason: str = ""
    tries: int = 0
    error: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An action as people see it; `steps` where its history was asked for."""

    id: str
    kind: str
    entity: str
    status: str
    cause: Cause
    key: str
    actor: str
    reason: str
    parameters: dict[str, Any]
    requested_at: datetime
    expires_at: datetime
    phase: str = ""
    because: str = ""
    error: str = ""
    steps: list[ShownStep] = []


class Enforcement:
    """The acts on one ledger. `audit` notes what people did; `seal` hides an entity's clear name for the receiver."""

    def __init__(
        self,
        shard: Shard,
        ledger: Ledger,
        pseudonyms: Pseudonyms,
        ids: Ids,
        audit: Callable[[Act], Awaitable[None]],
        seal: Seal,
        limits: Limits | None = None,
    ) -> None:
        self.shard = shard
        self.ledger = ledger
        self.pseudonyms = pseudonyms
        self.ids = ids
        self.audit = audit
        self.seal = seal
        self.limits = limits or Limits()

    def admit(self, order: Order, *, actor: str, approved_by: str = "", fresh: bool = False) -> tuple[Entry, Receipt]:
        """Ask for an action, at once; durable when the receipt is. The same key again is the same action. Raises ActionError, StorageError.

        approved_by: the second person who said yes to it already, as part of a plan; it is not held then. fresh: the caller knows from a state of
        the journal that the key was never used, which spares the look-up.
        """
        check_order(order)
        assert order.cause is not None
        entity, name = self._entity(order.entity)
        action_id = self.ids.new()
        key = order.key or action_id
        if order.key and (known := self.ledger.by_key(order.key) if fresh else self._known(order.key)) is not None:
            if (known.action.kind, known.action.entity) != (order.kind, entity):
                raise ActionError("key: it was used for another action; give each action a key of its own")
            return known, self.shard.journal.receipt(known.step_seq)
        if len(self.ledger.entries) >= self.limits.open:
            raise ActionError(
                f"{self.limits.open} actions are open: let some end, or undo them (`wardline action list`), before more begin"
            )
        now_us = self.shard.clock.now_us()
        action = Action(
            id=action_id,
            kind=order.kind,
            entity=entity,
            cause=order.cause,
            key=key,
            requested_us=now_us,
            expires_us=now_us + order.ttl_seconds * 1_000_000,
            actor=actor,
            reason=order.reason,
            parameters=order.parameters,
            sealed=self.seal(entity, name) if name else b"",
        )
        capped = not approved_by and self.ledger.within_hour(order.cause.cap, now_us) >= self.limits.per_hour
        reason = f"approved by {approved_by}"[:REASON_LIMIT] if approved_by else ""
        step = Step(op="held" if capped else "requested", id=action.id, at_us=now_us, action=action, actor=actor, reason=reason)
        receipt = self._write(step, action)
        return self.ledger.entries[action.id], receipt

    async def request(self, order: Order, *, actor: str) -> Entry:
        """The same, durable when it returns, and in the audit."""
        entry, receipt = self.admit(order, actor=actor)
        await self.audit(Act(op="action.requested", actor=actor, value=entry.action.id, reason=order.reason))
        await receipt
        return entry

    async def undo(self, action_id: str, *, actor: str, reason: str = "") -> Entry:
        """End an action now. Whatever ends already, or has ended, is left as it is. Raises ActionError for an id that is not known."""
        entry = self._entry(action_id)
        if entry.status == "failed" and entry.phase == "end":
            return await self.retry(action_id, actor=actor)
        if entry.status in ("requested", "held", "done", "failed"):
            await self._act("undone", entry, actor, reason)
        else:
            await self.shard.journal.receipt(entry.step_seq)
        return entry

    def take_back(self, action_id: str, *, actor: str, reason: str = "") -> Receipt | None:
        """End an action now, as part of an act that is in the audit already; None where it ends or has ended anyway. Raises StorageError."""
        entry = self.ledger.get(action_id)
        if entry is None or entry.status not in ("requested", "held", "done", "failed") or (entry.status, entry.phase) == ("failed", "end"):
            return None
        step = Step(op="undone", id=action_id, at_us=self.shard.clock.now_us(), actor=actor, reason=reason[:REASON_LIMIT])
        return self._write(step, entry.action)

    async def retry(self, action_id: str, *, actor: str) -> Entry:
        """Send a dead letter on its way again. Raises ActionError for an action that is none."""
        entry = self._entry(action_id)
        if entry.status != "failed":
            raise ActionError(f"this action is {entry.status}: only what failed can be sent again")
        await self._act("retried", entry, actor, phase=entry.phase)
        return entry

    async def retry_all(self, *, actor: str) -> int:
        """Send every dead letter on its way again; gives how many."""
        dead = list(self.ledger.dead)
        for action_id in dead:
            if action_id in self.ledger.dead:
                await self.retry(action_id, actor=actor)
        return len(dead)

    async def approve(self, action_id: str, *, actor: str) -> Entry:
        """Let a held action begin. Raises ActionError where it is not held, or where the one who asked would approve it."""
        entry = self._held(action_id)
        if entry.action.actor == actor:
            raise ActionError("beyond the cap a second person approves: you asked for it, let somebody else look at it")
        await self._act("approved", entry, actor)
        return entry

    async def refuse(self, action_id: str, *, actor: str, reason: str = "") -> Entry:
        """Do not let a held action begin. Raises ActionError where it is not held."""
        entry = self._held(action_id)
        await self._act("refused", entry, actor, reason)
        return entry

    def expire_due(self) -> int:
        """Let what is over end; gives how many. What cannot be recorded now is tried again at the next call."""
        now_us = self.shard.clock.now_us()
        due = self.ledger.due(now_us)
        for place, entry in enumerate(due):
            try:
                self._write(Step(op="expired", id=entry.action.id, at_us=now_us), entry.action)
            except StorageError as error:
                logger("actions").error("expiry_not_recorded", error=type(error).__name__, waiting=len(due) - place)
                for left in due[place:]:
                    self.ledger.put_back(left)
                return place
        return len(due)

    def record(self, step: Step, entry: Entry) -> Receipt:
        """Write a step that the outbox has taken. Raises StorageError."""
        return self._write(step, entry.action)

    def shown(self, entry: Entry) -> Shown:
        """An entry as people see it."""
        action = entry.action
        return Shown(
            id=action.id,
            kind=action.kind,
            entity=action.entity,
            status=entry.status,
            cause=action.cause,
            key=action.key,
            actor=action.actor,
            reason=action.reason,
            parameters=action.parameters,
            requested_at=when(action.requested_us),
            expires_at=when(action.expires_us),
            phase=entry.phase,
            because=entry.because,
            error=entry.error,
        )

    def history(self, action_id: str) -> Shown:
        """One action and its steps, also when it settled long ago. Raises ActionError for an id that is not known."""
        entry = self._entry(action_id)
        steps = []
        for record in reversed(self.shard.journal.find_key(action_id, STEPS_SHOWN)):
            if record.kind != "action":
                continue
            step = unpack(record.body)
            steps.append(
                ShownStep(
                    op=step.op,
                    at=when(step.at_us),
                    seq=record.seq,
                    phase=step.phase,
                    actor=step.actor,
                    reason=step.reason,
                    tries=step.tries,
                    error=step.error,
                )
            )
        return msgspec.structs.replace(self.shown(entry), steps=steps)

    def _entity(self, given: Any) -> tuple[str, str]:
        """The entity's one name, and its clear name where that was given."""
        try:
            entity = about(self.pseudonyms, given)
        except EntityError as error:
            raise ActionError(f"entity: {str(error).removeprefix('about: ')}") from None
        if entity.startswith(f"{EVENT}:"):
            raise ActionError('entity: an action is on an entity, such as "account:alice"; an event is over')
        clear = next(iter(given.values())) if isinstance(given, dict) else given.partition(":")[2]
        return entity, clear if is_pseudonym(entity) and clear != entity.partition(":")[2] else ""

    def _known(self, key: str) -> Entry | None:
        found = self.ledger.by_key(key)
        if found is not None:
            return found
        for record in self.shard.journal.find_key(_key(key), 1):
            return self._settled(unpack(record.body).id)
        return None

    def _settled(self, action_id: str) -> Entry | None:
        """An action that the ledger has forgotten, from its records."""
        past = Ledger()
        records = self.shard.journal.find_key(action_id, STEPS_SHOWN)
        for record in reversed(records):
            past.apply(record)
        return past.get(action_id)

    def _entry(self, action_id: str) -> Entry:
        entry = self.ledger.get(action_id) or self._settled(action_id)
        if entry is None:
            raise ActionError("no action has this id; `wardline action list` prints those that are open")
        return entry

    def _held(self, action_id: str) -> Entry:
        entry = self._entry(action_id)
        if entry.status != "held":
            raise ActionError(f"this action is {entry.status}: only what is held waits for a second person")
        return entry

    async def _act(self, op: Any, entry: Entry, actor: str, reason: str = "", phase: Phase = "") -> None:
        step = Step(op=op, id=entry.action.id, at_us=self.shard.clock.now_us(), phase=phase, actor=actor, reason=reason[:REASON_LIMIT])
        receipt = self._write(step, entry.action)
        await self.audit(Act(op=f"action.{op}", actor=actor, value=entry.action.id, reason=reason[:REASON_LIMIT]))
        await receipt

    def _write(self, step: Step, action: Action) -> Receipt:
        subject = action.entity if is_pseudonym(action.entity) else ""
        first = step.action is not None
        keys = (action.id, action.entity, _key(action.key)) if first else (action.id, action.entity)
        return self.shard.write("action", action.id if first else self.ids.new(), point=POINT, body=pack(step), subject=subject, keys=keys)


def _key(key: str) -> str:
    return f"action-key:{key}"
