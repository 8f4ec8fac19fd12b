"""Loading a large source in a process of its own, so that the one that decides goes on deciding.

    loaded = load_apart(source)          # as `loading.load`, and raises SourceError as it does

Reading a hundred thousand lines in a thread would make every decision of these seconds wait for its turn at the interpreter. The child reads the
file, checks it, and hands back the finished arrays as MessagePack on its standard output: numbers and short texts, no code. It may take four
gigabytes and two minutes, so that no file takes more from the server. A child that dies is a fault of that file. Where no process can be
started, the file is read here.
"""

import resource
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import msgspec

from wardline.sources.declaration import Source
from wardline.sources.domainlist import DomainList
from wardline.sources.ip import AsnList
from wardline.sources.loading import Loaded, load
from wardline.sources.rangefiles import Facts, FactTable, FlagTable, Notes
from wardline.sources.ranges import Ranges
from wardline.sources.reading import SourceError, Stamp

SMALL_BYTES = 256 << 10  # below this a file is read before a process has started
MEMORY_LIMIT_BYTES = 4 << 30
TIME_LIMIT_SECONDS = 120
_APART = frozenset(("cidr", "csv", "geoip", "asn", "domains"))
_MODULE = "wardline.sources.apart"


class _Packed(msgspec.Struct, array_like=True):
    """What the child hands back: an error, or a table in parts."""

    error: str = ""
    kind: str = ""
    notes: Notes | None = None
    stamp: Stamp | None = None
    as_of_s: int = 0
    memory_bytes: int = 0
    count: int = 0
    families: list[int] = []
    arrays: list[tuple[str, bytes]] = []
    since_s: int = 0
    facts: list[Facts] = []
    texts: list[str] = []
    numbers: list[int] = []


def load_apart(source: Source) -> Loaded:
    """The source, read by a child where it is large and its format is one that takes time."""
    path = Path(source.path)
    try:
        small = path.is_file() and path.stat().st_size < SMALL_BYTES
    except OSError:
        small = True
    if source.form not in _APART or small:
        return load(source)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE], input=msgspec.msgpack.encode(source), capture_output=True, timeout=TIME_LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"{path}: was not read within {TIME_LIMIT_SECONDS} s; give a smaller file") from None
    except (OSError, UnicodeEncodeError):  # no process to be had, or a path that is no text
        return load(source)
    try:
        packed = msgspec.msgpack.decode(done.stdout, type=_Packed)
    except msgspec.DecodeError:
        raise SourceError(f"{path}: whoever read it died ({done.returncode}); the file is too large, or damaged") from None
    if packed.error or packed.notes is None or packed.stamp is None:
        raise SourceError(packed.error or f"{path}: cannot be read")
    return Loaded(_unpacked(packed), packed.notes, packed.stamp, packed.as_of_s, packed.memory_bytes)


def _pack(loaded: Loaded) -> _Packed:
    table: Any = loaded.table
    packed = _Packed(
        kind=type(table).__name__, notes=loaded.notes, stamp=loaded.stamp, as_of_s=loaded.as_of_s, memory_bytes=loaded.memory_bytes
    )
    if isinstance(table, DomainList):
        packed.texts = sorted(table.domains)
    elif isinstance(table, AsnList):
        packed.numbers = sorted(table.asns)
    else:
        packed.count, packed.families = table.ranges.count, sorted(table.families)
        arrays = table.ranges.arrays
        if isinstance(table, FactTable):
            packed.facts = list(table.values)
        elif isinstance(table, FlagTable):
            arrays += table.periods or ()
            packed.since_s = table.since_s
        packed.arrays = [(part.typecode, part.tobytes()) for part in arrays]
    return packed


def _unpacked(packed: _Packed) -> Any:
    if packed.kind == "DomainList":
        return DomainList(frozenset(packed.texts))
    if packed.kind == "AsnList":
        return AsnList(frozenset(packed.numbers))
    arrays = [array(code, data) for code, data in packed.arrays]
    ranges = Ranges.of(arrays[:5], packed.count, frozenset(packed.families))
    if packed.kind == "FactTable":
        return FactTable(ranges, packed.facts)
    return FlagTable(ranges, tuple(arrays[5:]), packed.since_s)


def _main() -> None:
    """The child: one declaration on standard input, one answer on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_SECONDS, TIME_LIMIT_SECONDS))
    source = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Source)
    try:
        packed = _pack(load(source))
    except SourceError as error:
        packed = _Packed(error=str(error))
    sys.stdout.buffer.write(msgspec.msgpack.encode(packed))


if __name__ == "__main__":
    _main()
