"""Tables of keys: who remembers the tallies of every key, finds them with one look-up for all counters of a key, and forgets under pressure.

    tables = KeyTables(capacity_bytes=256 << 20)
    handle = tables.add(("ip",), spec, ("login",), of="", test=-1, names=("logins_ip_10m",), since_us=-1)
    tables.read(t_us, {"ip": "9ab1"})                   -> {"logins_ip_10m": 0}
    tables.absorb(17, "login", t_us, {"ip": "9ab1"}, [])    # 17: the record; verdicts: for each condition (by its number `test`) True, False or None

This is the plain twin of `_counters.c`, equal to the last bit of `dump`. A key is 16 bytes, BLAKE2b (RFC 7693) of its facts. Each table has
two segments, after the segmented LRU of R. Karedla, J. Love and B. Wherry (1994): a key that was written once is on probation, one that was
written again is protected. When the bytes of all tables exceed the capacity, the largest table gives up a key: its least recently written
one on probation, unless probation has less than a fifth of the table. So a flood of keys that are never seen twice pushes out itself, and a
flood of one sort of key (addresses) pushes out no other sort (accounts). The order of writing is that of the records (`stamp`), so that counters
that were computed beside these tables join them as if every record had been written here.

`horizon_us` of a table: the newest event time of any key that it gave up. An absent key reads 0 where its whole window lies after it,
else None. A key that comes back carries the horizon as its own `since_us`: what it lost is unknown until it has left the window.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from wardline.engine.counting.tally import (
    AMOUNT_LIMIT,
    DISTINCT,
    HEAD_BYTES,
    RATIO,
    SUM,
    TIME_LIMIT_US,
    UNIT,
    Spec,
    Tally,
    make_tally,
)
from wardline.engine.feature import Value, Values

KEY_BYTES = 16
PERSON = b"wardline.counter"
# What an entry costs apart from its tallies, as measured in the compiled tables: key, times, links, its place in the index, the allocator's share.
ENTRY_BYTES = 192
PROBATION_SHARE = 5
_ENTRY = struct.Struct("<16sqqQBBHI")
_INT_LIMIT = 1 << 63


def identify(parts: Sequence[Value]) -> bytes | None:
    """The 16 bytes that stand for these facts; None when one is unknown or no scalar. 1 and 1.0 are the same; 1, "1" and true are not."""
    data = b""
    for part in parts:
        if isinstance(part, str):
            tag, text = b"s", part.encode("utf-8", "surrogatepass")
        elif part is True or part is False:
            tag, text = b"b", b"1" if part else b"0"
        elif isinstance(part, int):
            if not -_INT_LIMIT <= part < _INT_LIMIT:
                return None
            tag, text = b"i", b"%d" % part
        elif isinstance(part, float) and part == part and abs(part) != float("inf"):
            if part.is_integer() and abs(part) < 1 << 53:
                tag, text = b"i", b"%d" % int(part)
            else:
                tag, text = b"f", repr(part).encode()
        else:
            return None
        data += tag + struct.pack("<I", len(text)) + text
    return blake2b(data, digest_size=KEY_BYTES, person=PERSON).digest()


def member_of(value: Value) -> int | None:
    """The 64-bit number of a member; None for one that is unknown."""
    key = identify((value,))
    return None if key is None else int.from_bytes(key[:8], "little")


def units_of(value: Value) -> int | None:
    """A summand in millionths, held within ±10^12; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if not -AMOUNT_LIMIT < value < AMOUNT_LIMIT:
        return AMOUNT_LIMIT * UNIT if value > 0 else -AMOUNT_LIMIT * UNIT
    return value * UNIT if isinstance(value, int) else round(value * UNIT)


class _Column:
    """One counter of a table."""

    def __init__(self, handle: int, spec: Spec, on: frozenset[str], of: str, test: int, names: tuple[str, ...], since_us: int) -> None:
        self.handle, self.spec, self.on, self.of, self.test, self.names, self.since_us = handle, spec, on, of, test, names, since_us
        self.empty = make_tally(spec)

    def amount(self, facts: Values, verdicts: Sequence[bool | None]) -> int | None:
        """What an event adds; None for nothing."""
        if self.spec.kind == RATIO:
            # `of` is a condition's number here; `where` is `test`.
            hit = verdicts[int(self.of)]
            return None if hit is None or (self.test >= 0 and verdicts[self.test] is not True) else int(hit)
        if self.test >= 0 and verdicts[self.test] is not True:
            return None
        if self.spec.kind == SUM:
            return units_of(facts.get(self.of))
        return member_of(facts.get(self.of)) if self.spec.kind == DISTINCT else 1


class _Entry:
    __slots__ = ("last_us", "protected", "since_us", "stamp", "tallies")

    def __init__(self, since_us: int) -> None:
        self.last_us, self.since_us, self.stamp, self.protected = 0, since_us, 0, False
        self.tallies: list[Tally] = []

    def cost(self) -> int:
        return ENTRY_BYTES + sum(tally.size() for tally in self.tallies)


class _Table:
    def __init__(self, key: tuple[str, ...]) -> None:
        self.key = key
        self.columns: list[_Column] = []
        self.horizon_us = -1
        self.evicted = 0
        # Segments by the order of writing; bytes of each.
        self.segments: tuple[OrderedDict[bytes, _Entry], OrderedDict[bytes, _Entry]] = (OrderedDict(), OrderedDict())
        self.bytes = [0, 0]

    def find(self, key: bytes) -> _Entry | None:
        return self.segments[0].get(key) or self.segments[1].get(key)

    def total(self) -> int:
        return self.bytes[0] + self.bytes[1]

    def memory_us(self) -> int:
        return max((column.spec.window_us + 2 * column.spec.tile_us for column in self.columns), default=0)

    def give_up(self, segment: int) -> None:
        _, entry = self.segments[segment].popitem(last=False)
        self.bytes[segment] -= entry.cost()
        self.horizon_us = max(self.horizon_us, entry.last_us)
        self.evicted += 1


class KeyTables:
    """All tables of one shard. See the module. Not thread-safe."""

    def __init__(self, capacity_bytes: int, shard: int = 0, shards: int = 1) -> None:
        self.capacity_bytes = capacity_bytes
        self.shard, self.shards = shard, shards
        self.newest_us = -1
        self._tables: dict[tuple[str, ...], _Table] = {}
        self._handles = 0
        self._freezes = 0
        self._frozen: dict[tuple[str, ...], bytes] = {}

    def add(self, key: tuple[str, ...], spec: Spec, on: tuple[str, ...], of: str, test: int, names: tuple[str, ...], since_us: int) -> int:
        """A new counter; gives its handle. of: the fact of a sum or distinct, a condition's number for a ratio. test: a condition, -1 none."""
        self._handles += 1
        self.thaw()
        table = self._tables.setdefault(key, _Table(key))
        table.columns.append(_Column(self._handles, spec, frozenset(on), of, test, names, since_us))
        return self._handles

    def remove(self, handle: int) -> None:
        """Forget a counter and what it counted. Walks over the keys of its table."""
        table, place = self._place(handle)
        self.thaw()
        del table.columns[place]
        if not table.columns:
            del self._tables[table.key]
            return
        for number, segment in enumerate(table.segments):
            for entry in segment.values():
                if place < len(entry.tallies):
                    table.bytes[number] -= entry.tallies.pop(place).size()

    def rename(self, handle: int, names: tuple[str, ...]) -> None:
        """Under which names `read` gives the counter."""
        table, place = self._place(handle)
        table.columns[place].names = names

    def begin(self, handle: int, since_us: int) -> None:
        """What happened before a time was not all counted: windows that reach before it are unknown."""
        table, place = self._place(handle)
        table.columns[place].since_us = max(table.columns[place].since_us, since_us)

    def order(self, key: tuple[str, ...]) -> list[tuple[int, int]]:
        """(handle, since_us) of a table's counters, in the order in which `dump` writes them."""
        return [(column.handle, column.since_us) for column in self._tables[key].columns]

    def read(self, t_us: int, facts: Values) -> dict[str, Value]:
        """All counters as of t; changes nothing. Keys that another shard owns are left out, unknown ones are None."""
        t_us = max(0, min(t_us, TIME_LIMIT_US))
        values: dict[str, Value] = {}
        for table in self._tables.values():
            key = identify([facts.get(name) for name in table.key])
            if key is not None and self.shards > 1 and _shard(key, self.shards) != self.shard:
                continue
            entry = table.find(key) if key is not None else None
            since_us = entry.since_us if entry else table.horizon_us
            for place, column in enumerate(table.columns):
                tally = entry.tallies[place] if entry and place < len(entry.tallies) else column.empty
                value = None if key is None else tally.read(t_us, max(since_us, column.since_us))
                for name in column.names:
                    values[name] = value
        return values

    def absorb(self, seq: int, kind: str, t_us: int, facts: Values, verdicts: Sequence[bool | None]) -> None:
        """Count one event of type `kind`. seq: its record, later than those before."""
        t_us = max(0, min(t_us, TIME_LIMIT_US))
        self.newest_us = max(self.newest_us, t_us)
        for table in self._tables.values():
            amounts = [
                (place, amount)
                for place, column in enumerate(table.columns)
                if kind in column.on and (amount := column.amount(facts, verdicts)) is not None
            ]
            key = identify([facts.get(name) for name in table.key]) if amounts else None
            if key is None or (self.shards > 1 and _shard(key, self.shards) != self.shard):
                continue
            entry = self._touch(table, key, seq, t_us)
            for place, amount in amounts:
                entry.tallies[place].write(t_us, amount)
            table.bytes[entry.protected] += entry.cost()
            self._shrink()

    def _touch(self, table: _Table, key: bytes, seq: int, t_us: int) -> _Entry:
        """The entry at the young end of its segment, its cost taken off the table's bytes until it has been written."""
        entry = table.find(key)
        if entry is None:
            memory_us = table.memory_us()
            for segment in (0, 1):
                oldest = next(iter(table.segments[segment].values()), None)
                if oldest is not None and oldest.last_us + memory_us < t_us:
                    table.give_up(segment)
            entry = table.segments[0][key] = _Entry(table.horizon_us)
        else:
            table.bytes[entry.protected] -= entry.cost()
            del table.segments[entry.protected][key]
            entry.protected = True
            table.segments[1][key] = entry
        entry.stamp = seq
        entry.last_us = max(entry.last_us, t_us)
        for column in table.columns[len(entry.tallies) :]:
            entry.tallies.append(make_tally(column.spec))
        return entry

    def _shrink(self) -> None:
        while sum(table.total() for table in self._tables.values()) > self.capacity_bytes:
            largest = max(self._tables.values(), key=_Table.total)
            first = largest.bytes[0] * PROBATION_SHARE >= largest.total() or not largest.segments[1]
            largest.give_up(0 if first and largest.segments[0] else 1)

    def stats(self) -> list[tuple[tuple[str, ...], int, int, int, int, int]]:
        """For each table: key, keys on probation, keys protected, bytes, keys given up, horizon_us."""
        return [
            (table.key, len(table.segments[0]), len(table.segments[1]), table.total(), table.evicted, table.horizon_us)
            for table in self._tables.values()
        ]

    def dump(self, key: tuple[str, ...]) -> bytes:
        """The keys of a table, oldest first, those on probation before those that are protected. Equal tables give equal bytes."""
        parts = []
        for number, segment in enumerate(self._tables[key].segments):
            for name, entry in segment.items():
                body = b"".join(tally.pack() for tally in entry.tallies)
                parts.append(_ENTRY.pack(name, entry.last_us, entry.since_us, entry.stamp, number, 0, len(entry.tallies), len(body)) + body)
        return b"".join(parts)

    def freeze(self) -> int:
        """Hold every key as it is now, for `part`; gives a token. Adding, removing, loading and adopting counters end a freeze."""
        self._frozen = {key: self.dump(key) for key in self._tables}
        self._freezes += 1
        return self._freezes

    def part(self, token: int, key: tuple[str, ...], keys: int) -> bytes:
        """Some more of a table as it was frozen, about so many keys, in any order: what `load` takes, once all of it is together.

        Raises RuntimeError when the freeze has ended.
        """
        if token != self._freezes or key not in self._frozen:
            raise RuntimeError("the tables were changed as a whole: freeze them again")
        data, self._frozen[key] = self._frozen[key], b""
        return data

    def left(self, key: tuple[str, ...]) -> bool:
        """Whether `part` has more of a table."""
        return bool(self._frozen.get(key))

    def thaw(self) -> None:
        """End a freeze."""
        self._frozen = {}

    def load(self, key: tuple[str, ...], horizon_us: int, evicted: int, specs: Sequence[Spec], columns: Sequence[int], data: bytes) -> None:
        """Replace a table's keys by what `dump` wrote. columns: for each counter of the dump its place now, -1 for one that went.

        Raises ValueError for bytes that `dump` did not write; the table is then empty.
        """
        table = self._tables[key]
        self.thaw()
        table.horizon_us, table.evicted = horizon_us, evicted
        table.segments, table.bytes = (OrderedDict(), OrderedDict()), [0, 0]
        here = [column.spec for column in table.columns]
        if any(place >= 0 and here[place : place + 1] != [spec] for spec, place in zip(specs, columns, strict=True)):
            raise ValueError("a table has other counters than it says")
        entries = list(_entries(data, specs))
        entries.sort(key=lambda found: found[1].stamp)
        for name, entry in entries:
            if table.find(name) is not None:
                table.segments, table.bytes = (OrderedDict(), OrderedDict()), [0, 0]
                raise ValueError("a key stands twice in a table")
            found = entry.tallies
            width = max((place + 1 for _, place in zip(found, columns, strict=False)), default=0)
            entry.tallies = [make_tally(column.spec) for column in table.columns[:width]]
            for tally, place in zip(found, columns, strict=False):
                if place >= 0:
                    entry.tallies[place] = tally
            table.segments[entry.protected][name] = entry
            table.bytes[entry.protected] += entry.cost()

    def adopt(self, other: "KeyTables", key: tuple[str, ...], places: list[int]) -> None:
        """Take over what another set of tables counted under `key`. places: for each of its counters the place here, whose own count goes.

        Where neither has given up a key, the table is then as if every record had been written to it. Walks over the keys of both.
        """
        table, theirs = self._tables[key], other._tables[key]
        columns = [table.columns[place] for place in places if 0 <= place < len(table.columns)]
        if len(set(places)) < len(theirs.columns) or [column.spec for column in columns] != [column.spec for column in theirs.columns]:
            raise ValueError("a table has other counters than it says")
        self.thaw()
        whole = len(places) == len(table.columns)
        if whole:
            table.segments = (OrderedDict(), OrderedDict())
            table.horizon_us, table.evicted = theirs.horizon_us, theirs.evicted
        for column, source in zip(columns, theirs.columns, strict=True):
            column.since_us = source.since_us if whole else max(theirs.horizon_us, source.since_us)
        entries = {name: entry for segment in table.segments for name, entry in segment.items()}
        for segment in theirs.segments:
            for name, written in segment.items():
                entry = entries.get(name)
                if entry is None:
                    entry = entries[name] = _Entry(-1 if whole else table.horizon_us)
                    entry.stamp, entry.protected = written.stamp, written.protected
                elif written.protected or written.stamp != entry.stamp:
                    # Written twice, by whatever counter: then it is no key of one event.
                    entry.stamp, entry.protected = max(entry.stamp, written.stamp), True
                entry.last_us, entry.since_us = max(entry.last_us, written.last_us), max(entry.since_us, written.since_us)
        table.segments, table.bytes = (OrderedDict(), OrderedDict()), [0, 0]
        for name, entry in sorted(entries.items(), key=lambda found: found[1].stamp):
            entry.tallies.extend(make_tally(column.spec) for column in table.columns[len(entry.tallies) :])
            there = theirs.find(name)
            counted = there.tallies if there is not None else []
            for source_place, (place, column) in enumerate(zip(places, columns, strict=True)):
                entry.tallies[place] = counted[source_place] if source_place < len(counted) else make_tally(column.spec)
            table.segments[entry.protected][name] = entry
            table.bytes[entry.protected] += entry.cost()
        self.newest_us = max(self.newest_us, other.newest_us)
        self._shrink()

    def _place(self, handle: int) -> tuple[_Table, int]:
        for table in self._tables.values():
            for place, column in enumerate(table.columns):
                if column.handle == handle:
                    return table, place
        raise KeyError(handle)


def _entries(data: bytes, specs: Sequence[Spec]) -> list[tuple[bytes, _Entry]]:
    found, at = [], 0
    while at < len(data):
        if len(data) - at < _ENTRY.size:
            raise ValueError("a table is cut off")
        name, last_us, since_us, stamp, segment, zero, tallies, size = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        if tallies > len(specs) or segment > 1 or zero or not all(-1 <= time_us <= TIME_LIMIT_US for time_us in (last_us, since_us)):
            raise ValueError("a table's entry is of another form")
        entry = _Entry(since_us)
        entry.last_us, entry.stamp, entry.protected = last_us, stamp, bool(segment)
        end = at + size
        for spec in specs[:tallies]:
            tally = make_tally(spec)
            at = tally.unpack(data, at)
            entry.tallies.append(tally)
        if at != end or at > len(data):
            raise ValueError("a table's entry has another length than it says")
        found.append((name, entry))
    return found


def _shard(key: bytes, shards: int) -> int:
    return int.from_bytes(key[8:], "little") % shards


__all__ = ["ENTRY_BYTES", "HEAD_BYTES", "KeyTables", "identify", "member_of", "units_of"]
