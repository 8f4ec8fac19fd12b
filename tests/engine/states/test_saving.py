"""Saving: every state as of the journal's end, nothing twice, and a cancelled save waits for its thread. The whole walk: tests/test_app.py."""

import asyncio
from pathlib import Path

from tests.engine.deciding import desk
from wardline.engine.states.saving import Saving
from wardline.engine.states.snapshot import Snapshots

HERE = {"account": "alice", "ip": "192.0.2.7"}


async def test_every_state_is_saved_as_of_the_end_and_only_when_something_changed(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        snapshots = Snapshots(running.journal.folder)
        saving = Saving(running.shard, snapshots)
        await saving.save()
        assert snapshots.names() == []
        await running.ask("login", "l1", HERE)
        await asyncio.gather(saving.save(), saving.save())
        written = {name: [seq for _, seq, _ in snapshots.files(name)] for name in running.shard.states}
        assert set(map(tuple, written.values())) == {(running.journal.last_seq,)}
        await saving.anew()
        assert {name: [seq for _, seq, _ in snapshots.files(name)] for name in running.shard.states} == written
        await saving.finish()


async def test_a_cancelled_save_lets_its_thread_end(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        snapshots = Snapshots(running.journal.folder)
        saving = Saving(running.shard, snapshots)
        await running.ask("login", "l1", HERE)
        task = asyncio.create_task(saving.save())
        while saving._writing is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        task.cancel()
        await saving.finish()
        assert len(snapshots.names()) == 1 and all(content is not None for _, _, content in snapshots.files(snapshots.names()[0]))
