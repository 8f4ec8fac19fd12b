"""kill -9 under load, many times on one data folder: whatever was answered must be found afterwards.

    python benchmarks/kill_nine.py --times 100
    {"kills": 100, "answered": 81234, "lost": 0, "damaged": 0, "unfinished_tails": 61, ...}

The child appends records as fast as it can and prints an id only when the record's receipt says that it is durable. The parent reads the
ids, kills the child at a random moment with SIGKILL, opens the journal, and looks for every id that was printed, in this life and in those
before. kill -9 leaves the kernel's page cache alone: it proves the order of acknowledgements and the recovery, not the disk; the power
loss itself is played on a disk that forgets (tests/engine/store/test_commitlog_faults.py).

`kill_under_load` knows nothing of the journal: give it another process that prints what was answered, and another look-up.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from wardline.base.storage import StorageBusy
from wardline.engine.record import Record
from wardline.engine.store.journal import Journal, Settings

# Small, so that segments are used again and checkpoints happen many times in each short life.
SETTINGS = Settings(segment_bytes=256 << 10, index_interval_seconds=0.05, checkpoint_bytes=512 << 10, min_free_bytes=1 << 20)


def kill_under_load(command: Sequence[str], chance: random.Random, longest_seconds: float) -> list[str]:
    """Start a process that prints one answered id per line, kill it with SIGKILL a random time after its first id, give what it printed."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    first = child.stdout.readline()
    lines = [first]
    reader = threading.Thread(target=lambda: lines.extend(child.stdout or ()))
    reader.start()
    time.sleep(chance.random() * longest_seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    reader.join()
    child.stdout.close()
    # A last line without its end was being printed when the process died: it may be cut short.
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def missing(ids: Iterable[str], find: Callable[[str], object | None]) -> list[str]:
    """The ids that are not found any more."""
    return [id for id in ids if find(id) is None]


async def load(folder: Path, life: int) -> None:
    """The child's work: 64 appenders that never stop, with vault entries among them; ids are printed after durability."""
    journal = Journal.open(folder, settings=SETTINGS)
    output = sys.stdout.fileno()
    number = 0
    chance = random.Random(life)

    async def appender() -> None:
        nonlocal number
        while True:
            number += 1
            id = f"{life}.{number}"
            try:
                if number % 10 == 0:
                    journal.vault.put(f"account:{number % 50}", "update", id, id.encode() * 20)
                receipt = journal.append(
                    Record(0, 0, "decision", id, number, "mail", "account:1", (f"message:{id}",), 1, id.encode() * chance.randrange(1, 400))
                )
            except StorageBusy:
                await asyncio.sleep(0.01)
                continue
            await receipt
            os.write(output, f"{id}\n".encode())

    await asyncio.gather(*(appender() for _ in range(64)))


def run(folder: Path, times: int, longest_seconds: float, seed: int = 1) -> dict[str, object]:
    """Kill `times` processes on one folder; the figures of all of them. lost and damaged must be 0."""
    chance = random.Random(seed)
    answered: list[str] = []
    lost: list[str] = []
    unfinished = from_log = damaged = unreadable = 0
    for life in range(times):
        ids = kill_under_load([sys.executable, __file__, "--child", str(folder), "--life", str(life)], chance, longest_seconds)
        with Journal.open(folder, settings=SETTINGS) as journal:
            unfinished += journal.recovered.dropped > 0
            from_log += sum(place.count for place in journal.recovered.places)
            damaged += len(journal.recovered.lost)
            lost += missing(ids, lambda id: journal.find_id("decision", id))
            for id in ids:
                number = int(id.partition(".")[2])
                if number % 10 == 0 and journal.vault.get(f"account:{number % 50}", "update", id) != id.encode() * 20:
                    unreadable += 1
        answered += ids
    with Journal.open(folder, settings=SETTINGS) as journal:
        records, defects = journal.verify()
        held = {record.id for record in journal.read(kinds=("decision",))}
    return {
        "kills": times,
        "answered": len(answered),
        "lost": len(lost) + len(set(answered) - held),
        "vault_entries_unreadable": unreadable,
        "damaged": damaged,
        "defects": len(defects),
        "unfinished_tails": unfinished,
        "records_recovered_from_the_log": from_log,
        "records": records,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--longest-seconds", type=float, default=0.6, help="a process lives at most this long after its first answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=".")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--life", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        asyncio.run(load(options.child, options.life))
        return
    with tempfile.TemporaryDirectory(prefix="kill-nine-", dir=options.folder) as folder:
        found = run(Path(folder) / "data", options.times, options.longest_seconds, options.seed)
    print(json.dumps(found))
    sys.exit(1 if found["lost"] or found["damaged"] or found["defects"] or found["vault_entries_unreadable"] else 0)


if __name__ == "__main__":
    main()
