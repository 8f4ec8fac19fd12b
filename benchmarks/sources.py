"""What sources cost: time to load, memory per range, and one look-up of all of them together.

    python benchmarks/sources.py asn=GeoIPASNum.dat country=country_ipv4 hosting=datacenters.csv@start,end,name,url tor=tor.csv.gz

Each argument is KIND=PATH, with @COLUMNS for a table without a header. Addresses are drawn from the whole space with a fixed seed, so that
neighbours in time are no neighbours in memory: the worst case for the processor's caches. Times are processor time of this process.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from wardline.protocols import ip
from wardline.sources.rangefiles import FlagTable
from wardline.sources.registry import Registry

AT_US = 1_700_000_000_000_000
LOOKUPS = 50_000


def declared(arguments: list[str], folder: Path) -> Registry:
    """A registry of the sources that the arguments name."""
    text = ""
    for number, argument in enumerate(arguments):
        kind, _, rest = argument.partition("=")
        path, _, columns = rest.partition("@")
        keys = {"name": f"{number}-{kind}", "kind": kind, "path": str(Path(path).absolute()), "max_age_days": 0}
        if Path(path).is_dir() and kind == "country":
            keys["format"] = "cidr"
        text += "[[source]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        text += f"columns = {json.dumps(columns.split(','))}\n" if columns else ""
    (folder / "all.toml").write_text(text)
    return Registry(folder)


def timed(registry: Registry, addresses: list[str]) -> float:
    """Microseconds of one look-up; the best of three runs."""
    best = 9e9
    for _ in range(3):
        start = time.process_time()
        for address in addresses:
            registry.ip_facts(address, AT_US)
        best = min(best, time.process_time() - start)
    return best / len(addresses) * 1e6


def main() -> None:
    """Load, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="KIND=PATH")
    parser.add_argument("--ipv6", type=int, default=100_000, help="also measure so many made-up IPv6 networks; 0: do not")
    options = parser.parse_args()
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        registry = declared(options.sources, Path(name))
        start = time.process_time()
        registry.refresh()
        seconds = time.process_time() - start
        for line in registry.wrong_declarations:
            print(line)
        for source in registry.status():
            per_range = source.memory_bytes / max(1, source.entries)
            print(f"{source.name:<14} {source.state:<8} {source.entries:>9,} entries {per_range:6.1f} bytes each {source.detail}")
        print(f"loaded in {seconds:.2f} s")
        addresses = [ip.show(4, chance.getrandbits(32)) for _ in range(LOOKUPS)]
        print(f"one look-up of all {len(registry.status())}: {timed(registry, addresses):.1f} us")
    if options.ipv6:
        rows = [(6, low, low | (1 << 80) - 1, 1) for low in (0x2 << 124 | chance.getrandbits(44) << 80 for _ in range(options.ipv6))]
        table = FlagTable.build(rows)
        start = time.process_time()
        for _ in range(LOOKUPS):
            table.holds(6, 0x2 << 124 | chance.getrandbits(124), 0)
        spent = (time.process_time() - start) / LOOKUPS * 1e6
        print(f"{options.ipv6:,} IPv6 networks: {table.memory_bytes / table.ranges.count:.1f} bytes each, {spent:.2f} us")


if __name__ == "__main__":
    main()
