"""Saving: a snapshot of every state, taken while decisions go on.

    saving = Saving(shard, snapshots)
    await saving.save()          # nothing, when nothing was written since the last time
    await saving.anew()          # the old ones are overwritten first: after somebody was erased they still hold what he left
    await saving.finish()        # before the folder is closed: a save that was cancelled lets its thread end

The loop stands still for one state's serialisation at a time, and for one part of it where the state can give parts; sums and the disk are a thread's
work. A state is saved as of the journal's end at that moment, so that the next start reads no further back.
"""

import asyncio

from wardline.engine.counting.counters import Counters
from wardline.engine.states.shard import Shard
from wardline.engine.states.snapshot import Snapshots, State


class Saving:
    """See the module. Its calls belong to the shard's event loop; two at once take turns."""

    def __init__(self, shard: Shard, snapshots: Snapshots) -> None:
        self._shard = shard
        self._snapshots = snapshots
        self._saved_seq = shard.journal.last_seq
        self._turn = asyncio.Lock()
        self._writing: asyncio.Future[int] | None = None

    async def save(self) -> None:
        """Write a snapshot of every state, where anything changed since the last one. Raises StorageError, OSError."""
        async with self._turn:
            journal = self._shard.journal
            last_seq = journal.last_seq
            if last_seq == self._saved_seq:
                return
            await journal.receipt(last_seq)
            for state in self._shard.states.values():
                self._shard.catch_up()
                seq, content = await _content(state)
                await journal.receipt(seq)
                self._writing = asyncio.ensure_future(asyncio.to_thread(self._snapshots.write, state.name, seq, content))
                # A cancelled save lets its thread finish: whoever closes the folder waits for it.
                await asyncio.shield(self._writing)
            self._saved_seq = last_seq

    async def anew(self) -> None:
        """Overwrite every snapshot there is, then save."""
        async with self._turn:
            self._snapshots.erase()
            self._saved_seq = -1
        await self.save()

    async def finish(self) -> None:
        """Wait for what is being written. Raises what the disk said to it."""
        if self._writing is not None:
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
