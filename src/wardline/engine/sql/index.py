"""The searchable side of the journal in SQLite (`engine.servers.index`: on a server): rows in SQL, written in big batches behind the commit log, read by everyone.

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
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Engine, Executable, bindparam, delete, func, select, text, update
from sqlalchemy.exc import DatabaseError, OperationalError

from wardline.base.storage import StorageDamaged
from wardline.engine.record import Record, decode, lookup_hash, lookup_hashes
from wardline.engine.sql import schema
from wardline.engine.sql.query import Query, Readers
from wardline.engine.sql.sql_index import BREATH_S, DEFECTS_LIMIT, LIVE, NEWEST_FILED, STRANGERS, Sealed, SqlIndex, record_of, row_of
from wardline.engine.sql.vault_rows import QuickVaultTables

# Rows per statement.
CHUNK = 32
MARGIN_ROWS = 1024
# The checksum of a row that was blanked becomes a number that SQLite stores in as many bytes (file format §2.1).
SAME_WIDTH = ((0, 0), (1, 1), (127, 100), (32_767, 1000), (8_388_607, 100_000), (2_147_483_647, 10_000_000), (1 << 32, 3_000_000_000))

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
NEWEST = Query(NEWEST_FILED)


class Index(SqlIndex):
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
                _insert(connection, schema.records.name, [row_of(record) for record in part])
                _insert(connection, schema.lookups.name, sorted((place, record.seq) for record in part for place in lookup_hashes(record)))
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

    def _newest(self, hash: int, limit: int) -> Sequence[Any]:
        return self.readers.rows(NEWEST, hash=hash, limit=limit)

    def _begin(self) -> AbstractContextManager[Connection]:
        return self.engine.begin()

    def _remove(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Overwrite records where they lie: SQLite writes a row of the same size in place, whereas a deleted row can live on as an old copy."""
        if not rows:
            return
        records = [record_of(row) for row in rows]
        values = [
            (
                " " * len(record.id.encode()),
                " " * len(record.subject.encode()),
                " " * len(msgspec.json.encode(record.keys)),
                0 if record.schema_version == 1 else -record.schema_version,
                next(same for limit, same in SAME_WIDTH if row.crc <= limit),
                bytes(len(record.body)),
                record.seq,
            )
            for record, row in zip(records, rows, strict=True)
        ]
        places = [(place, record.seq) for record in records for place in lookup_hashes(record)]
        connection.exec_driver_sql("UPDATE records SET id=?, subject=?, keys=?, schema_version=?, crc=?, body=? WHERE seq=?", values)
        connection.exec_driver_sql("DELETE FROM lookups WHERE hash=? AND seq=?", places)

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
        """The same, after SQLite's own check of the file."""
        with self.engine.connect() as connection:
            state = schema.is_sound(connection)
        count, defects = super().verify()
        return count, ([] if state == "ok" else [f"database: {state}"]) + defects[:DEFECTS_LIMIT]

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


def decoded(payload: bytes) -> Record:
    """A record from the commit log. Raises StorageDamaged for bytes that no version of this program wrote."""
    try:
        return decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StorageDamaged(
            f"a record of the commit log cannot be read: {error}", "log", "Restore the last backup (wardline restore)."
        ) from error
