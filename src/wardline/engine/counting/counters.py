"""The counters of an installation: read before an event counts, then counted, as a state of the journal. docs/contracts/counters.md is the contract.

    counters = Counters([failures], names={"ip": "text", "result": "text"}, capacity_bytes=256 << 20)
    counters.read("login", occurred_us, facts)             -> {"failures_prefix_10m": 3}
    counters.absorb(seq, "login", occurred_us, facts)      # once per record, in order
    counters.add(another)                                  # reads None until its window has been seen whole

    fresh = backfill(counters, [another], journal.read(1)) # beside the running state, over all records that there are
    counters.adopt(fresh)                                  # at the same seq: from now on as if it had been declared from the beginning

Event time is `occurred_us`, but no later than `admitted_us`, the moment when the journal took the event: an event cannot have happened after we
saw it, so a clock that runs ahead moves nothing. The tables are `_counters.c` where it was built, `engine.counting.keytable` elsewhere, equal to the bit.
"""

import difflib
import hashlib
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from wardline.engine.counting.counter import Counter, CounterError, check_counter
from wardline.engine.counting.keytable import KeyTables
from wardline.engine.counting.sketch import ALPHA, SIGMA
from wardline.engine.counting.tally import DECAY, TIME_LIMIT_US, spec_of
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record
from wardline.engine.rule import RuleError, compile_condition

try:
    from wardline.engine.counting import _counters as _native
except ImportError:  # not built: the plain tables do the same, slower
    _native = None  # type: ignore[assignment]
else:
    _native.prepare(DECAY, SIGMA, ALPHA, secrets.randbits(64))

CAPACITY_MIN_BYTES = 1 << 16
DEFAULT_CAPACITY_BYTES = 256 << 20
VERSION = 2
_CHUNK = struct.Struct("<IQ")


def compiled() -> type[KeyTables]:
    """The compiled tables where they were built, else the plain ones."""
    return KeyTables if _native is None else _native.KeyTables


class _TableShot(msgspec.Struct, array_like=True):
    key: tuple[str, ...]
    counters: list[tuple[Counter, int]]  # with since_us
    horizon_us: int
    evicted: int


class _Shot(msgspec.Struct, array_like=True):
    version: int
    shard: int
    shards: int
    newest_us: int
    tables: list[_TableShot]


class _Shared:
    """One counter and the names under which it was declared."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter  # its meaning
        self.names: list[str] = []
        self.handle = 0


class TableStats(msgspec.Struct, frozen=True):
    """One table of keys: how full it is, and since when an absent key is known to be zero (-1: always)."""

    key: tuple[str, ...]
    keys_once: int
    keys_again: int
    bytes: int
    evicted: int
    horizon_us: int


class Counters:
    """All counters of one shard; see the module. Raises CounterError for declarations that cannot be kept. One thread writes.

    names: the facts that events may have, with their types, for `by`, `of` and conditions. The mapping is kept, not copied. event_of:
    the event that a record holds, for records that have a form of their own.
    """

    name = "counters"

    def __init__(
        self,
        declarations: Iterable[Counter] = (),
        names: Mapping[str, str] | None = None,
        *,
        capacity_bytes: int = DEFAULT_CAPACITY_BYTES,
        shard: int = 0,
        shards: int = 1,
        make_tables: Callable[[int, int, int], KeyTables] | None = None,
        event_of: Callable[[Record], KeptEvent | None] = kept_event,
    ) -> None:
        if capacity_bytes < CAPACITY_MIN_BYTES or not 0 <= shard < shards:
            raise ValueError(f"counters need {CAPACITY_MIN_BYTES} bytes or more and a shard below their number")
        self.applied_seq = 0
        self.capacity_bytes, self.shard, self.shards = capacity_bytes, shard, shards
        self.names: Mapping[str, str] = names if names is not None else {}
        self.failed = 0  # conditions that raised: a mistake of ours, read as unknown
        self._event_of = event_of
        self._make_tables = make_tables or compiled()
        self._tables = self._make_tables(capacity_bytes, shard, shards)
        self._declared: dict[str, Counter] = {}
        self._shared: dict[Counter, _Shared] = {}
        self._tests: dict[str, int] = {}
        self._evaluate: list[Callable[[Values], Any]] = []
        self._plans: dict[str, tuple[tuple[int, Callable[[Values], Any]], ...]] = {}
        for declaration in declarations:
            self.add(declaration)

    # What is declared

    def declarations(self) -> Mapping[str, Counter]:
        """The counters by their names."""
        return self._declared

    def check(self, counter: Counter) -> None:
        """Raises CounterError, with a hint, when the counter cannot be added."""
        check_counter(counter)
        if counter.name in self.names:
            raise CounterError(f"counter {counter.name!r}: an event's fact has this name; choose another")
        present = self._declared.get(counter.name)
        if present is not None and present.meaning() != counter.meaning():
            raise CounterError(f"counter {counter.name!r} is declared already and counts something else; choose another name")
        for name in (*counter.by, *((counter.of,) if counter.kind in ("sum", "distinct") else ())):
            if name not in self.names:
                close = difflib.get_close_matches(name, list(self.names), n=1)
                raise CounterError(
                    f"counter {counter.name!r}: no event has a fact {name!r}" + (f"; did you mean {close[0]}?" if close else "")
                )
        for text in _conditions(counter):
            try:
                compile_condition(text, self.names)
            except RuleError as error:
                raise CounterError(f"counter {counter.name!r}: {error}") from None

    def add(self, counter: Counter) -> None:
        """Declare a counter. With events absorbed already it reads None until its window lies after them, or `adopt`. Equal ones share."""
        self.check(counter)
        if counter.name in self._declared:
            return
        self._declared[counter.name] = counter
        meaning = counter.meaning()
        shared = self._shared.get(meaning)
        if shared is None:
            shared = self._shared[meaning] = _Shared(meaning)
            shared.handle = self._install(self._tables, meaning, self._tables.newest_us)
        shared.names.append(counter.name)
        self._tables.rename(shared.handle, tuple(shared.names))

    def remove(self, name: str) -> None:
        """Withdraw a name; with its last name a counter is forgotten. Raises KeyError for a name that is not declared."""
        meaning = self._declared.pop(name).meaning()
        shared = self._shared[meaning]
        shared.names.remove(name)
        if shared.names:
            self._tables.rename(shared.handle, tuple(shared.names))
        else:
            del self._shared[meaning]
            self._tables.remove(shared.handle)
            self._plan()

    def _install(self, tables: KeyTables, counter: Counter, since_us: int) -> int:
        of = str(self._test(counter.of)) if counter.kind == "ratio" else counter.of
        test = self._test(counter.where) if counter.where else -1
        names = tuple(self._shared[counter].names)
        handle = tables.add(counter.key, spec_of(counter), counter.on, of, test, names, since_us)
        self._plan()
        return handle

    def _test(self, text: str) -> int:
        if text not in self._tests:
            self._tests[text] = len(self._evaluate)
            self._evaluate.append(compile_condition(text, self.names).evaluate)
        return self._tests[text]

    def _plan(self) -> None:
        wanted: dict[str, set[int]] = {}
        for counter in self._shared:
            for kind in counter.on:
                wanted.setdefault(kind, set()).update(self._tests[text] for text in _conditions(counter) if text in self._tests)
        self._plans = {kind: tuple((test, self._evaluate[test]) for test in sorted(tests)) for kind, tests in wanted.items()}

    def begin(self, since_us: int) -> None:
        """Records from before a time may be missing among those that were absorbed: what reaches back before it is unknown, not too low."""
        for shared in self._shared.values():
            self._tables.begin(shared.handle, since_us)

    def since(self) -> dict[str, int]:
        """The event time (us) from which on each counter has counted everything, by name; -1 from the beginning."""
        since = {handle: since_us for key in self._keys() for handle, since_us in self._tables.order(key)}
        return {name: since[shared.handle] for shared in self._shared.values() for name in shared.names}

    def unfinished(self) -> dict[str, int]:
        """Counters that did not count from the beginning on: name -> from which event time (us) on they are known."""
        specs = {name: spec_of(shared.counter) for shared in self._shared.values() for name in shared.names}
        return {name: since + specs[name].window_us + specs[name].tile_us for name, since in self.since().items() if since >= 0}

    # Events

    def read(self, kind: str, occurred_us: int, facts: Values, admitted_us: int | None = None) -> dict[str, Value]:
        """Every counter as of an event of type `kind`, by name; None is unknown. Changes nothing."""
        known = facts if isinstance(facts, dict) else dict(facts)
        return self._tables.read(occurred_us if admitted_us is None or occurred_us < admitted_us else admitted_us, known)

    def absorb(self, seq: int, kind: str, occurred_us: int, facts: Values, admitted_us: int | None = None) -> None:
        """Count one event; records at or before `applied_seq` were counted already."""
        if seq <= self.applied_seq:
            return
        self.applied_seq = seq
        plan = self._plans.get(kind, ())
        known = facts if isinstance(facts, dict) else dict(facts)
        verdicts: list[bool | None] = [None] * len(self._evaluate) if plan else []
        for test, evaluate in plan:
            try:
                verdict = evaluate(facts)
            except Exception:
                self.failed += 1
                continue
            verdicts[test] = verdict if verdict is True or verdict is False else None
        self._tables.absorb(seq, kind, occurred_us if admitted_us is None or occurred_us < admitted_us else admitted_us, known, verdicts)

    def apply(self, record: Record) -> None:
        """`absorb` for a record as the journal has it; other kinds of records are passed over."""
        if record.seq <= self.applied_seq:
            return
        kept = self._event_of(record)
        if kept is None:
            self.applied_seq = record.seq
        else:
            self.absorb(record.seq, kept.type, kept.occurred_us, kept.facts, record.time_us)

    # History

    def beside(self, declarations: Iterable[Counter]) -> "Counters":
        """An empty state for these counters alone, with the same settings: what `backfill` fills."""
        return Counters(
            declarations,
            self.names,
            capacity_bytes=self.capacity_bytes,
            shard=self.shard,
            shards=self.shards,
            make_tables=self._make_tables,
            event_of=self._event_of,
        )

    def adopt(self, fresh: "Counters") -> None:
        """Take counters over that were computed beside this state up to the same record. Raises ValueError otherwise.

        They read from now on as if they had been declared from the first record; those that were here already are counted anew in their place.
        While no key was given up, here or there, the state equals that of counters that were declared from the beginning, digest by digest.
        """
        if fresh.applied_seq != self.applied_seq:
            raise ValueError(f"computed up to record {fresh.applied_seq}, but this state is at {self.applied_seq}: catch up first")
        if (fresh.shard, fresh.shards) != (self.shard, self.shards):
            raise ValueError("computed for another shard")
        for counter in fresh._declared.values():
            self.check(counter)
        for counter in fresh._declared.values():
            self.add(counter)
        by_handle = {shared.handle: meaning for meaning, shared in fresh._shared.items()}
        for key in fresh._keys():
            here = [handle for handle, _ in self._tables.order(key)]
            there = [by_handle[handle] for handle, _ in fresh._tables.order(key)]
            self._tables.adopt(fresh._tables, key, [here.index(self._shared[meaning].handle) for meaning in there])

    # The state as a whole

    def _keys(self) -> list[tuple[str, ...]]:
        return [stats[0] for stats in self._tables.stats()]

    def stats(self) -> list[TableStats]:
        """How full each table is."""
        return [TableStats(*found) for found in self._tables.stats()]

    def _head(self) -> bytes:
        by_handle = {shared.handle: shared.counter for shared in self._shared.values()}
        tables = [
            _TableShot(key, [(by_handle[handle], since_us) for handle, since_us in self._tables.order(key)], horizon_us, evicted)
            for key, _, _, _, evicted, horizon_us in self._tables.stats()
        ]
        shot = _Shot(VERSION, self.shard, self.shards, self._tables.newest_us, tables)
        packed = msgspec.msgpack.encode(shot)
        return struct.pack("<I", len(packed)) + packed

    def _whole(self) -> Iterator[bytes]:
        yield self._head()
        for number, key in enumerate(self._keys()):
            data = self._tables.dump(key)
            yield _CHUNK.pack(number, len(data)) + data

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes. Layout: size u32 and a MessagePack head, then chunks (table u32, size u64, keys)."""
        return b"".join(self._whole())

    def snapshot_parts(self, keys: int = 10_000) -> Iterator[bytes]:
        """The snapshot as of this call in parts of about so many keys, while the state goes on: what changes meanwhile is put aside first.

        Joined, the parts are what `restore` takes; the order of the keys in them is free. Raises RuntimeError when counters are added or
        removed before the last part was taken: begin again.
        """
        tables, head, token = self._tables, self._head(), self._tables.freeze()
        order = self._keys()

        def parts() -> Iterator[bytes]:
            yield head
            for number, key in enumerate(order):
                while True:
                    data = tables.part(token, key, keys)
                    if data:
                        yield _CHUNK.pack(number, len(data)) + data
                    elif not tables.left(key):
                        break
            tables.thaw()

        return parts()

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`, for the counters declared now: those that the snapshot lacks begin here, those that are no longer declared go.

        Raises ValueError, and changes nothing, for bytes of another version or shard.
        """
        shot, contents = _unpack(data)
        if (shot.version, shot.shard, shot.shards) != (VERSION, self.shard, self.shards):
            raise ValueError("counters: the snapshot is of another version or shard")
        if not all(-1 <= time_us <= TIME_LIMIT_US for time_us in _times(shot)) or not all(
            0 <= table.evicted < 1 << 63 for table in shot.tables
        ):
            raise ValueError("counters: the snapshot has a number out of range")
        shown = [counter for table in shot.tables for counter, _ in table.counters]
        for counter in shown:
            check_counter(msgspec.structs.replace(counter, name="c"))
        if len({table.key for table in shot.tables}) < len(shot.tables) or len(set(shown)) < len(shown):
            raise ValueError("counters: the snapshot names a table or a counter twice")
        if any(counter.key != table.key for table in shot.tables for counter, _ in table.counters):
            raise ValueError("counters: the snapshot has a counter in a table of another key")
        tables = self._make_tables(self.capacity_bytes, self.shard, self.shards)
        handles: dict[Counter, int] = {}
        stored = {table.key: table for table in shot.tables}
        content = {table.key: b"".join(chunks) for table, chunks in zip(shot.tables, contents, strict=True)}
        by_key: dict[tuple[str, ...], list[Counter]] = {}
        for meaning in self._shared:
            by_key.setdefault(meaning.key, []).append(meaning)
        for key in sorted(by_key, key=lambda key: list(stored).index(key) if key in stored else len(stored)):
            table = stored.get(key)
            old = [counter for counter, _ in table.counters] if table else []
            since = dict(table.counters) if table else {}
            kept = [counter for counter in old if counter in self._shared]
            now = [*kept, *(counter for counter in by_key[key] if counter not in since)]
            for counter in now:
                handles[counter] = self._install(tables, counter, since.get(counter, shot.newest_us))
            if table:
                places: Sequence[int] = [now.index(counter) if counter in since and counter in self._shared else -1 for counter in old]
                tables.load(key, table.horizon_us, table.evicted, [spec_of(counter) for counter in old], places, content[key])
        tables.newest_us = shot.newest_us
        self._tables = tables
        for counter, handle in handles.items():
            self._shared[counter].handle = handle

    def digest(self) -> str:
        """SHA-256 of the snapshot, table by table."""
        found = hashlib.sha256()
        for part in self._whole():
            found.update(part)
        return found.hexdigest()


def backfill(
    counters: Counters, declarations: Iterable[Counter], records: Iterable[Record], progress: Callable[[int], None] | None = None
) -> Counters:
    """Counters computed over history, beside the running state: for `Counters.adopt` once they have caught up with it.

    records: from the first one on, in order; more can be applied later. progress: told the seq every 10,000 records.
    """
    fresh = counters.beside(declarations)
    for record in records:
        if record.seq > fresh.applied_seq:
            fresh.apply(record)
            fresh.applied_seq = record.seq
            if progress is not None and record.seq % 10_000 == 0:
                progress(record.seq)
    return fresh


def _unpack(data: bytes) -> tuple[_Shot, list[list[bytes]]]:
    """The head of a snapshot, and the chunks of each of its tables. Raises ValueError."""
    try:
        (size,) = struct.unpack_from("<I", data)
        shot = msgspec.msgpack.decode(data[4 : 4 + size], type=_Shot)
        at, contents = 4 + size, [list[bytes]() for _ in shot.tables]
        while at < len(data):
            number, length = _CHUNK.unpack_from(data, at)
            at += _CHUNK.size
            if number >= len(contents) or length > len(data) - at:
                raise ValueError("counters: not a snapshot: a part is cut off")
            contents[number].append(data[at : at + length])
            at += length
    except (msgspec.MsgspecError, struct.error) as error:
        raise ValueError(f"counters: not a snapshot: {error}") from None
    return shot, contents


def _times(shot: _Shot) -> Iterable[int]:
    yield shot.newest_us
    for table in shot.tables:
        yield table.horizon_us
        yield from (since_us for _, since_us in table.counters)


def _conditions(counter: Counter) -> tuple[str, ...]:
    texts = (counter.of if counter.kind == "ratio" else "", counter.where)
    return tuple(text for text in texts if text)
