"""How fast the journal makes records durable, against plain SQLite, under open-loop load.

    python benchmarks/journal.py                          # 1,200 records/s of 2 KB for 20 s, then bulk
    python benchmarks/journal.py --store sqlite           # the same load into SQLite WAL, synchronous=FULL, group commit by one writer
    python benchmarks/journal.py --sync-ms 4              # every sync of the log takes at least 4 ms, as a slow disk would
    python benchmarks/journal.py --sync-ms 4 --one-at-a-time      # and the disk serves one sync after the other

Arrivals come from a process of their own on a fixed schedule (Poisson with a fixed seed) and do not wait for answers; latency runs from
the scheduled moment to the moment when the event loop knows that the record is durable. The folder is made fresh and removed afterwards.
"""

import argparse
import asyncio
import json
import os
import queue
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

from wardline.base.storage import DiskFiles
from wardline.engine.record import Record, encode
from wardline.engine.store.journal import Journal, Settings
from wardline.engine.store.receipt import Receipt, Receipts


class SlowDisk(DiskFiles):
    """The real disk, except that a sync takes at least `sync_ms`; with `one_at_a_time` syncs queue behind each other, the worst a disk can do."""

    def __init__(self, sync_ms: float, one_at_a_time: bool) -> None:
        super().__init__()
        self._sync_s = sync_ms / 1000
        self._turn = threading.Lock() if one_at_a_time else None

    def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
        if self._turn is not None:
            with self._turn:
                self._slowly(descriptor, data, offset)
        else:
            self._slowly(descriptor, data, offset)

    def _slowly(self, descriptor: int, data: bytes, offset: int) -> None:
        end = time.monotonic() + self._sync_s
        super().write_durably(descriptor, data, offset)
        if (left := end - time.monotonic()) > 0:
            time.sleep(left)


class PlainSqlite:
    """What the commit log replaces: one writer thread, everything that waits in one transaction, synchronous=FULL, checkpoints off the writer."""

    def __init__(self, path: Path, sync_ms: float) -> None:
        self._path = path / "plain.db"
        self._sync_s = sync_ms / 1000
        self._receipts = Receipts(0)
        self._next = 1
        self._queue: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        with self._connect() as connection:
            connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, id TEXT, body BLOB)")
        self._threads = [threading.Thread(target=self._run), threading.Thread(target=self._checkpoint)]
        for thread in self._threads:
            thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def append(self, record: Record) -> Receipt:
        receipt = Receipt(self._receipts, self._next)
        self._next += 1
        self._queue.put(record.with_seq(receipt.seq))
        return receipt

    def _run(self) -> None:
        connection = self._connect()
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            rows = [(r.seq, r.id, encode(r)) for r in batch if r is not None]
            connection.execute("BEGIN IMMEDIATE")
            for start in range(0, len(rows), 100):
                part = rows[start : start + 100]
                connection.execute(
                    "INSERT INTO records VALUES " + ",".join(["(?,?,?)"] * len(part)), [value for row in part for value in row]
                )
            end = time.monotonic() + self._sync_s
            connection.execute("COMMIT")
            if (left := end - time.monotonic()) > 0:
                time.sleep(left)
            if rows:
                self._receipts.advance(rows[-1][0])
            if None in batch:
                return

    def _checkpoint(self) -> None:
        connection = self._connect()
        while not self._stop.wait(1.0):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self._queue.put(None)
        self._stop.set()
        for thread in self._threads:
            thread.join()


def arrivals(descriptor: int, rate: float, seconds: float) -> None:
    """The client: writes each arrival's scheduled time (monotonic ns) when it is due, whatever the other side does."""
    chance = random.Random(7)
    at = time.monotonic() + 0.2
    end = at + seconds
    while at < end:
        if (left := at - time.monotonic()) > 0:
            time.sleep(left)
        os.write(descriptor, struct.pack("<q", int(at * 1e9)))
        at += chance.expovariate(rate)
    os.close(descriptor)


async def open_loop(store: Journal | PlainSqlite, body: bytes, rate: float, seconds: float) -> list[float]:
    """Latencies in ms, in the order of completion."""
    latencies: list[float] = []
    pending: set[asyncio.Task[None]] = set()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        arrivals(writer, rate, seconds)
        os._exit(0)
    os.close(writer)
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reader, "rb"))

    async def one(number: int, scheduled_ns: int) -> None:
        id = f"{number:026}"
        await store.append(
            Record(0, 0, "decision", id, scheduled_ns // 1000, "mail", f"account:{number % 997:024x}", (f"message:{number:024x}",), 1, body)
        )
        latencies.append((time.monotonic_ns() - scheduled_ns) / 1e6)

    number = 0
    while True:
        try:
            scheduled_ns = struct.unpack("<q", await stream.readexactly(8))[0]
        except asyncio.IncompleteReadError:
            break
        task = loop.create_task(one(number, scheduled_ns))
        pending.add(task)
        task.add_done_callback(pending.discard)
        number += 1
    await asyncio.gather(*pending)
    os.waitpid(child, os.WNOHANG)  # noqa: ASYNC222 - it closed the pipe as its last act
    return latencies


async def bulk(store: Journal | PlainSqlite, body: bytes, count: int) -> float:
    """Records per second when 256 are always on their way."""
    waiting: list[Receipt] = []
    begin = time.perf_counter()
    for number in range(count):
        if len(waiting) >= 256:
            await waiting[-128]
            waiting = waiting[-127:]
            if isinstance(store, Journal):
                await store.room()
        waiting.append(
            store.append(Record(0, 0, "decision", f"b{number:025}", number, "mail", "account:1", (f"message:b{number:023x}",), 1, body))
        )
    await waiting[-1]
    return count / (time.perf_counter() - begin)


def run(options: argparse.Namespace) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="journal-bench-", dir=options.folder))
    body = json.dumps({f"feature.{i}": random.Random(i).random() for i in range(100)}).encode()[: options.size].ljust(options.size, b" ")
    try:
        store: Journal | PlainSqlite
        if options.store == "sqlite":
            store = PlainSqlite(folder, options.sync_ms)
        else:
            files = SlowDisk(options.sync_ms, options.one_at_a_time) if options.sync_ms else DiskFiles()
            store = Journal.open(folder, files, settings=Settings(writers=options.writers))
        cpu = time.process_time()
        latencies = sorted(asyncio.run(open_loop(store, body, options.rate, options.seconds)))
        cpu = time.process_time() - cpu
        count = len(latencies)
        found: dict[str, object] = {
            "store": options.store, "writers": options.writers, "sync_ms_at_least": options.sync_ms, "rate": options.rate, "size": options.size, "records": count,
            "p50_ms": round(latencies[count // 2], 3), "p95_ms": round(latencies[count * 95 // 100], 3), "p99_ms": round(latencies[count * 99 // 100], 3),
            "p999_ms": round(latencies[count * 999 // 1000], 3), "max_ms": round(latencies[-1], 3), "cpu_us_per_record": round(cpu / count * 1e6),
        }  # fmt: skip
        if isinstance(store, Journal):
            found["sync_ms_mean"] = round(store.stats()["sync_ms"], 3)
        if options.bulk:
            found["bulk_per_second"] = round(asyncio.run(bulk(store, body, options.bulk)))
        store.close()
        found["bytes_per_record"] = round(sum(f.stat().st_size for f in folder.glob("*.db*")) / (count + options.bulk))
        return found
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", choices=("journal", "sqlite"), default="journal")
    parser.add_argument("--rate", type=float, default=1200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", type=int, default=2048, help="bytes in a record's body")
    parser.add_argument("--sync-ms", type=float, default=0.0)
    parser.add_argument("--one-at-a-time", action="store_true")
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--bulk", type=int, default=20000)
    parser.add_argument("--folder", default=".", help="where the data folder is made: on the disk that is to be measured")
    print(json.dumps(run(parser.parse_args())))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
