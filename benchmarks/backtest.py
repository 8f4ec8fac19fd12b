"""Backtests over a large synthetic history: one rule over stored values, and one rule with a new counter.

    python benchmarks/backtest.py FOLDER [--events 10000000] [--only stored,everything,labels,count,…] [--json]

FOLDER is made with `benchmarks/history.py` when it holds no history. Prints for each case seconds of wall clock, hits, and the largest
memory of the process so far (MB). Each case runs in a process of its own, after the files were read once, so that the page cache is warm.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from history import generate

from wardline.engine.counting.counter import Counter
from wardline.learning.backtest import BACKTEST, Known, backtest, candidate
from wardline.learning.history.session import Session
from wardline.learning.history.store import History

END_US = 1 << 52
COUNTERS = {
    "count": Counter(
        name="fresh", kind="count", on=("login.outcome",), by=("ip.prefix24",), where='result == "wrong_password"', window_seconds=3600
    ),
    "count_logins": Counter(name="fresh", kind="count", on=("login",), by=("ip",), window_seconds=600),
    "sum": Counter(name="fresh", kind="sum", on=("login",), of="counter_3", by=("account",), window_seconds=86_400),
    "distinct": Counter(name="fresh", kind="distinct", on=("login",), of="account", by=("ip",), window_seconds=3600),
    "first_seen": Counter(name="fresh", kind="first_seen", on=("login",), by=("account", "device"), window_seconds=30 * 86_400),
    "rate": Counter(name="fresh", kind="rate", on=("login",), by=("ip.prefix24",), half_life_seconds=600),
}
CASES = {
    "stored": ('counter_3 > 8 and ip.country in ["AT", "VN"] and missing(ip.asn)', ()),
    "everything": ("missing(counter_3) or counter_3 >= 0", ()),
    "labels": ('counter_3 > 8 and ip.country in ["AT", "VN"]', ()),
    **{name: ("fresh > 3", (counter,)) for name, counter in COUNTERS.items()},
}


def some_labels(session: Session, count: int = 100_000) -> list[Known]:
    """Labels of as many events, every fifth abusive, and of some accounts."""
    events = session.arrow(f"SELECT _id FROM {session.events('login', ['_id'])} USING SAMPLE {count} ROWS (reservoir, 7)")[
        "_id"
    ].to_pylist()
    accounts = session.arrow(f"SELECT DISTINCT account FROM {session.events('login', ['account'])} LIMIT 1000")["account"].to_pylist()
    found = [Known(about=f"event:{id}", abusive=number % 5 == 0) for number, id in enumerate(events)]
    return found + [Known(about=account, abusive=True) for account in accounts]


def run(folder: Path, name: str) -> dict[str, float | int | str]:
    """One case, in this process."""
    when, counters = CASES[name]
    with Session(History(folder), None, BACKTEST) as session:
        labels: Sequence[Known] = some_labels(session) if name == "labels" else ()
        started = time.monotonic()
        report = backtest(candidate("new", "login", when, session.names("login"), counters), session, labels, until_us=END_US)
        seconds = time.monotonic() - started
    return {
        "case": name,
        "seconds": round(seconds, 2),
        "events": report.events,
        "hits": report.hits,
        "labelled": report.labelled.coverage_of_events.part,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def main() -> None:
    """The command line; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(run(given.folder, given.case)))
        return
    if not History(given.folder).manifest().files:
        generate(given.folder, given.events, 90)
    for path in given.folder.rglob("*.parquet"):
        path.read_bytes()
    for name in given.only.split(","):
        done = subprocess.run([sys.executable, __file__, str(given.folder), "--case", name], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        print(done.stdout.strip() if given.json else "  ".join(f"{key} {value}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
