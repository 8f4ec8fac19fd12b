"""The ledger of actions: where each stands. A state of the journal, made of the records of kind "action" and of nothing else.

    ledger.entries["01K…"].status       requested, held, done, ending, failed
    ledger.queues["account:5f2c…"]      what the receiver is still to be told about one entity, in order
    ledger.due(now_us)                  the actions whose time is over

          held ──approved──> requested ──delivered──> done ──undone, expired──> ending ──delivered──> undone, expired
           │refused              │failed                                          │failed
           v                     v                                                v
        refused               failed (begin) ──retried, undone, expired──>    failed (end) ──retried──>

An action that is undone before its beginning was delivered is still told as ended: the receiver may have taken the beginning although its answer
was lost. Memory is bounded: open actions up to the limit of whoever asks, dead letters up to DEAD_LIMIT, the last RECENT_LIMIT settled ones; what
settled earlier is in the journal, under the action's id and key.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from wardline.base.metrics import Metrics
from wardline.engine.action import Action, Phase, Step, unpack
from wardline.engine.record import Record

Status = Literal["requested", "held", "done", "ending", "failed", "undone", "expired", "refused"]
SETTLED = ("undone", "expired", "refused")
RECENT_LIMIT = 1_000
DEAD_LIMIT = 10_000
CAUSES_LIMIT = 4_096
DUE_LIMIT = 1_000
HOUR_US = 3_600_000_000


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One action as of its last step. phase: what is told next, or failed. queued_seq: the record that put it into the queue; because: how it ends.

    begun: the receiver has taken its beginning. step_seq and step_us: of its last step.
    """

    action: Action
    status: Status
    step_seq: int
    step_us: int
    phase: Phase = ""
    queued_seq: int = 0
    because: str = ""
    begun: bool = False
    tries: int = 0
    error: str = ""


class _Snapshot(msgspec.Struct):
    entries: list[Entry] = []
    recent: list[Entry] = []
    counts: list[tuple[str, int, int]] = []


class Ledger:
    """The state. `queued` is called with an entity when there is something new to tell about it."""

    name = "actions"

    def __init__(self) -> None:
        self.applied_seq = 0
        self.queued: Callable[[str], None] = lambda entity: None
        self._clear()

    def _clear(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.recent: dict[str, Entry] = {}
        self.queues: dict[str, dict[str, None]] = {}
        self.keys: dict[str, str] = {}
        self.dead: dict[str, None] = {}
        self._counts: dict[str, tuple[int, int]] = {}  # cap -> hour, actions in it
        self._expiries: list[tuple[int, str]] = []

    def apply(self, record: Record) -> None:
        """One record, once and in order; anything but an action's step changes nothing."""
        if record.seq <= self.applied_seq:
            return
        self.applied_seq = record.seq
        if record.kind == "action":
            self._step(record.seq, unpack(record.body))

    def _step(self, seq: int, step: Step) -> None:
        if step.action is not None:
            self._open(seq, step, step.action)
            return
        entry = self.entries.get(step.id)
        if entry is None:
            return  # settled already, or erased: a late step changes nothing
        move = (step.op, entry.status)
        match move:
            case ("approved", "held"):
                self._queue(seq, entry, "requested", "begin")
            case ("refused", "held"):
                self._settle(entry, "refused")
            case ("delivered", "requested") if step.phase == "begin":
                entry.status, entry.phase, entry.begun = "done", "", True
                self._unqueue(entry)
            case ("delivered", "ending") if step.phase == "end":
                self._settle(entry, "expired" if entry.because == "expired" else "undone")
            case ("failed", "requested" | "ending") if step.phase == entry.phase:
                entry.status, entry.tries, entry.error = "failed", step.tries, step.error
                self._unqueue(entry)
                self._bury(entry)
            case ("retried", "failed"):
                self._queue(seq, entry, "requested" if entry.phase == "begin" else "ending", entry.phase)
            case ("undone" | "expired", "held"):
                self._settle(entry, "expired" if step.op == "expired" else "undone")
            case ("undone" | "expired", "requested" | "done" | "failed"):
                entry.because = entry.because or step.op
                self._queue(seq, entry, "ending", "end")
            case _:
                return
        entry.step_seq, entry.step_us = seq, step.at_us

    def _open(self, seq: int, step: Step, action: Action) -> None:
        if action.id in self.entries:
            return
        held = step.op == "held"
        entry = Entry(action=action, status="held", step_seq=seq, step_us=step.at_us)
        self.entries[action.id] = entry
        self.keys[action.key] = action.id
        heapq.heappush(self._expiries, (action.expires_us, action.id))
        if len(self._expiries) > 2 * len(self.entries) + RECENT_LIMIT:
            self._plan_expiries()  # what settled before its time would stay here until then, up to a year
        if not held:
            self._count(action)
            self._queue(seq, entry, "requested", "begin")

    def _queue(self, seq: int, entry: Entry, status: Status, phase: Phase) -> None:
        self._unqueue(entry)
        self.dead.pop(entry.action.id, None)
        entry.status, entry.phase, entry.queued_seq, entry.tries, entry.error = status, phase, seq, 0, ""
        self.queues.setdefault(entry.action.entity, {})[entry.action.id] = None
        self.queued(entry.action.entity)

    def _unqueue(self, entry: Entry) -> None:
        queue = self.queues.get(entry.action.entity)
        if queue is not None and entry.action.id in queue:
            del queue[entry.action.id]
            if not queue:
                del self.queues[entry.action.entity]

    def _settle(self, entry: Entry, status: Status) -> None:
        self._unqueue(entry)
        entry.status, entry.phase = status, ""
        del self.entries[entry.action.id]
        self.dead.pop(entry.action.id, None)
        self.recent[entry.action.id] = entry
        while len(self.recent) > RECENT_LIMIT:
            self._forget(self.recent.pop(next(iter(self.recent))))

    def _bury(self, entry: Entry) -> None:
        self.dead[entry.action.id] = None
        while len(self.dead) > DEAD_LIMIT:
            oldest = next(iter(self.dead))
            del self.dead[oldest]
            self._forget(self.entries.pop(oldest))

    def _plan_expiries(self) -> None:
        self._expiries = [(entry.action.expires_us, entry.action.id) for entry in self.entries.values() if _lives(entry)]
        heapq.heapify(self._expiries)

    def _forget(self, entry: Entry) -> None:
        if self.keys.get(entry.action.key) == entry.action.id:
            del self.keys[entry.action.key]

    def _count(self, action: Action) -> None:
        hour = action.requested_us // HOUR_US
        last, count = self._counts.pop(action.cause.cap, (hour, 0))
        self._counts[action.cause.cap] = (hour, count + 1 if last == hour else 1)
        if len(self._counts) > CAUSES_LIMIT:
            kept = [item for item in self._counts.items() if item[1][0] == hour]
            self._counts = dict(kept[-CAUSES_LIMIT // 2 :])

    # Reading

    def within_hour(self, cap: str, now_us: int) -> int:
        """How many actions one cause has asked for within this hour; held ones do not count."""
        hour, count = self._counts.get(cap, (0, 0))
        return count if hour == now_us // HOUR_US else 0

    def get(self, action_id: str) -> Entry | None:
        """An open action, or one that settled lately."""
        return self.entries.get(action_id) or self.recent.get(action_id)

    def by_key(self, key: str) -> Entry | None:
        """The action that was asked for with an idempotency key."""
        action_id = self.keys.get(key)
        return self.get(action_id) if action_id is not None else None

    def next_for(self, entity: str) -> Entry | None:
        """What the receiver is to be told next about an entity."""
        queue = self.queues.get(entity)
        return self.entries[next(iter(queue))] if queue else None

    def due(self, now_us: int, limit: int = DUE_LIMIT) -> list[Entry]:
        """Open actions whose time is over and that do not end yet, at most so many. Each is given once."""
        found: list[Entry] = []
        while self._expiries and self._expiries[0][0] <= now_us and len(found) < limit:
            _expires_us, action_id = heapq.heappop(self._expiries)
            entry = self.entries.get(action_id)
            if entry is not None and _lives(entry):
                found.append(entry)
        return found

    def put_back(self, entry: Entry) -> None:
        """Let `due` give an action again: its expiry could not be recorded."""
        heapq.heappush(self._expiries, (entry.action.expires_us, entry.action.id))

    def waiting(self) -> int:
        """How many messages the receiver is still to be sent."""
        return sum(map(len, self.queues.values()))

    def listed(self) -> Iterator[Entry]:
        """Open actions, then those that settled lately."""
        yield from self.entries.values()
        yield from self.recent.values()

    def erase(self, subject: str) -> int:
        """Forget the actions on an entity: their records are going. Gives how many."""
        gone = [entry for entry in self.listed() if entry.action.entity == subject]
        for entry in gone:
            self.entries.pop(entry.action.id, None)
            self.recent.pop(entry.action.id, None)
            self.dead.pop(entry.action.id, None)
            self._forget(entry)
        self.queues.pop(subject, None)
        return len(gone)

    def measure(self, metrics: Metrics) -> None:
        """Say how many are open, how many messages wait, how many nobody took."""
        metrics.gauge("wardline_actions_open", "Actions that have not settled", lambda: float(len(self.entries)))
        metrics.gauge("wardline_outbox_waiting", "Messages that the receiver is still to be sent", lambda: float(self.waiting()))
        metrics.gauge("wardline_outbox_dead_letters", "Messages that the receiver did not take", lambda: float(len(self.dead)))

    # The state's contract

    def snapshot(self) -> bytes:
        """The whole state as MessagePack."""
        counts = [(cap, hour, count) for cap, (hour, count) in self._counts.items()]
        return msgspec.msgpack.encode(_Snapshot(list(self.entries.values()), list(self.recent.values()), counts))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        state = msgspec.msgpack.decode(data, type=_Snapshot)
        self._clear()
        self.entries = {entry.action.id: entry for entry in state.entries}
        self.recent = {entry.action.id: entry for entry in state.recent}
        self._counts = {cap: (hour, count) for cap, hour, count in state.counts}
        self.keys = {entry.action.key: entry.action.id for entry in (*state.recent, *state.entries)}
        for entry in sorted(state.entries, key=lambda entry: entry.queued_seq):
            if entry.status in ("requested", "ending"):
                self.queues.setdefault(entry.action.entity, {})[entry.action.id] = None
        failed = [entry for entry in state.entries if entry.status == "failed"]
        self.dead = {entry.action.id: None for entry in sorted(failed, key=lambda entry: entry.step_seq)}
        self._plan_expiries()

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is that of the records."""
        return hashlib.sha256(self.snapshot()).hexdigest()


def _lives(entry: Entry) -> bool:
    return entry.status != "ending" and not (entry.status == "failed" and entry.phase == "end")
