"""A synthetic history of logins, as large as one likes, written straight into Parquet in the layout of the shipped history.

    python benchmarks/history.py FOLDER --events 10000000 [--days 90] [--seed 1]

What it looks like: heavy-tailed accounts, addresses and devices (Zipf, exponent 1.1), 20 counters in `read`, 20 % of all values missing, 10 % of decisions
with a hit, two outcomes to every ten logins. Every tenth attack comes from a campaign. Prints seconds, bytes and bytes per event.

    python benchmarks/history.py FOLDER --compare 20000

writes so many of these decisions through a real journal and prints bytes per decision in SQLite and in Parquet, as compaction leaves it.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wardline.engine.kept import KeptDecision, pack
from wardline.engine.record import Record
from wardline.engine.store.journal import Journal, Settings
from wardline.learning.history.compaction import compact, day_of
from wardline.learning.history.store import History

DAY_US = 86_400_000_000
START_US = 20_600 * DAY_US
COUNTERS = 20
MISSING = 0.2
BASE32 = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)
KINDS: dict[str, str] = {
    "account": "text",
    "account.age_days": "number",
    "campaign": "text",
    "client": "text",
    "device": "text",
    "hour": "number",
    "ip": "text",
    "ip.asn": "number",
    "ip.country": "text",
    "ip.hosting": "bool",
    "ip.prefix24": "text",
    "payment": "text",
    "user_agent.family": "text",
    **{f"counter_{number}": "number" for number in range(COUNTERS)},
}
OUTCOME_KINDS = {"account": "text", "ip": "text", "ip.prefix24": "text", "device": "text", "result": "text"}


class World:
    """The people, addresses and devices that the events are drawn from."""

    def __init__(self, seed: int, scale: int) -> None:
        self.random = np.random.default_rng(seed)
        self.accounts = self._names("account", max(scale // 10, 100))
        self.addresses = self._names("ip", max(scale // 8, 100))
        self.devices = self._names("device", max(scale // 8, 100))
        self.prefixes = self._names("network", max(scale // 400, 50))
        self.asn_of = self.random.integers(64_496, 64_996, len(self.prefixes)).astype(np.float64)
        self.age_of = np.floor(self.random.exponential(400, len(self.accounts)))
        self.pays = self.random.random(len(self.accounts)) < 0.08
        self.countries = pa.array(["AT", "DE", "FR", "GB", "IT", "NL", "PL", "US", "BR", "VN"])
        self.agents = pa.array(["Chrome", "Firefox", "Safari", "Edge", "curl", "python"])
        self.clients = pa.array(["web", "mobile", "imap", "smtp"])
        self.results = pa.array(["success", "wrong_password", "unknown_account"])
        self.verdicts = pa.array(["allow", "challenge", "reject"])
        self.rules = pa.array([[], ["spray"], ["new_device"], ["spray", "new_device"]], pa.list_(pa.string()))

    def _names(self, kind: str, count: int) -> pa.Array:
        digits = np.frombuffer(self.random.bytes(12 * count).hex().encode(), np.uint8).reshape(count, 24)
        head = np.tile(np.frombuffer(f"{kind}:".encode(), np.uint8), (count, 1))
        return _texts(np.hstack([head, digits]))

    def heavy(self, count: int, size: int) -> np.ndarray:
        """Indices below `size`: a few very often, most hardly ever."""
        drawn = self.random.zipf(1.1, count)
        return np.asarray(np.where(drawn > size, self.random.integers(0, size, count), drawn - 1), dtype=np.int64)

    def some(self, values: pa.Array, missing: float = MISSING) -> pa.Array:
        """The values with a share of them unknown."""
        mask = self.random.random(len(values)) < missing
        return pa.compute.if_else(pa.array(mask), pa.scalar(None, values.type), values)

    def picked(self, values: pa.Array, weights: list[float], count: int) -> pa.Array:
        """Values by weight."""
        return values.take(pa.array(self.random.choice(len(values), count, p=np.array(weights) / sum(weights))))


def _texts(rows: np.ndarray) -> pa.Array:
    count, width = rows.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows)))


def _ids(world: World, times_us: np.ndarray) -> pa.Array:
    millis = times_us // 1000
    head = np.stack([BASE32[(millis >> shift) & 31] for shift in range(45, -5, -5)], axis=1)
    return _texts(np.hstack([head, BASE32[world.random.integers(0, 32, (len(times_us), 16))]]).astype(np.uint8))


def _own(world: World, seqs: np.ndarray, times_us: np.ndarray) -> dict[str, pa.Array]:
    return {
        "_seq": pa.array(seqs),
        "_id": _ids(world, times_us),
        "_occurred_us": pa.array(times_us),
        "_recorded_us": pa.array(times_us + world.random.integers(1_000, 200_000, len(times_us))),
    }


def logins(world: World, seqs: np.ndarray, times_us: np.ndarray) -> pa.Table:
    """Decided logins at these places and times."""
    count, random = len(seqs), world.random
    account, ip = world.heavy(count, len(world.accounts)), world.heavy(count, len(world.addresses))
    prefix = ip % len(world.prefixes)
    rule = random.choice(4, count, p=[0.9, 0.06, 0.03, 0.01])
    campaign = pa.array(np.where(random.random(count) < 0.01, random.integers(0, 20, count), -1))
    none = pa.nulls(count, pa.string())
    facts: dict[str, Any] = {
        "account": world.accounts.take(pa.array(account)),
        "account.age_days": world.some(pa.array(world.age_of[account])),
        "campaign": pa.compute.if_else(
            pa.compute.less(campaign, 0), None, pa.compute.binary_join_element_wise("c", pa.compute.cast(campaign, pa.string()), "")
        ),
        "client": world.some(world.picked(world.clients, [60, 25, 10, 5], count)),
        "device": world.some(world.devices.take(pa.array(world.heavy(count, len(world.devices))))),
        "hour": pa.array((times_us // 3_600_000_000 % 24).astype(np.float64)),
        "ip": world.addresses.take(pa.array(ip)),
        "ip.asn": world.some(pa.array(world.asn_of[prefix])),
        "ip.country": world.some(world.countries.take(pa.array(prefix % len(world.countries)))),
        "ip.hosting": world.some(pa.array(prefix % 17 == 0)),
        "ip.prefix24": world.prefixes.take(pa.array(prefix)),
        "payment": world.some(pa.compute.if_else(pa.array(world.pays[account]), "card", "none")),
        "user_agent.family": world.some(world.picked(world.agents, [55, 20, 15, 7, 2, 1], count)),
    }
    for number in range(COUNTERS):
        facts[f"counter_{number}"] = world.some(pa.array(np.floor(random.exponential(2 + number / 4, count))))
    own = _own(world, seqs, times_us)
    decided = {
        "_verdict": world.verdicts.take(pa.array(np.where(rule == 0, 0, np.where(rule == 3, 2, 1)))),
        "_score": pa.array(np.round(random.beta(1, 12, count), 3)),
        "_log_odds": pa.nulls(count, pa.float64()),
        "_line": none,
        "_mode": pa.array(["enforce"]).take(pa.array(np.zeros(count, np.int64))),
        "_policy": pa.array(["login@7"]).take(pa.array(np.zeros(count, np.int64))),
        "_policy_digest": pa.array(["5f0c" * 8]).take(pa.array(np.zeros(count, np.int64))),
        "_hits": world.rules.take(pa.array(rule)),
        "_shadow": pa.array([[], ["fresh"]], pa.list_(pa.string())).take(pa.array((random.random(count) < 0.02).astype(np.int64))),
    }
    return pa.table({**own, **decided, **facts})


def outcomes(world: World, seqs: np.ndarray, times_us: np.ndarray) -> pa.Table:
    """Outcomes that nobody decides."""
    count = len(seqs)
    ip = world.heavy(count, len(world.addresses))
    facts = {
        "account": world.accounts.take(pa.array(world.heavy(count, len(world.accounts)))),
        "ip": world.addresses.take(pa.array(ip)),
        "ip.prefix24": world.prefixes.take(pa.array(ip % len(world.prefixes))),
        "device": world.some(world.devices.take(pa.array(world.heavy(count, len(world.devices))))),
        "result": world.picked(world.results, [70, 25, 5], count),
    }
    return pa.table({**_own(world, seqs, times_us), **facts})


def parts(world: World, events: int, days: int) -> Iterator[tuple[str, str, pa.Table]]:
    """(type, day, rows), day after day; seq follows time. `events` logins, and a fifth as many outcomes."""
    seq = 1
    for day in range(days):
        size = events * (day + 1) // days - events * day // days
        size += size // 5
        times = np.sort(world.random.integers(0, DAY_US, size)) + START_US + day * DAY_US
        seqs = np.arange(seq, seq + size)
        seq += size
        ending = world.random.random(size) < 1 / 6
        name = day_of(int(times[0]))
        yield "login", name, logins(world, seqs[~ending], times[~ending])
        yield "login.outcome", name, outcomes(world, seqs[ending], times[ending])


def generate(folder: Path, events: int, days: int, seed: int = 1) -> History:
    """Write a history; gives it."""
    history, world = History(folder), World(seed, events)
    with history.writing() as manifest:
        manifest.kinds = {"login": dict(KINDS), "login.outcome": dict(OUTCOME_KINDS)}
        new = [history.write(manifest, type, day, table) for type, day, table in parts(world, events, days)]
        manifest.compacted_seq = max(part.last_seq for part in new)
        history.commit(manifest, new)
    return history


def compare(folder: Path, count: int) -> None:
    """The same decisions in a journal and compacted from it: bytes for each."""
    _, _, table = next(parts(World(1, 10_000_000), count, 1))
    names = [name for name in table.schema.names if not name.startswith("_")]
    with Journal.open(folder / "data", settings=Settings(min_free_bytes=0)) as journal:
        for row in table.to_pylist():
            facts = {name: row[name] for name in names if not name.startswith("counter_") and row[name] is not None}
            read = {name: row[name] for name in names if name.startswith("counter_")}
            kept = KeptDecision(
                id=row["_id"], type="login", occurred_us=row["_occurred_us"], facts=facts, read=read, verdict=row["_verdict"],
                score=row["_score"], policy=row["_policy"], policy_digest=row["_policy_digest"], mode=row["_mode"],
                hits=tuple(row["_hits"]), shadow=tuple(row["_shadow"]),
            )  # fmt: skip
            journal.append(Record(0, 0, "decision", kept.id, row["_recorded_us"], "login", "", (row["account"], row["ip"]), 1, pack(kept)))
            if journal.last_seq % 2000 == 0:
                journal.wait_for_room()
        journal.flush()
        history = History(folder / "history")
        started = time.process_time()
        done = compact(history, journal)
        seconds = time.process_time() - started
    journal_bytes = (folder / "data" / "journal.db").stat().st_size
    print(f"decisions {len(table)}")
    print(f"SQLite, indexes included: {journal_bytes / len(table):.0f} B a decision")
    print(
        f"Parquet: {done.size_bytes / len(table):.0f} B a decision; {seconds / len(table) * 1e6:.0f} us of processor time each to compact"
    )


def main() -> None:
    """The command line; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", type=int, default=0)
    given = parser.parse_args()
    if given.compare:
        compare(given.folder, given.compare)
        return
    started = time.monotonic()
    history = generate(given.folder, given.events, given.days, given.seed)
    size = sum(part.size_bytes for part in history.manifest().files)
    rows = history.manifest().rows
    print(
        f"{rows} events, {len(history.manifest().files)} files, {size >> 20} MB, {size / rows:.0f} B an event, {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
