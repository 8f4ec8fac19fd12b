"""What saving the states does to decisions: latency seen by an outside client, with a save every few seconds and with none.

    python benchmarks/saving.py --events 100000              # fills a folder through the door, then measures on it
    python benchmarks/saving.py --data FOLDER --records 6000 # on a folder that is there (it grows)

Logins of the published workload through `/v1/decide`, open loop (latency counts from the scheduled send), then as fast as 32 connections ask. `--records` is
`store.snapshot_records`; the run without saves has it out of reach. The two come in turn, `--times` times, since a shared machine differs more from minute to
minute than they do. Ends with one JSON document.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import kill_replay

from wardline.commands import load, workload

NEVER = 10_000_000


def main() -> None:
    """Command line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--data", type=Path, default=None, help="a data folder that is there; nothing: one is made and filled")
    arguments.add_argument("--records", type=int, default=6_000)
    arguments.add_argument("--rate", type=int, default=1200)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("--on", type=Path, default=None, help="a folder on the disk to measure")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="wardline-saving-", dir=given.on) as folder:
        data = given.data or Path(folder) / "data"
        if given.data is None:
            fill(Path(folder), data, given.events)
        runs = []
        for number in range(given.times):
            for records in (NEVER, given.records):
                runs.append(measure(Path(folder), data, records, given.rate, given.seconds, f"{time.time_ns():x}-{number}-"))
                print(json.dumps(runs[-1]), file=sys.stderr)
        print(json.dumps(runs))


def serve(folder: Path, data: Path, records: int) -> "tuple[subprocess.Popen[bytes], int, float]":
    """A server that listens, its port, and the seconds until it did."""
    port, *others = load.free_ports(4)
    config = folder / "bench.toml"
    config.write_text(
        f"[http]\nport = {port}\n[milter]\nport = {others[0]}\n[rspamd]\nscan_port = {others[1]}\nlearn_port = {others[2]}\n"
        f"[store]\nsnapshot_records = {records}\n[logs]\nlevel = 'error'\n"
    )
    started = time.perf_counter()
    server = kill_replay.start([sys.executable, "-m", "wardline.cli", "--data", str(data), "--config", str(config)], port)
    return server, port, time.perf_counter() - started


def fill(folder: Path, data: Path, events: int) -> None:
    """Logins and their outcomes."""
    server, port, _seconds = serve(folder, data, NEVER)
    for chunk in kill_replay.chunks(events):
        kill_replay.send(port, chunk)
    server.terminate()
    server.wait(120)


def measure(folder: Path, data: Path, records: int, rate: int, seconds: float, run: str) -> dict[str, float]:
    """One server: the open loop, then all that it answers."""
    server, port, start_s = serve(folder, data, records)
    saves = Saves(data)
    saves.start()
    try:
        load.open_loop(port, rate=rate, seconds=2, prepared=workload.requests(rate * 2, f"{run}w", 3))
        before = saves.count
        steady = load.open_loop(port, rate=rate, seconds=seconds, prepared=workload.requests(int(rate * seconds), f"{run}o", 4))
        between = saves.count
        full = load.closed_loop(port, connections=32, seconds=seconds, prepared=workload.requests(int(5000 * seconds), f"{run}c", 5))
        return {
            "snapshot_records": records,
            "journal_records": journal_records(port),
            "start_s": round(start_s, 2),
            "rate": rate,
            "saves": between - before,
            "failed": steady.failed + full.failed,
            **{f"p{percent}_ms".replace(".", "_"): round(steady.percentile_ms(percent), 1) for percent in (50, 99, 99.9, 100)},
            "full_saves": saves.count - between,
            "full_per_second": round(full.per_second),
            **{f"full_p{percent}_ms".replace(".", "_"): round(full.percentile_ms(percent), 1) for percent in (50, 99, 99.9, 100)},
            "cpu_s": round(load.cpu_seconds(server.pid), 1),
        }
    finally:
        saves.done = True
        server.terminate()
        server.wait(120)


class Saves(threading.Thread):
    """Counts the saves of a folder: the last state's file is replaced by each."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self.data, self.count, self.done = data, 0, False

    def run(self) -> None:
        """Look twenty times a second."""
        before = self._mark()
        while not self.done:
            time.sleep(0.05)
            now = self._mark()
            self.count += now != before
            before = now

    def _mark(self) -> int:
        try:
            return (self.data / "snapshots" / "signup.returns.snap").stat().st_mtime_ns
        except OSError:
            return 0


def journal_records(port: int) -> int:
    """How long the journal is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith("wardline_journal_records "))


if __name__ == "__main__":
    main()
