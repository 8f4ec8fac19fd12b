"""How fast records go into SQLite, PostgreSQL and MariaDB behind the journal, and how long finding one by its id takes; all in one run.

    python benchmarks/databases.py                      # 20,000 records of 1 KB into each, 2,000 look-ups; about 20 s
    python benchmarks/databases.py --records 5000

The servers are started by this program with their own durable settings, reached over TCP on 127.0.0.1, and removed afterwards. Records are
written in the indexer's batches. Rounds alternate, since what else runs on the machine changes: figures are medians over rounds, beside them the
ratio to SQLite of the same round. Also: how long a start takes to read which ids there are, and how long a decision waits when the server
stops answering (SIGSTOP).
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from databases import PASSWORD, DatabaseServer, MariaDb, PostgreSql

from wardline.base.storage import Folder, StorageBusy
from wardline.engine.record import Record, lookup_hash
from wardline.engine.servers.address import read_address
from wardline.engine.servers.index import on_server
from wardline.engine.sql.indices import JournalIndex, embedded
from wardline.engine.sql.seen import Seen
from wardline.engine.store.indexer import INDEX_RECORDS

BATCH = INDEX_RECORDS // 2


def record(seq: int) -> Record:
    """As a decision about a login is: two look-up keys, 1 KB."""
    return Record(
        seq, 0, "decision", f"id-{seq}", seq, "login", f"account:{seq % 997}", (f"ip:{seq % 499}", f"device:{seq}"), 1, os.urandom(1024)
    )


def round_of(index: JournalIndex, first: int, count: int, finds: int) -> dict[str, float]:
    """Records a second in, and microseconds to find one that is there and one that is not."""
    batches = [[record(seq) for seq in range(at, at + BATCH)] for at in range(first, first + count, BATCH)]
    began = time.perf_counter()
    for batch in batches:
        index.write(batch, through_seq=batch[-1].seq)
    wrote_s = time.perf_counter() - began
    times = []
    for number in range(finds):
        began = time.perf_counter()
        found = index.find_id("decision", f"id-{first + number * 7919 % count}")
        times.append(time.perf_counter() - began)
        assert found is not None
    times.sort()
    return {"records_per_s": count / wrote_s, "find_us": statistics.median(times) * 1e6, "find_p99_us": times[len(times) * 99 // 100] * 1e6}


def read_hashes(index: JournalIndex) -> float:
    """Hashes a second from the database into the filter of ids that were seen, as a start does it."""
    count = 0

    def counted(first: int, limit: int) -> list[int]:
        nonlocal count
        page = index.filed(first, limit)
        count += len(page)
        return page

    seen, began = Seen(), time.perf_counter()
    assert seen.build(counted) and seen.maybe(lookup_hash("id", "decision/id-1"))
    return count / (time.perf_counter() - began)


def stall(index: JournalIndex, server: DatabaseServer) -> dict[str, float]:
    """Seconds that two look-ups in a row wait while the server is stopped, with a session at hand and with none."""
    found = {}
    for name in ("session at hand", "no session"):
        if name == "no session":
            index._link._looking.dispose()
        server.hang()
        waits = []
        for _ in range(2):
            began = time.perf_counter()
            try:
                index.find_id("decision", "id-1")
            except StorageBusy:
                waits.append(time.perf_counter() - began)
        server.go_on()
        found[name], found["the next one"] = waits
        for _ in range(200):
            try:
                index.tend()
                break
            except StorageBusy:
                time.sleep(0.05)
    return found


def main() -> None:
    """Run it and print one JSON document a database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--finds", type=int, default=700)
    asked = parser.parse_args()
    os.environ["WARDLINE_DATABASE_PASSWORD"] = PASSWORD
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    servers: dict[str, DatabaseServer] = {
        "postgresql": PostgreSql(programs[-1], durable=True),
        "mariadb": MariaDb(
            Path(shutil.which("mariadbd") or "/usr/sbin/mariadbd"), Path(shutil.which("mariadb-install-db") or ""), durable=True
        ),
    }
    home = Path(tempfile.mkdtemp(prefix="wardline-databases-"))
    indices: dict[str, JournalIndex] = {"sqlite": embedded(Folder.open(home / "sqlite"))}
    try:
        for name, server in servers.items():
            server.start()
            indices[name] = on_server(read_address(server.documented()))(Folder.open(home / name))
        count = asked.records // asked.rounds // BATCH * BATCH or BATCH
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in indices}
        for number in range(asked.rounds):
            for name, index in indices.items():
                rounds[name].append(round_of(index, 1 + number * count, count, asked.finds))
        for name, index in indices.items():
            shown: dict[str, Any] = {"database": name, "records": count * asked.rounds}
            for figure in ("records_per_s", "find_us", "find_p99_us"):
                shown[figure] = round(statistics.median(each[figure] for each in rounds[name]), 1)
                ratios = [each[figure] / base[figure] for each, base in zip(rounds[name], rounds["sqlite"], strict=True)]
                shown[f"{figure}_to_sqlite"] = round(statistics.median(ratios), 2)
            shown["hashes_read_per_s"] = round(read_hashes(index))
            if name in servers:
                shown["stall_s"] = {what: round(seconds, 3) for what, seconds in stall(index, servers[name]).items()}
            print(json.dumps(shown), flush=True)
    finally:
        for index in indices.values():
            index.close()
        for server in servers.values():
            server.end()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
