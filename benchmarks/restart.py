"""How long a start takes when the journal holds a million small decisions.

    python benchmarks/restart.py                          # fills a folder with 1,000,000 records, closes it, opens it three times
    python benchmarks/restart.py --records 200000
    python benchmarks/restart.py --worst --events 200000  # logins through the door, killed when the tail is longest (--data: on a folder that is there)

The records are small decisions as the envelope's door writes them, appended in bulk. Measured are: opening the program (journal, snapshots,
states) after a clean end; the same after a kill -9, with a tail in the commit log that was never indexed; and, beside a running program,
how long the filter of seen ids takes until unknown ids cost no SQL (decisions are taken meanwhile).

`--worst`: logins and outcomes by `/v1/decide/batch`, as fast as the server takes them. It is killed while it saves its states, when the first of them has been
replaced and the others have not: no moment leaves more to apply, and the states are of two moments. Told are the records that no snapshot of the oldest state
had, and the seconds until the next server listens, its own start included.
"""

import argparse
import contextlib
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import kill_replay
import saving
import uvloop

from wardline.app import Program
from wardline.base.config import Config
from wardline.engine.event import Event
from wardline.engine.store.lookup import VAIN_LOOKUPS


def event(number: int) -> Event:
    """The same events as those of `wardline bench decisions`."""
    return Event(
        id=f"r{number:09d}",
        type="mail.envelope",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        entities={"ip": f"192.0.2.{number % 250 + 1}"},
        fields={"mail_from": f"a{number % 5000}@example.com", "rcpt": f"b{number % 500}@example.net", "helo": "mx.example.com"},
    )


async def fill(program: Program, first: int, count: int) -> None:
    """Decide `count` events, many ahead of the disk."""
    last = None
    for number in range(first, first + count):
        last = program.envelope.admit(event(number))
        if number % 256 == 0:
            await last
            await program.journal.room()
    if last is not None:
        await last


def opened(folder: Path) -> tuple[Program, float]:
    """The program, and the seconds that opening took."""
    start = time.perf_counter()
    program = Program.open(folder, Config())
    return program, time.perf_counter() - start


def killed_under_load(folder: Path, first: int) -> None:
    """Another process decides as fast as it can and is killed after two seconds."""
    child = subprocess.Popen([sys.executable, __file__, "--child", str(folder), "--first", str(first)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(2)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def run(records: int, on: str | None) -> dict[str, float]:
    """The figures, in seconds."""
    folder = Path(tempfile.mkdtemp(prefix="restart-bench-", dir=on))
    try:
        program, empty_s = opened(folder)
        start = time.perf_counter()
        uvloop.run(fill(program, 0, records))
        filled_s = time.perf_counter() - start
        uvloop.run(program.close())

        program, clean_s = opened(folder)
        start = time.perf_counter()
        for number in range(VAIN_LOOKUPS):
            program.journal.find_id("decision", f"unknown-{number}")
        program.journal._lookup.await_filter()
        seen_s = time.perf_counter() - start
        seen_bytes = program.journal._lookup.seen.size_bytes
        uvloop.run(program.close())

        killed_under_load(folder, records)
        program, killed_s = opened(folder)
        found = program.journal.last_seq
        recovered = program.recovered
        uvloop.run(program.close())
        return {
            "records": found,
            "database_mib": round((folder / "journal.db").stat().st_size / 2**20, 1),
            "fill_per_second": round(records / filled_s),
            "open_empty_s": round(empty_s, 2),
            "open_after_clean_end_s": round(clean_s, 2),
            "open_after_kill_s": round(killed_s, 2),
            "records_after_the_snapshot": recovered,
            "filter_made_in_background_s": round(seen_s, 2),
            "filter_mib": round(seen_bytes / 2**20, 1),
        }
    finally:
        shutil.rmtree(folder)


def heads(data: Path) -> dict[str, int]:
    """What each state's newest snapshot is as of."""
    found = {}
    for ending in (".before", ".snap"):
        for path in (data / "snapshots").glob(f"*{ending}"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                found[path.stem] = struct.unpack("<4sQ", file.read(12))[1]
    return found


def worst(folder: Path, data: Path, events: int, records: int) -> dict[str, float]:
    """Send, kill at the worst moment, start again."""
    server, port, _seconds = saving.serve(folder, data, records)
    answered, busy_s = [0], [0.0]

    def send() -> None:
        for chunk in kill_replay.chunks(100_000_000, f"{time.time_ns():x}-"):
            started = time.perf_counter()
            try:
                answered[0] += len(kill_replay.send(port, chunk))
            except (OSError, http.client.HTTPException, ValueError):  # the kill
                return
            busy_s[0] += time.perf_counter() - started

    sender = threading.Thread(target=send)
    sender.start()
    while answered[0] < events:
        time.sleep(0.1)
    names = Program.open(folder / "names", Config())
    first, *_, last = names.shard.states
    uvloop.run(names.close())
    while (found := heads(data)).get(first, 0) <= found.get(last, 0):
        time.sleep(0.0005)
    server.kill()
    server.wait()
    sender.join()
    covered = min(heads(data).values())
    server, port, start_s = saving.serve(folder, data, records)
    journal_records = saving.journal_records(port)
    server.terminate()
    server.wait(120)
    return {
        "snapshot_records": records,
        "answered": answered[0],
        "per_second": round(answered[0] / busy_s[0]),
        "journal_records": journal_records,
        "records_after_the_snapshot": journal_records - covered,
        "start_s": round(start_s, 2),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the data folder is made: on the disk that is to be measured")
    parser.add_argument("--worst", action="store_true")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--every", type=int, default=Config().store.snapshot_records, help="store.snapshot_records")
    parser.add_argument("--child")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if options.child:
        program = Program.open(Path(options.child), Config())
        os.write(1, b"ready\n")
        uvloop.run(fill(program, options.first, 10_000_000))
        return
    if options.worst:
        with tempfile.TemporaryDirectory(prefix="restart-bench-", dir=options.folder) as made:
            print(json.dumps(worst(Path(made), options.data or Path(made) / "data", options.events, options.every)))
        return
    print(json.dumps(run(options.records, options.folder)))


if __name__ == "__main__":
    main()
