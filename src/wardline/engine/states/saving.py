"""Saving: a snapshot of every state as of one moment, taken while decisions go on, so that a restart never has much to read.

    saving = Saving(shard, snapshots, saved_seq)
    await saving.save()          # nothing, when nothing was written since the last time
    await saving.keep(20_000)    # for ever: save whenever so many records are in no snapshot yet
    await saving.anew()          # the old ones are overwritten first: after somebody was erased they still hold what he left
    await saving.finish()        # before the folder is closed: a save that was cancelled lets its thread end

The process is copied and the copy serialises (engine/states/copied.py): decisions stand still for the copying, and sums and the disk are a thread's work.
Where no copy is to be had, each state is serialised on the loop in its turn, each as of its own moment. Both are good: a start applies to each state
what came after that state. What is not durable yet gets into no snapshot.
"""

import asyncio
import contextlib
from collections.abc import Callable

from wardline.base.logs import logger
from wardline.engine.counting.counters import Counters
from wardline.engine.states.copied import Copied, Uncopied
from wardline.engine.states.shard import Shard
from wardline.engine.states.snapshot import Snapshots, State

LOOK_SECONDS = 1.0
# After a save that failed: a full disk is not asked again every second.
RETRY_SECONDS = 60.0


class Saving:
    """See the module. Its calls belong to the shard's event loop; two at once take turns. saved_seq: what the snapshots on the disk cover."""

    def __init__(self, shard: Shard, snapshots: Snapshots, saved_seq: int) -> None:
        self._shard = shard
        self._snapshots = snapshots
        self._saved_seq = saved_seq
        self._turn = asyncio.Lock()
        self._writing: asyncio.Future[object] | None = None

    @property
    def unsaved(self) -> int:
        """Records that a start would have to apply now."""
        return self._shard.journal.last_seq - self._saved_seq

    async def keep(self, records: int) -> None:
        """Save whenever so many records are unsaved, until cancelled. A fault is logged and tried again later."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.unsaved < records:
                continue
            try:
                await self.save()
            except Exception as error:  # whatever the disk or the database raises: without snapshots nobody would know
                logger("snapshot").error("save_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def save(self, *, ending: bool = False) -> None:
        """Write a snapshot of every state, where anything changed since the last one. ending: no decision waits any more, so no copy is made.
        Raises StorageError, OSError."""
        async with self._turn:
            last_seq = self._shard.journal.last_seq
            if last_seq == self._saved_seq:
                return
            if ending:
                await self._save_in_turn()
            else:
                try:
                    await self._save_copy()
                except Uncopied as reason:
                    logger("snapshot").warning("saved_without_a_copy", detail=str(reason))
                    await self._save_in_turn()
            self._saved_seq = last_seq

    async def _save_copy(self) -> None:
        self._shard.catch_up()
        seq, copy = self._shard.journal.last_seq, Copied(tuple(self._shard.states.values()))
        try:
            await self._shard.journal.receipt(seq)
        except BaseException:
            copy.end()
            raise
        await self._apart(self._write_copy, copy, seq)

    def _write_copy(self, copy: Copied, seq: int) -> None:
        try:
            for name, parts in copy.contents():
                self._snapshots.write(name, seq, parts)
        finally:
            copy.end()

    async def _save_in_turn(self) -> None:
        for state in self._shard.states.values():
            self._shard.catch_up()
            seq, content = await _content(state)
            await self._shard.journal.receipt(seq)
            await self._apart(self._snapshots.write, state.name, seq, content)

    async def _apart(self, write: Callable[..., object], *given: object) -> None:
        # A cancelled save lets its thread finish: whoever closes the folder waits for it.
        self._writing = asyncio.ensure_future(asyncio.to_thread(write, *given))
        await asyncio.shield(self._writing)

    async def anew(self) -> None:
        """Overwrite every snapshot there is, then save."""
        async with self._turn:
            self._snapshots.erase()
            self._saved_seq = -1
        await self.save()

    async def finish(self) -> None:
        """Wait for what is being written. Raises what the disk said to it."""
        if self._writing is not None:
            with contextlib.suppress(Uncopied):
                await self._writing


async def _content(state: State) -> tuple[int, bytes | list[bytes]]:
    """A state's snapshot and what it is as of: in parts, with decisions between them, where the state can."""
    if isinstance(state, Counters):
        try:
            seq, parts = state.applied_seq, []
            for part in state.snapshot_parts():
                parts.append(part)
                await asyncio.sleep(0)
            return seq, parts
        except RuntimeError:
            pass  # counters came or went meanwhile: take it whole
    return state.applied_seq, state.snapshot()
