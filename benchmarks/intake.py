"""How fast mail intake is: messages a second on one core, and the worst message (run it on an idle machine).

    python benchmarks/intake.py DIR [--limit 2000] [--files DIR] [--bombs 10000000]

DIR holds messages, one a file (an `index.tsv` with the paths is used where there is one). `--files` reads every file below a folder once and
shows the slowest; `--bombs SIZE` reads the messages of tests/fuzz/bombs.py at that size. Times are processor time of this process.
"""

import argparse
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from wardline.domains.mail import intake
from wardline.domains.mail.events import Envelope
from wardline.protocols import mime


def messages(folder: Path, limit: int) -> list[bytes]:
    """At most `limit` messages of a folder, chosen with a fixed seed."""
    index = folder / "index.tsv"
    if index.exists():
        paths = [folder / line.split("\t")[0] for line in index.read_text().splitlines()]
    else:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(1).shuffle(paths)
    return [path.read_bytes() for path in paths[:limit]]


def timed(raw: bytes) -> float:
    """Seconds of processor time that `intake.read` takes; the better of two for a short one, as the clock is shared."""
    envelope = Envelope()
    best = 9e9
    for _ in range(2):
        start = time.process_time()
        intake.read(raw, envelope)
        best = min(best, time.process_time() - start)
        if best > 0.02:
            break
    return best


def rates(folder: Path, limit: int) -> None:
    batch = messages(folder, limit)
    times = sorted(timed(raw) for raw in batch)
    start = time.process_time()
    for raw in batch:
        mime.parse(raw)
    parse_seconds = time.process_time() - start
    print(
        f"{folder.name}: {len(batch)} messages, {len(batch) / sum(times):.0f}/s per core, us: median {statistics.median(times) * 1e6:.0f}, "
        f"mean {sum(times) / len(times) * 1e6:.0f}, p99 {times[int(len(times) * 0.99)] * 1e6:.0f}, worst {times[-1] * 1e6:.0f}; "
        f"mime.parse alone {len(batch) / parse_seconds:.0f}/s"
    )


def slowest(named: Iterable[tuple[str, bytes]], show: int) -> None:
    rows = sorted(((timed(raw), name, len(raw)) for name, raw in named), reverse=True)
    for seconds, name, size in rows[:show]:
        print(f"{seconds * 1e3:8.1f} ms  {size:>9} bytes  {name}")
    print(f"{len(rows)} read; peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, nargs="?")
    arguments.add_argument("--limit", type=int, default=2000)
    arguments.add_argument("--files", type=Path)
    arguments.add_argument("--bombs", type=int)
    arguments.add_argument("--show", type=int, default=10)
    options = arguments.parse_args()
    if options.folder:
        rates(options.folder, options.limit)
    if options.files:
        slowest(files(options.files), options.show)
    if options.bombs:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))
        from bombs import bombs

        slowest(bombs(options.bombs), options.show)


if __name__ == "__main__":
    main()
