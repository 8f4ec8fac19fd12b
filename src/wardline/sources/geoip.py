"""The legacy GeoIP format (.dat) of AS numbers: a binary tree over the bits of the address, with texts behind it.

    table, notes = read_geoip(Path("GeoIPASNum.dat"))
    table.facts(4, 3221225991)  -> (("ip.asn", 64500), ("ip.as_name", "Example Net"))

The file ends with three bytes 255, the edition (9 AS numbers, 21 the same for IPv6) and the number of nodes in three bytes, lowest first. A
node is two records of three bytes: the next node, or, from the number of nodes on, where the text stands behind the tree. The format is out of
print since 2019; such files serve old events. The tree is read once into ranges, with every reference checked.
"""

from pathlib import Path

from wardline.protocols.ip import BITS
from wardline.sources.rangefiles import Facts, FactTable, Notes, as_number, facts_of
from wardline.sources.ranges import Row
from wardline.sources.reading import BINARY_LIMIT_BYTES, ENTRIES_LIMIT, SourceError, read_bytes

_EDITIONS = {9: 4, 21: 6}
_RECORD_BYTES = 3
_SEARCH_BYTES = 20  # from the end, in which the mark of the edition must stand
_TEXT_BYTES = 256


def read_geoip(path: Path) -> tuple[FactTable, Notes]:
    """AS numbers and names. Raises SourceError for another edition, and for a tree that leads nowhere or in circles."""
    data, _ = read_bytes(path, BINARY_LIMIT_BYTES)
    mark = data.rfind(b"\xff\xff\xff", max(0, len(data) - _SEARCH_BYTES - 4))
    if mark < 0 or mark + 7 > len(data):
        raise SourceError(f"{path}: is no legacy GeoIP file, or its end is missing; fetch it again")
    edition, nodes = data[mark + 3], int.from_bytes(data[mark + 4 : mark + 7], "little")
    version = _EDITIONS.get(edition if edition < 106 else edition - 105)
    if version is None:
        raise SourceError(f"{path}: is edition {edition} of GeoIP; only AS numbers (9, 21) are read")
    if not 0 < nodes <= len(data) // (2 * _RECORD_BYTES):
        raise SourceError(f"{path}: its tree is cut off; fetch it again")
    values: dict[Facts, int] = {}
    texts: dict[int, int] = {}
    rows: list[Row] = []
    bits = BITS[version]
    # (node, depth, first address below it). Equal branches may be shared; a circle ends at the depth of an address.
    stack, visits = [(0, 0, 0)], 0
    while stack:
        node, depth, low = stack.pop()
        visits += 1
        if visits > 2 * ENTRIES_LIMIT:
            raise SourceError(f"{path}: its tree has more than {ENTRIES_LIMIT:,} ends; fetch it again")
        for side in (1, 0):
            at = (2 * node + side) * _RECORD_BYTES
            record = int.from_bytes(data[at : at + _RECORD_BYTES], "little")
            start = low | side << (bits - depth - 1)
            if record < nodes:
                if depth + 1 >= bits:
                    raise SourceError(f"{path}: its tree is deeper than an address is long, or goes in circles; fetch it again")
                stack.append((record, depth + 1, start))
            elif record > nodes:
                value = texts.get(record)
                if value is None:
                    facts = _facts(data, record + nodes * (2 * _RECORD_BYTES - 1), path)
                    value = texts[record] = values.setdefault(facts, len(values) + 1) if facts else 0
                if value:
                    rows.append((version, start, start | (1 << (bits - depth - 1)) - 1, value))
    if not rows:
        raise SourceError(f"{path}: names no AS number")
    return FactTable.build(rows, tuple(values)), Notes(entries=len(rows))


def _facts(data: bytes, at: int, path: Path) -> Facts:
    end = data.find(b"\0", at, at + _TEXT_BYTES)
    if at >= len(data) or end < 0:
        raise SourceError(f"{path}: its tree leads out of the file; fetch it again")
    number, _, name = data[at:end].decode("latin-1").partition(" ")
    return facts_of(number, name, "") if as_number(number) is not None else ()
