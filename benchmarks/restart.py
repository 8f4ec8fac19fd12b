"""How long a start takes when the journal holds a million small decisions.

    python benchmarks/restart.py                          # fills a folder with 1,000,000 records, closes it, opens it three times
    python benchmarks/restart.py --records 200000

The records are small decisions as the envelope's door writes them, appended in bulk. Measured are: opening the program (journal, snapshots,
states) after a clean end; the same after a kill -9, with a tail in the commit log that was never indexed; and, beside a running program,
how long the filter of seen ids takes until unknown ids cost no SQL (decisions are taken meanwhile).
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the data folder is made: on the disk that is to be measured")
    parser.add_argument("--child")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if options.child:
        program = Program.open(Path(options.child), Config())
        os.write(1, b"ready\n")
        uvloop.run(fill(program, options.first, 10_000_000))
        return
    print(json.dumps(run(options.records, options.folder)))


if __name__ == "__main__":
    main()
