"""Saving: every state as of one moment while decisions go on, nothing twice, and a save that is cut off anywhere costs nothing but its work.
The whole walk: tests/test_app.py."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.deciding import Desk, desk
from wardline.engine.states import saving as module
from wardline.engine.states.copied import Copied, Uncopied
from wardline.engine.states.saving import Saving
from wardline.engine.states.snapshot import Snapshots, bring_up

HERE = {"account": "alice", "ip": "192.0.2.7"}

# Decides and saves without end; what was answered is told a line each.
DECIDES_AND_SAVES = """
import asyncio, sys
from pathlib import Path
from tests.engine.deciding import desk
from wardline.engine.states.saving import Saving
from wardline.engine.states.snapshot import Snapshots, bring_up

async def main(folder, first):
    with desk(folder) as running:
        snapshots = Snapshots(running.journal.folder)
        bring_up(list(running.shard.states.values()), snapshots, running.journal.read, running.journal.last_seq)
        saving = Saving(running.shard, snapshots, -1)
        async def saves():
            while True:
                await saving.save()
                await asyncio.sleep(0)
        task = asyncio.create_task(saves())
        print("begun", flush=True)
        for number in range(first, first + 1_000_000):
            here = {"account": f"a{number % 50}", "ip": f"192.0.2.{number % 200}", "device": f"d{number % 70}"}
            await running.ask("login", f"l{number}", here, client="web")
            await running.ask("login.outcome", f"o{number}", here, result="success" if number % 3 else "wrong_password")

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def digests(running: Desk) -> dict[str, str]:
    return {name: digest for name, _, digest in running.shard.digests()}


def started(folder: Path) -> dict[str, str]:
    """The states after a start on a folder: snapshots, then the journal's tail."""
    with desk(folder) as again:
        bring_up(list(again.shard.states.values()), Snapshots(again.journal.folder), again.journal.read, again.journal.last_seq)
        return digests(again)


async def test_every_state_is_saved_as_of_the_end_and_only_when_something_changed(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        snapshots = Snapshots(running.journal.folder)
        saving = Saving(running.shard, snapshots, 0)
        await saving.save()
        assert snapshots.names() == []
        await running.ask("login", "l1", HERE)
        assert saving.unsaved == 1
        await asyncio.gather(saving.save(), saving.save())
        assert saving.unsaved == 0
        written = {name: [seq for _, seq, _ in snapshots.files(name)] for name in running.shard.states}
        assert set(map(tuple, written.values())) == {(running.journal.last_seq,)}
        await saving.anew()
        assert {name: [seq for _, seq, _ in snapshots.files(name)] for name in running.shard.states} == written
        await saving.finish()


async def test_a_cancelled_save_lets_its_thread_end(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        snapshots = Snapshots(running.journal.folder)
        saving = Saving(running.shard, snapshots, 0)
        await running.ask("login", "l1", HERE)
        task = asyncio.create_task(saving.save())
        while saving._writing is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        task.cancel()
        await saving.finish()
        assert snapshots.names() == sorted(running.shard.states)
        assert all(content is not None for name in snapshots.names() for _, _, content in snapshots.files(name))


@pytest.mark.parametrize("copies", [True, False])
async def test_what_is_decided_during_a_save_is_in_no_snapshot_and_in_every_state_after_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    if not copies:
        monkeypatch.setattr(module, "Copied", refuses)
    with desk(tmp_path) as running:
        saving = Saving(running.shard, Snapshots(running.journal.folder), 0)
        for number in range(40):
            await running.ask("login", f"l{number}", {"account": f"a{number % 7}", "ip": f"192.0.2.{number}"})
            await running.ask("login.outcome", f"o{number}", {"account": f"a{number % 7}", "ip": f"192.0.2.{number}"}, result="success")
        at, before = running.journal.last_seq, digests(running)
        task = asyncio.create_task(saving.save())
        await asyncio.sleep(0)  # the save has begun
        while not task.done():
            await running.ask("login", f"m{running.journal.last_seq}", HERE)
        await task
        seqs = {seq for name in running.shard.states for _, seq, _ in Snapshots(running.journal.folder).files(name)}
        assert seqs == {at} if copies else min(seqs) == at
        assert running.journal.last_seq > at
        after = digests(running)
    with desk(tmp_path / "saved") as empty:
        for state in empty.shard.states.values() if copies else ():
            state.restore((tmp_path / "snapshots" / f"{state.name}.snap").read_bytes()[52:])
        assert not copies or digests(empty) == before
    assert started(tmp_path) == after


def refuses(*_: object) -> Copied:
    raise Uncopied("there is none today")


@pytest.mark.parametrize("ends", [0, 3])
async def test_a_copy_that_dies_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: int) -> None:
    class Dies(Copied):
        def _read(self, *given: object) -> list[bytes]:
            self.read = getattr(self, "read", 0) + 1
            if self.read > ends:
                raise Uncopied("the copy ended before it had told everything")
            return super()._read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Copied", Dies)
    with desk(tmp_path) as running:
        saving = Saving(running.shard, Snapshots(running.journal.folder), 0)
        await running.ask("login", "l1", HERE)
        await saving.save()
        assert saving.unsaved == 0
        after = digests(running)
    assert {state.stem for state in (tmp_path / "snapshots").glob("*.snap")} == set(after)
    assert started(tmp_path) == after


async def test_so_many_unsaved_records_are_saved_and_a_full_disk_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.001)
    with desk(tmp_path) as running:
        snapshots = Snapshots(running.journal.folder)
        saving = Saving(running.shard, snapshots, 0)
        write, failures = snapshots.write, [OSError(28, "No space left on device"), OSError(28, "No space left on device")]

        def full(*given: object) -> int:
            if failures:
                raise failures.pop()
            return write(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(snapshots, "write", full)
        keeping = asyncio.create_task(saving.keep(3))
        for number in range(2):
            await running.ask("login", f"l{number}", HERE)
        await asyncio.sleep(0.02)
        assert snapshots.names() == [] and len(failures) == 2
        await running.ask("login", "l2", HERE)
        while saving.unsaved:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        assert failures == [] and snapshots.names() == sorted(running.shard.states)
        keeping.cancel()


def test_a_kill_while_states_are_saved_leaves_what_a_start_needs(tmp_path: Path) -> None:
    """Killed again and again in the middle of saves: what the snapshots and the tail give is what the journal alone gives."""
    cut = 0
    for round in range(5):
        child = subprocess.Popen([sys.executable, "-c", DECIDES_AND_SAVES, str(tmp_path), str(round * 1_000_000)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.15 + 0.037 * round)
        child.kill()
        child.wait()
        child.stdout.close()
        with desk(tmp_path) as again:
            snapshots, states = Snapshots(again.journal.folder), list(again.shard.states.values())
            seqs = {seq for name in again.shard.states for _, seq, content in list(snapshots.files(name))[:1] if content is not None}
            cut += len(seqs) > 1
            origins = bring_up(states, snapshots, again.journal.read, again.journal.last_seq)
            assert not any(origin.damaged for origin in origins) and again.journal.last_seq > 0
            found = digests(again)
        with desk(tmp_path) as anew:
            for record in anew.journal.read():
                for state in anew.shard.states.values():
                    state.apply(record)
            assert digests(anew) == found
    assert (tmp_path / "snapshots").exists()
