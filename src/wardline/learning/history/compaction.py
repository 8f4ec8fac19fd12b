"""Compaction: from the journal's records to the history's files, and the tail that is not there yet.

    compacted = compact(history, journal)        # Compacted(records=131072, files=4, …)
    session = Session(history, tail(history, journal))

The manifest's `compacted_seq` says how far it went; it moves together with the files, so that a crash at any moment neither loses a record
nor counts one twice. Records that hold no event of a domain (mail has records of its own form) are passed over. The journal keeps its
records: removing them is retention's business, and a replay needs them.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
import pyarrow as pa

from wardline.base.clock import when
from wardline.engine.kept import KeptDecision, KeptEvent, kept_record
from wardline.engine.record import Record
from wardline.learning.history.columns import COLUMN_LIMIT, columns
from wardline.learning.history.store import History

RUN_RECORDS = 65_536
GROUPS_LIMIT = 400
MIXED = "0000-00-00"

Declared = Mapping[str, Mapping[str, str]]


class Source(Protocol):
    """What is needed of a journal (`engine.store.journal.Journal`)."""

    @property
    def last_seq(self) -> int: ...

    @property
    def durable_seq(self) -> int: ...

    def read(self, from_seq: int = 1, to_seq: int | None = None, kinds: tuple[str, ...] | None = None) -> Iterator[Record]: ...


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """What one compaction did. records: rows written; merged: small files that were put together; removed: rows beyond the journal's end."""

    records: int = 0
    files: int = 0
    merged: int = 0
    removed: int = 0
    compacted_seq: int = 0
    size_bytes: int = 0


def compact(
    history: History,
    journal: Source,
    *,
    declared: Declared | None = None,
    run_records: int = RUN_RECORDS,
) -> Compacted:
    """Write what the journal has and the history has not. Blocks; several at once take turns. Raises StorageError, OSError (full disk).

    declared: event type -> name -> kind, for names that the history has not met; those under "" hold for every type.
    """
    records = files = removed = size = 0
    with history.writing() as manifest:
        first, end = manifest.compacted_seq + 1, journal.durable_seq
        if manifest.compacted_seq > journal.last_seq:
            removed = history.cut(manifest, journal.last_seq)
            first = manifest.compacted_seq + 1
        while first <= end:
            batch = list(itertools.islice(journal.read(first, end, ("event", "decision")), run_records))
            through = batch[-1].seq if len(batch) == run_records else end
            new = []
            for (type, day), rows in _grouped(batch).items():
                table, kinds = columns(rows, manifest.kinds.get(type, {}), declared_for(declared, type))
                manifest.kinds[type] = kinds
                part = history.write(manifest, type, day, table)
                new.append(part)
                records, files, size = records + part.rows, files + 1, size + part.size_bytes
            manifest.compacted_seq = through
            history.commit(manifest, new)
            first = through + 1
        merged = history.merge(manifest)
        return Compacted(
            records=records, files=files, merged=merged, removed=removed, compacted_seq=manifest.compacted_seq, size_bytes=size
        )


def _grouped(records: list[Record]) -> dict[tuple[str, str], list[tuple[Record, KeptEvent]]]:
    groups: dict[tuple[str, str], list[tuple[Record, KeptEvent]]] = {}
    for record in records:
        kept = kept_record(record)
        if kept is not None:
            groups.setdefault((kept.type, day_of(kept.occurred_us)), []).append((record, kept))
    # Senders state their own times: a clock gone mad must not make a file for every second record.
    if len(groups) > GROUPS_LIMIT:
        for key in sorted(groups, key=lambda key: (-len(groups[key]), key))[GROUPS_LIMIT:]:
            groups.setdefault((key[0], MIXED), []).extend(groups.pop(key))
    return dict(sorted(groups.items()))


def day_of(time_us: int) -> str:
    """The day (UTC) of a time in microseconds; times that no calendar has go to its first and last day."""
    return when(time_us).date().isoformat()


def tail(history: History, journal: Source, declared: Declared | None = None) -> dict[str, pa.Table]:
    """Event type -> table of the records that the history has not yet, in its own columns and kinds."""
    manifest = history.manifest()
    groups: dict[str, list[tuple[Record, KeptEvent]]] = {}
    for (type, _), rows in _grouped(list(journal.read(manifest.compacted_seq + 1, None, ("event", "decision")))).items():
        groups.setdefault(type, []).extend(rows)
    return {
        type: columns(sorted(rows, key=lambda row: row[0].seq), manifest.kinds.get(type, {}), declared_for(declared, type))[0]
        for type, rows in groups.items()
    }


def names_waiting(history: History, journal: Source) -> dict[str, set[str]]:
    """Event type -> names in the records that the history has not yet: what a question may name before they are compacted. Reads them all, which
    takes a small part of the time of compacting them."""
    found: dict[str, set[str]] = {}
    for record in journal.read(history.manifest().compacted_seq + 1, None, ("event", "decision")):
        kept = kept_record(record)
        if kept is not None:
            names = found.setdefault(kept.type, set())
            if len(names) < COLUMN_LIMIT:  # more can be no columns, and bound the memory
                names.update(kept.facts, kept.read if isinstance(kept, KeptDecision) else ())
    return found


def declared_for(declared: Declared | None, type: str) -> dict[str, str]:
    """The declared names of one event type and their kinds."""
    return {**(declared or {}).get("", {}), **(declared or {}).get(type, {})}
