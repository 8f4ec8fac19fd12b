"""The journal's index in SQL: what is the same in every database. `engine.sql.index` is the one in SQLite, `engine.servers.index` the one on a server.

    class Index(SqlIndex): …                     # says how rows are read, written and removed there
    index.find_key("message:9c…", 100)           # the newest records that carry a key
    for record in index.read(1, 100): …          # a page at a time
    index.erase("account:5f…", at_us)            # a page at a time too: (256, 4711), then from 4711 on
    index.verify()                               # (120000, [])

A record is filed under 64-bit hashes (`engine.record.lookup_hash`); whoever looks up compares the record itself.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, Select, bindparam, delete, func, insert, select, tuple_

from wardline.engine.record import Record, encode, lookup_hash
from wardline.engine.sql import schema

PAGE = 256
WINDOW = 4 * PAGE
# The pause between two statements of a batch: whoever waits for the interpreter gets it now, instead of after 5 ms, which is longer than a
# decision takes.
BREATH_S = 0.0001
# Where `expire` begins.
FIRST = (-(1 << 63), 0)
# Room for strangers with the same 64-bit hash: one would already be a rarity.
STRANGERS = 4
DEFECTS_LIMIT = 100
# A row that SQLite keeps as a blank has schema_version 0 or less; a server has none.
LIVE = schema.records.c.schema_version > 0
NEWEST_FILED = (
    select(schema.records)
    .join(schema.lookups, schema.lookups.c.seq == schema.records.c.seq)
    .where(schema.lookups.c.hash == bindparam("hash"), LIVE)
    .order_by(schema.lookups.c.seq.desc())
    .limit(bindparam("limit"))
)
_keys_decoder = msgspec.json.Decoder(tuple[str, ...])


class Gap(msgspec.Struct, frozen=True):
    """Records that are gone: inclusive range of seq, when (microseconds since the epoch), and why: "subject" or "damage"."""

    first_seq: int
    last_seq: int
    at_us: int
    reason: str


class Sealed(msgspec.Struct, frozen=True):
    """One vault entry as it is stored: subject and id only as hashes, the content sealed."""

    seq: int
    subject_hash: int
    class_: str
    id_hash: int
    expires_us: int
    sealed: bytes


def row_of(record: Record) -> tuple[Any, ...]:
    """A record as a row of `schema.records`."""
    return (
        record.seq,
        record.shard,
        record.kind,
        record.id,
        record.time_us,
        record.point,
        record.subject,
        msgspec.json.encode(record.keys).decode(),
        record.schema_version,
        zlib.crc32(encode(record)),
        record.body,
    )


def bytes_of(row: Sequence[Any]) -> tuple[Any, ...]:
    """The same row for a server, where texts lie as UTF-8; what damage left in a text goes through as it is."""
    return tuple(value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value for value in row)


def record_of(row: Sequence[Any]) -> Record:
    """The record in a row of `schema.records`."""
    seq, shard, kind, id, time_us, point, subject, keys, schema_version, _, body = row
    return Record(seq, shard, kind, id, time_us, point, subject, _keys_decoder.decode(keys), schema_version, body)


def intact(row: Sequence[Any]) -> bool:
    """Whether a row of `schema.records` is the record that its checksum was made of."""
    try:
        return zlib.crc32(encode(record_of(row))) == int(row[-2])
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError):
        return False


def page_query(from_seq: int, to_seq: int, kinds: Sequence[str] | None) -> Select[Any]:
    """A page of live records in order. COALESCE keeps every database from its index of kinds, whose records it would sort anew for every page."""
    table = schema.records
    query = select(table).where(table.c.seq.between(from_seq, to_seq), LIVE).order_by(table.c.seq).limit(PAGE)
    return query if kinds is None else query.where(func.coalesce(table.c.kind, table.c.kind).in_(list(kinds)))


def pages(
    rows: Callable[[Select[Any], Mapping[str, Any]], Sequence[Any]], from_seq: int, to_seq: int, kinds: Sequence[str] | None
) -> Iterator[Record]:
    """Records in order, both ends included, a page at a time; `rows` asks a database.

    A page looks no further than a window, which widens where little is found: a database that chooses to sort all that it looks at (PostgreSQL
    without statistics) still reads a journal through in time with its length, not with the square of it.
    """
    window = WINDOW
    while from_seq <= to_seq:
        end_seq = min(to_seq, from_seq + window - 1)
        page = rows(page_query(from_seq, end_seq, kinds), {})
        for row in page:
            yield record_of(row)
        full = len(page) == PAGE
        from_seq = page[-1].seq + 1 if full else end_seq + 1
        window = WINDOW if full else window * 2


def joined(seqs: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending places as inclusive ranges: 1, 2, 3, 7 -> (1, 3), (7, 7)."""
    ranges: list[tuple[int, int]] = []
    for seq in seqs:
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges


class SqlIndex:
    """See the module, and `engine.sql.indices.JournalIndex`."""

    # How a database does it

    def _rows(self, statement: Executable, given: Mapping[str, Any]) -> Sequence[Any]:
        """All rows of a query."""
        raise NotImplementedError

    def _newest(self, hash: int, limit: int) -> Sequence[Any]:
        """The newest rows of `schema.records` that are filed under a hash."""
        raise NotImplementedError

    def _begin(self) -> AbstractContextManager[Connection]:
        """A transaction that is committed at the end."""
        raise NotImplementedError

    def _remove(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Remove records and what they are found by."""
        raise NotImplementedError

    # Reading

    def find_key(self, key: str, limit: int) -> list[Record]:
        """The newest records that carry a key, newest first, at most `limit`."""
        found = map(record_of, self._newest(lookup_hash("key", key), limit + STRANGERS))
        return [record for record in found if key in record.keys][:limit]

    def find_subject(self, subject: str, limit: int) -> list[Record]:
        """The newest records of a subject, newest first, at most `limit`."""
        found = map(record_of, self._newest(lookup_hash("subject", subject), limit + STRANGERS))
        return [record for record in found if record.subject == subject][:limit]

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        """Records in order, both ends included. Reads a page at a time, so that no transaction stays open between two records."""
        return pages(self._rows, from_seq, to_seq, kinds)

    def gaps(self, from_seq: int = 0, to_seq: int | None = None) -> list[Gap]:
        """What is gone from a range, in order."""
        table = schema.erased
        query = select(table).where(table.c.last_seq >= from_seq).order_by(table.c.first_seq)
        if to_seq is not None:
            query = query.where(table.c.first_seq <= to_seq)
        return [Gap(row.first_seq, row.last_seq, row.at_us, row.reason) for row in self._rows(query, {})]

    def expired_before_us(self) -> dict[str, int]:
        """Per kind, the time before which retention removed everything."""
        return {row.kind: row.before_us for row in self._rows(select(schema.expired), {})}

    def taken_before_us(self) -> dict[str, int]:
        """The same for kinds of which retention did take a record. Where nobody noted whether it did (a journal that was moved), it did."""
        noted = {row.name: int(row.value) for row in self._rows(select(schema.facts), {})}
        found = {kind: noted.get(f"taken_{kind}", before_us) for kind, before_us in self.expired_before_us().items()}
        return {kind: before_us for kind, before_us in found.items() if before_us > 0}

    def verify(self) -> tuple[int, list[str]]:
        """Read everything and compare checksums. Gives the number of records and a line for each defect (at most 100)."""
        defects: list[str] = []
        count, after = 0, 0
        query = select(schema.records).where(schema.records.c.seq > bindparam("after"), LIVE).order_by(schema.records.c.seq).limit(PAGE)
        while len(defects) < DEFECTS_LIMIT:
            rows = self._rows(query, {"after": after})
            count += len(rows)
            defects += [f"record {row.seq}: the checksum does not match" for row in rows if not intact(row)]
            if len(rows) < PAGE:
                break
            after = rows[-1].seq
        return count, defects[:DEFECTS_LIMIT]

    # Removing

    def erase(self, subject: str, at_us: int, after_seq: int = 0) -> tuple[int, int | None]:
        """Remove a page of the records whose subject this is or that carry it among their keys, from the place `after_seq` on.

        Gives how many and where the next page begins, None when none are left. `checkpoint` makes it final.
        """
        table = schema.records
        with self._begin() as connection:
            seqs = _filed(connection, (lookup_hash("subject", subject), lookup_hash("key", subject)), after_seq)
            rows = connection.execute(select(table).where(table.c.seq.in_(seqs), LIVE).order_by(table.c.seq)).all()
            victims = [row for row in rows if _is_of(record_of(row), subject)]
            self._remove(connection, victims)
            _note_gaps(connection, joined(row.seq for row in victims), at_us, "subject")
        return len(victims), seqs[-1] if len(seqs) == PAGE else None

    def expire(self, kind: str, before_us: int, after: tuple[int, int] = FIRST) -> tuple[int, tuple[int, int]]:
        """Remove a page of records of a kind that are older than a time, oldest first, from the place `after` (time_us, seq) on.

        Gives how many and where the next page begins; fewer than PAGE means that none are left. Let the indexer have its turn in between.
        """
        table = schema.records
        with self._begin() as connection:
            query = (
                select(table)
                .where(table.c.kind == kind, table.c.time_us < before_us, tuple_(table.c.time_us, table.c.seq) > after, LIVE)
                .order_by(table.c.time_us, table.c.seq)
                .limit(PAGE)
            )
            rows = connection.execute(query).all()
            self._remove(connection, rows)
            _note_taken(connection, kind, before_us if rows else None)
            connection.execute(delete(schema.expired).where(schema.expired.c.kind == kind))
            connection.execute(insert(schema.expired).values(kind=kind, before_us=before_us))
        return len(rows), (rows[-1].time_us, rows[-1].seq) if rows else after

    def note_lost(self, ranges: Sequence[tuple[int, int]], at_us: int) -> None:
        """Write down records that were answered and cannot be read any more."""
        with self._begin() as connection:
            _note_gaps(connection, ranges, at_us, "damage")


def _note_taken(connection: Connection, kind: str, before_us: int | None) -> None:
    """Note that retention took records from before a time, or (None) that it looked and took none."""
    facts, expired, name = schema.facts, schema.expired, f"taken_{kind}"
    if before_us is None:
        if connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar() is not None:
            return
        before_us = connection.execute(select(expired.c.before_us).where(expired.c.kind == kind)).scalar() or 0
    connection.execute(delete(facts).where(facts.c.name == name))
    connection.execute(insert(facts).values(name=name, value=before_us))


def _filed(connection: Connection, hashes: Iterable[int], after_seq: int) -> list[int]:
    """A page of the places that are filed under any of these hashes, ascending.

    One query for each hash: it is read in the order of the key then, whereas all of them together are sorted anew for every page.
    """
    filed = schema.lookups.c
    found: set[int] = set()
    for hash in hashes:
        query = select(filed.seq).where(filed.hash == hash, filed.seq > after_seq).order_by(filed.seq).limit(PAGE)
        found.update(int(row.seq) for row in connection.execute(query))
    return sorted(found)[:PAGE]


def _is_of(record: Record, subject: str) -> bool:
    return record.subject == subject or subject in record.keys


def _note_gaps(connection: Connection, ranges: Sequence[tuple[int, int]], at_us: int, reason: str) -> None:
    if ranges:
        connection.execute(insert(schema.erased), [{"first_seq": a, "last_seq": b, "at_us": at_us, "reason": reason} for a, b in ranges])
