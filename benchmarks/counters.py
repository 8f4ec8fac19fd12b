"""Counters: microseconds per event, bytes per key, and how long the loop stands still for a snapshot.

    python benchmarks/counters.py                               200,000 events, 20 counters, the compiled tables where they were built
    python benchmarks/counters.py --events 10000000 --read 0.5  ten million events, half of which read before they count
    python benchmarks/counters.py --plain --events 20000        the plain twin
    python benchmarks/counters.py --backfill                    one new counter over packed records, decoding included

Twenty counters of all kinds over 10 m, 1 h, 24 h, 7 d and 30 d, by six keys (address, prefix, account, device, two pairs). Accounts, addresses and devices are drawn by
Zipf's law (exponent 1), a fifth of the values is missing. Events are made in blocks outside the measured time. The last line is JSON.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wardline.engine.counting.counter import parse_counter
from wardline.engine.counting.counters import Counters, compiled
from wardline.engine.counting.keytable import KeyTables
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record

NAMES = {"ip": "text", "prefix24": "text", "account": "text", "device": "text", "result": "text", "amount": "number"}
BAD = 'result == "wrong_password"'
DECLARED = {
    "ip_10m": {"count": ["login", "outcome"], "by": "ip", "window": "10m"},
    "ip_bad_1h": {"count": "outcome", "by": "ip", "where": BAD, "window": "1h"},
    "ip_accounts_1h": {"distinct": "account", "on": "login", "by": "ip", "window": "1h"},
    "ip_share_24h": {"ratio": BAD, "on": "outcome", "by": "ip", "window": "24h"},
    "ip_pace": {"rate": "login", "by": "ip", "half_life": "10m"},
    "prefix_bad_10m": {"count": "outcome", "by": "prefix24", "where": BAD, "window": "10m"},
    "prefix_accounts_1h": {"distinct": "account", "on": "login", "by": "prefix24", "window": "1h"},
    "prefix_24h": {"count": "login", "by": "prefix24", "window": "24h"},
    "account_10m": {"count": "login", "by": "account", "window": "10m"},
    "account_bad_24h": {"count": "outcome", "by": "account", "where": BAD, "window": "24h"},
    "account_ips_7d": {"distinct": "ip", "on": "login", "by": "account", "window": "7d"},
    "account_idle": {"last_seen": "login", "by": "account"},
    "account_spent_30d": {"sum": "amount", "on": ["login", "outcome"], "by": "account", "window": "30d"},
    "device_1h": {"count": "login", "by": "device", "window": "1h"},
    "device_accounts_30d": {"distinct": "account", "on": "login", "by": "device", "window": "30d"},
    "device_known": {"first_seen": "login", "by": "device"},
    "pair_30d": {"count": "login", "by": ["account", "device"], "window": "30d"},
    "pair_known": {"first_seen": "login", "by": ["account", "device"]},
    "way_7d": {"count": ["login", "outcome"], "by": ["account", "ip"], "window": "7d"},
    "way_idle": {"last_seen": "login", "by": ["account", "ip"]},
}
BLOCK = 20_000
START_S = 1_790_000_000

Block = list[tuple[str, int, dict[str, Any]]]


def blocks(events: int, entities: int, per_second: float, seed: int = 5) -> Iterator[Block]:
    """Events in time order, in blocks."""
    found = np.random.default_rng(seed)
    done = 0
    while done < events:
        size = min(BLOCK, events - done)
        ranks = np.power(float(entities), found.random((3, size))).astype(np.int64)
        kinds, missing, amounts = found.random(size), found.random((5, size)) < 0.2, found.integers(1, 1000, size)
        block: Block = []
        for at in range(size):
            account, ip, device = int(ranks[0, at]), int(ranks[1, at]), int(ranks[2, at])
            facts = {
                "account": None if missing[0, at] else f"account:{account:024x}",
                "ip": None if missing[1, at] else f"ip:{ip:024x}",
                "prefix24": None if missing[1, at] else f"network:{ip // 16:024x}",
                "device": None if missing[2, at] else f"device:{device:024x}",
                "result": None if missing[3, at] else ("wrong_password" if kinds[at] < 0.2 else "success"),
                "amount": None if missing[4, at] else int(amounts[at]),
                "country": "AT",
                "hour": 13,
            }
            t_us = START_S * 1_000_000 + int((done + at) / per_second * 1e6)
            block.append(("outcome" if kinds[at] < 0.5 else "login", t_us, facts))
        yield block
        done += size


def resident_mb() -> float:
    """Memory of this process now, in MB."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() / 1e6


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All events through one state."""
    make = KeyTables if arguments.plain else compiled()
    counters = Counters(
        [parse_counter(name, fields) for name, fields in DECLARED.items()],
        NAMES,
        capacity_bytes=arguments.capacity_mb << 20,
        make_tables=make,
    )
    before, seq, read_s, absorb_s, reads, unknown = resident_mb(), 0, 0.0, 0.0, 0, 0
    clock = time.perf_counter
    for block in blocks(arguments.events, arguments.entities, arguments.per_second):
        to_read = block[: int(len(block) * arguments.read)]
        began = clock()
        for kind, t_us, facts in to_read:
            counters.read(kind, t_us, facts)
        middle = clock()
        for kind, t_us, facts in block:
            seq += 1
            counters.absorb(seq, kind, t_us, facts)
        read_s, absorb_s, reads = read_s + middle - began, absorb_s + clock() - middle, reads + len(to_read)
        unknown += sum(value is None for value in counters.read(*block[-1]).values())
    stats = counters.stats()
    keys, held = sum(table.keys_once + table.keys_again for table in stats), sum(table.bytes for table in stats)
    grown_mb = resident_mb() - before
    result: dict[str, Any] = {
        "tables": make.__module__,
        "events": arguments.events,
        "counters": len(DECLARED),
        "read_us": round(read_s / max(reads, 1) * 1e6, 2),
        "absorb_us": round(absorb_s / arguments.events * 1e6, 2),
        "keys": keys,
        "keys_given_up": sum(table.evicted for table in stats),
        "accounted_bytes_per_key": round(held / keys, 1),
        "resident_bytes_per_key": round(grown_mb * 1e6 / keys, 1),
        "accounted_mb": round(held / 1e6, 1),
        "resident_mb": round(grown_mb, 1),
    }
    if not arguments.no_snapshot:
        began = clock()
        data = counters.snapshot()
        snapshot_s = clock() - began
        longest, began = 0.0, clock()
        for _ in counters.snapshot_parts():
            longest, began = max(longest, clock() - began), clock()
        result["snapshot_longest_part_ms"] = round(longest * 1e3, 2)
        result |= {"snapshot_s": round(snapshot_s, 3), "snapshot_mb": round(len(data) / 1e6, 1)}
        again = Counters(counters.declarations().values(), NAMES, capacity_bytes=arguments.capacity_mb << 20, make_tables=make)
        began = clock()
        again.restore(data)
        result |= {"restore_s": round(clock() - began, 3), "equal": again.digest() == counters.digest()}
    return result


def backfilling(arguments: argparse.Namespace) -> dict[str, Any]:
    """One new counter over records as the journal has them."""
    counters = Counters([], NAMES, capacity_bytes=arguments.capacity_mb << 20)
    fresh = counters.beside([parse_counter("new", DECLARED[arguments.counter])])
    seq, spent = 0, 0.0
    for block in blocks(arguments.events, arguments.entities, arguments.per_second):
        records = []
        for kind, t_us, facts in block:
            seq += 1
            records.append(
                Record(seq, 0, "event", str(seq), t_us, kind, body=pack(KeptEvent(id=str(seq), type=kind, occurred_us=t_us, facts=facts)))
            )
        began = time.perf_counter()
        for record in records:
            fresh.apply(record)
        spent += time.perf_counter() - began
    return {
        "backfill": arguments.counter,
        "events": seq,
        "us_per_event": round(spent / seq * 1e6, 2),
        "ten_million_s": round(spent / seq * 1e7, 1),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--entities", type=int, default=400_000, help="of each sort")
    parser.add_argument("--per-second", type=float, default=200.0, help="events per second of event time")
    parser.add_argument("--read", type=float, default=1.0, help="share of events that read before they count")
    parser.add_argument("--capacity-mb", type=int, default=1024)
    parser.add_argument("--plain", action="store_true", help="the plain twin")
    parser.add_argument("--no-snapshot", action="store_true")
    parser.add_argument("--backfill", action="store_true")
    parser.add_argument("--counter", default="prefix_bad_10m", help="which counter is computed over history")
    arguments = parser.parse_args()
    print(json.dumps(backfilling(arguments) if arguments.backfill else measure(arguments)))


if __name__ == "__main__":
    main()
