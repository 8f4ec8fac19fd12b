"""The searchable side of the journal in SQLite (`engine.server_index`: on a server): rows in SQL, written in big batches behind the commit log, read by everyone.

    index = Index.open(folder / "journal.db")
    index.write(records, sealed, slots)          # one transaction, durable when it returns; index.indexed_seq moves
    index.find_id("decision", "01K…")            # Record | None
    list(index.read(1, 100, kinds=("event",)))

Rows go in with many values per statement: the interpreter lock is then released for a hundred rows at a time instead of one.
"""

import contextlib
import itertools
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Engine, Executable, Select, bindparam, delete, func, insert, literal_column, select, text, tuple_, update
from sqlalchemy.exc import DatabaseError, OperationalError

from wardline.base.storage import StorageDamaged
from wardline.engine import schema
from wardline.engine.query import Query, Readers
from wardline.engine.record import Record, decode, encode, lookup_hash, lookup_hashes
from wardline.engine.vault_rows import QuickVaultTables

PAGE = 256
# Rows per statement, and the pause between two statements.
CHUNK = 32
BREATH_S = 0.0001
MARGIN_ROWS = 1024
FIRST = (-(1 << 63), 0)
# A row that was blanked has schema_version 0 or less. Its checksum becomes a number that SQLite stores in as many bytes (file format §2.1).
LIVE = schema.records.c.schema_version > 0
SAME_WIDTH = ((0, 0), (1, 1), (127, 100), (32_767, 1000), (8_388_607, 100_000), (2_147_483_647, 10_000_000), (1 << 32, 3_000_000_000))
# Room for strangers with the same 64-bit hash: one would already be a rarity.
STRANGERS = 4

BY_SEQ = Query(select(schema.records).where(schema.records.c.seq == bindparam("seq"), LIVE))
OLDEST_FILED = Query(
    select(schema.lookups.c.seq).where(schema.lookups.c.hash == bindparam("hash")).order_by(schema.lookups.c.seq).limit(bindparam("limit"))
)
FILED = Query(
    select(schema.lookups.c.hash)
    .where(schema.lookups.c.hash >= bindparam("first"))
    .distinct()
    .order_by(schema.lookups.c.hash)
    .limit(bindparam("limit"))
)
NEWEST_FILED = Query(
    select(schema.records)
    .join(schema.lookups, schema.lookups.c.seq == schema.records.c.seq)
    .where(schema.lookups.c.hash == bindparam("hash"), LIVE)
    .order_by(schema.lookups.c.seq.desc())
    .limit(bindparam("limit"))
)
_keys_decoder = msgspec.json.Decoder(tuple[str, ...])


def page_query(from_seq: int, to_seq: int, kinds: Sequence[str] | None) -> Select[Any]:
    """A page of live records in order. The sign before `kind` keeps SQLite from its index of kinds, whose records it would sort anew for every
    page: reading a journal through would take time with the square of its length."""
    table = schema.records
    query = select(table).where(table.c.seq.between(from_seq, to_seq), LIVE).order_by(table.c.seq).limit(PAGE)
    return query if kinds is None else query.where(literal_column("+records.kind").in_(list(kinds)))


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


class Index:
    """See the module. One thread writes, any thread reads."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine
        self.readers = Readers(path)
        self.vault = QuickVaultTables(engine.begin, self._rows, self.readers)
        self.indexed_seq = 0

    @property
    def where(self) -> str:
        """The file, for messages."""
        return str(self.path)

    @property
    def promised_seq(self) -> int:
        """Nothing but the file itself says how far it came."""
        return self.indexed_seq

    @property
    def may_be_away(self) -> bool:
        """It lies in the folder."""
        return False

    def tend(self) -> None:
        """A file needs no looking after."""

    def _rows(self, statement: Executable, given: Mapping[str, Any]) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.execute(statement, given).all()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "Index":
        """Open or make the database. Raises StorageError for a newer schema, StorageDamaged for a file that is no database."""
        engine = schema.connect(path, read_only=read_only)
        try:
            if not read_only:
                schema.migrate(engine, str(path))
            index = cls(path, engine)
            with engine.connect() as connection:
                found = connection.execute(select(schema.facts.c.value).where(schema.facts.c.name == "indexed_seq")).scalar()
            index.indexed_seq = int(found or 0)
        except DatabaseError as error:
            engine.dispose()
            raise StorageDamaged(
                f"the journal cannot be opened: {error.orig}", str(path), "Restore the last backup (wardline restore)."
            ) from error
        return index

    def write(
        self, batch: Sequence[Record], sealed: Sequence[Sealed] = (), slots: Sequence[tuple[int, int]] = (), through_seq: int = 0
    ) -> None:
        """Add records, vault entries and key slots in one durable transaction. Repeating it after a crash changes nothing.

        through_seq: everything up to here is now in the index. Raises sqlalchemy.exc.OperationalError, full disk included.
        """
        entries = [(s.seq, s.subject_hash, s.class_, s.id_hash, s.expires_us, s.sealed) for s in sealed]
        with self.engine.begin() as connection:
            for start in range(0, len(batch), CHUNK):
                part = batch[start : start + CHUNK]
                _insert(connection, schema.records.name, [_row(record) for record in part])
                _insert(connection, schema.lookups.name, sorted((place, record.seq) for record in part for place in lookup_hashes(record)))
                # Lets go of the interpreter lock: a thread that waits for it gets it after 5 ms at the latest, which is longer than a decision takes.
                time.sleep(BREATH_S)
            _insert(connection, schema.vault.name, entries)
            _insert(connection, schema.vault_keys.name, slots, "REPLACE")
            if through_seq > self.indexed_seq:
                connection.execute(update(schema.facts).where(schema.facts.c.name == "indexed_seq").values(value=through_seq))
        self.indexed_seq = max(self.indexed_seq, through_seq)

    def get(self, seq: int) -> Record | None:
        """The record at a place, None when there is none."""
        rows = self.readers.rows(BY_SEQ, seq=seq)
        return record_of(rows[0]) if rows else None

    def find_id(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id."""
        for (seq,) in self.readers.rows(OLDEST_FILED, hash=lookup_hash("id", f"{kind}/{id}"), limit=STRANGERS):
            record = self.get(seq)
            if record is not None and record.kind == kind and record.id == id:
                return record
        return None

    def filed(self, first: int, limit: int) -> list[int]:
        """A page of the hashes under which records are filed (ids, subjects and keys), each once, ascending, from `first` on."""
        return [hash for (hash,) in self.readers.rows(FILED, first=first, limit=limit)]

    def find_key(self, key: str, limit: int) -> list[Record]:
        """The newest records that carry a key, newest first, at most `limit`."""
        return [record for record in self._newest("key", key, limit) if key in record.keys][:limit]

    def find_subject(self, subject: str, limit: int) -> list[Record]:
        """The newest records of a subject, newest first, at most `limit`."""
        return [record for record in self._newest("subject", subject, limit) if record.subject == subject][:limit]

    def _newest(self, what: str, value: str, limit: int) -> list[Record]:
        return [record_of(row) for row in self.readers.rows(NEWEST_FILED, hash=lookup_hash(what, value), limit=limit + STRANGERS)]

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        """Records in order, both ends included. Reads a page at a time, so that no transaction stays open between two records."""
        while from_seq <= to_seq:
            query = page_query(from_seq, to_seq, kinds)
            with self.engine.connect() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield record_of(row)
            if len(rows) < PAGE:
                return
            from_seq = rows[-1].seq + 1

    def gaps(self, from_seq: int = 0, to_seq: int | None = None) -> list[Gap]:
        """What is gone from a range, in order."""
        table = schema.erased
        query = select(table).where(table.c.last_seq >= from_seq).order_by(table.c.first_seq)
        if to_seq is not None:
            query = query.where(table.c.first_seq <= to_seq)
        with self.engine.connect() as connection:
            return [Gap(row.first_seq, row.last_seq, row.at_us, row.reason) for row in connection.execute(query)]

    def expired_before_us(self) -> dict[str, int]:
        """Per kind, the time before which retention removed everything."""
        with self.engine.connect() as connection:
            return {row.kind: row.before_us for row in connection.execute(select(schema.expired))}

    def erase(self, subject: str, at_us: int, after_seq: int = 0) -> tuple[int, int | None]:
        """Blank a page of the records whose subject this is or that carry it among their keys, from the place `after_seq` on.

        Gives how many and where the next page begins, None when none are left. `checkpoint` makes it final.
        """
        places = [lookup_hash("subject", subject), lookup_hash("key", subject)]
        filed = schema.lookups.c
        with self.engine.begin() as connection:
            query = select(filed.seq).where(filed.hash.in_(places), filed.seq > after_seq).distinct().order_by(filed.seq).limit(PAGE)
            seqs = [row.seq for row in connection.execute(query)]
            rows = connection.execute(
                select(schema.records).where(schema.records.c.seq.in_(seqs), LIVE).order_by(schema.records.c.seq)
            ).all()
            found = [(record_of(row), row.crc) for row in rows]
            victims = [(record, crc) for record, crc in found if record.subject == subject or subject in record.keys]
            _blank(connection, victims)
            self._note(connection, [record.seq for record, _ in victims], at_us, "subject")
        return len(victims), seqs[-1] if len(seqs) == PAGE else None

    def expire(self, kind: str, before_us: int, after: tuple[int, int] = FIRST) -> tuple[int, tuple[int, int]]:
        """Blank a page of records of a kind that are older than a time, oldest first, from the place `after` (time_us, seq) on.

        Gives how many and where the next page begins; fewer than PAGE means that none are left. Let the indexer have its turn in between.
        """
        table = schema.records
        with self.engine.begin() as connection:
            query = (
                select(table)
                .where(table.c.kind == kind, table.c.time_us < before_us, tuple_(table.c.time_us, table.c.seq) > after, LIVE)
                .order_by(table.c.time_us, table.c.seq)
                .limit(PAGE)
            )
            rows = connection.execute(query).all()
            _blank(connection, [(record_of(row), row.crc) for row in rows])
            connection.execute(delete(schema.expired).where(schema.expired.c.kind == kind))
            connection.execute(insert(schema.expired).values(kind=kind, before_us=before_us))
        return len(rows), (rows[-1].time_us, rows[-1].seq) if rows else after

    def reclaim(self) -> int:
        """Delete blank rows at the journal's beginning, all but the last thousand. Gives how many.

        A B-tree that shrinks copies neighbouring rows from page to page and leaves their old bytes behind. The margin makes all neighbours
        blank rows; deleting anywhere else could leave a trace of a record that is erased later. `compact` has no such limit.
        """
        table = schema.records
        with self.engine.begin() as connection:
            first_live = connection.execute(select(func.min(table.c.seq)).where(LIVE)).scalar()
            end = first_live if first_live is not None else self.indexed_seq + 1
            margin = connection.execute(
                select(table.c.seq).where(table.c.seq < end).order_by(table.c.seq.desc()).offset(MARGIN_ROWS).limit(1)
            ).scalar()
            if margin is None:
                return 0
            return int(connection.execute(delete(table).where(table.c.seq <= margin)).rowcount)

    def compact(self) -> None:
        """Write the database anew without blank rows and old bytes. Needs its size in free space and blocks writing meanwhile."""
        with self.engine.begin() as connection:
            connection.execute(delete(schema.records).where(schema.records.c.schema_version <= 0))
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))

    def _note(self, connection: Connection, seqs: Sequence[int], at_us: int, reason: str) -> None:
        ranges: list[list[int]] = []
        for seq in seqs:
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1][1] = seq
            else:
                ranges.append([seq, seq])
        for first, last in ranges:
            connection.execute(insert(schema.erased).values(first_seq=first, last_seq=last, at_us=at_us, reason=reason))

    def note_lost(self, ranges: Sequence[tuple[int, int]], at_us: int) -> None:
        """Write down records that were answered and cannot be read any more."""
        with self.engine.begin() as connection:
            for first, last in ranges:
                connection.execute(insert(schema.erased).values(first_seq=first, last_seq=last, at_us=at_us, reason="damage"))

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Move the write-ahead log into the database; truncate empties its file too. False when a reader was in the way."""
        with self.engine.connect() as connection:
            row = connection.execute(text(f"PRAGMA wal_checkpoint({'TRUNCATE' if truncate else 'PASSIVE'})")).first()
            return row is not None and row[0] == 0

    def backup(self, folder: Path) -> int:
        """A consistent copy of the database as of now, made in one step while others write; gives how far its index goes."""
        target = folder / self.path.name
        # Made first, so that nobody else can read the copy in a folder that others can enter.
        target.touch(mode=0o600)
        source = self.engine.raw_connection()
        try:
            with contextlib.closing(sqlite3.connect(target)) as copy:
                cast(sqlite3.Connection, source.driver_connection).backup(copy)
                return int(copy.execute("SELECT value FROM facts WHERE name = 'indexed_seq'").fetchone()[0])
        finally:
            source.close()

    def verify(self) -> tuple[int, list[str]]:
        """Read everything and compare checksums. Gives the number of records and a line for each defect (at most 100)."""
        defects: list[str] = []
        count = 0
        with self.engine.connect() as connection:
            state = schema.is_sound(connection)
        if state != "ok":
            defects.append(f"database: {state}")
        from_seq = 0
        while len(defects) < 100:
            with self.engine.connect() as connection:
                query = select(schema.records).where(schema.records.c.seq > from_seq, LIVE).order_by(schema.records.c.seq).limit(PAGE)
                rows = connection.execute(query).all()
            for row in rows:
                count += 1
                try:
                    intact = zlib.crc32(encode(record_of(row))) == row.crc
                except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError):
                    intact = False
                if not intact:
                    defects.append(f"record {row.seq}: the checksum does not match")
            if len(rows) < PAGE:
                break
            from_seq = rows[-1].seq
        return count, defects

    def close(self) -> None:
        """Close all connections. The last one moves the write-ahead log into the database."""
        self.readers.close()
        with contextlib.suppress(OperationalError):
            self.checkpoint(truncate=True)
        self.engine.dispose()


def _insert(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]], action: str = "IGNORE") -> None:
    """Many rows per statement through the driver itself."""
    if not rows:
        return
    width = len(rows[0])
    one = "(" + ",".join("?" * width) + ")"
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        # The table's name is one of this module's constants, the values are bound.
        statement = f"INSERT OR {action} INTO {table} VALUES " + ",".join([one] * len(part))  # noqa: S608
        connection.exec_driver_sql(statement, tuple(itertools.chain.from_iterable(part)))


def _row(record: Record) -> tuple[Any, ...]:
    keys = msgspec.json.encode(record.keys).decode()
    crc = zlib.crc32(encode(record))
    return (
        record.seq,
        record.shard,
        record.kind,
        record.id,
        record.time_us,
        record.point,
        record.subject,
        keys,
        record.schema_version,
        crc,
        record.body,
    )


def _blank(connection: Connection, victims: Sequence[tuple[Record, int]]) -> None:
    """Overwrite records where they lie: SQLite writes a row of the same size in place, whereas a deleted row can live on as an old copy.

    victims: each with the checksum in its row.
    """
    values = [
        (
            " " * len(record.id.encode()),
            " " * len(record.subject.encode()),
            " " * len(msgspec.json.encode(record.keys)),
            0 if record.schema_version == 1 else -record.schema_version,
            next(same for limit, same in SAME_WIDTH if crc <= limit),
            bytes(len(record.body)),
            record.seq,
        )
        for record, crc in victims
    ]
    places = [(place, record.seq) for record, _ in victims for place in lookup_hashes(record)]
    if values:
        connection.exec_driver_sql("UPDATE records SET id=?, subject=?, keys=?, schema_version=?, crc=?, body=? WHERE seq=?", values)
        connection.exec_driver_sql("DELETE FROM lookups WHERE hash=? AND seq=?", places)


def record_of(row: Any) -> Record:
    """A record from a row of `schema.records`."""
    seq, shard, kind, id, time_us, point, subject, keys, schema_version, _, body = row
    return Record(seq, shard, kind, id, time_us, point, subject, _keys_decoder.decode(keys), schema_version, body)


def decoded(payload: bytes) -> Record:
    """A record from the commit log. Raises StorageDamaged for bytes that no version of this program wrote."""
    try:
        return decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StorageDamaged(
            f"a record of the commit log cannot be read: {error}", "log", "Restore the last backup (wardline restore)."
        ) from error
