"""The searchable side of the journal in PostgreSQL or MariaDB: what `engine.sql.index` is for SQLite, for whoever runs a server already.

    journal = Journal.open(path, index=on_server(read_address("postgresql+psycopg://wardline@db.example.com/wardline")))

The commit log stays in the data folder in front of it: an answer is durable there before it leaves, and the server may go away for a while.
The server must keep what it has confirmed; where it did not (a dump that was put back, a replica that lagged), what the commit log still
holds is written again, and the rest is told as lost, never passed over.

A data folder and its database belong together: `database.json` names the database, and how far it was known to have come. Records are
removed with DELETE. The server may keep old row versions and its own logs for a while: docs/operate/databases.md says how long.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, bindparam, delete, select, tuple_, update

from wardline.base.storage import DiskFiles, Folder, StorageDamaged, StorageError, write_atomic
from wardline.engine.record import Record, lookup_hash, lookup_hashes
from wardline.engine.servers.address import Address
from wardline.engine.servers.link import Link
from wardline.engine.servers.note import Note, read_note, write_note, written
from wardline.engine.sql import schema
from wardline.engine.sql.indices import ELSEWHERE, EMBEDDED, OpenIndex
from wardline.engine.sql.sql_index import BREATH_S, NEWEST_FILED, PAGE, STRANGERS, Sealed, SqlIndex, bytes_of, pages, record_of, row_of
from wardline.engine.sql.vault_rows import VaultTables

CHUNK = 128
NOTE_S = 10.0

_records, _lookups = schema.records, schema.lookups
_OLDEST = (
    select(_records)
    .join(_lookups, _lookups.c.seq == _records.c.seq)
    .where(_lookups.c.hash == bindparam("hash"))
    .order_by(_lookups.c.seq)
    .limit(STRANGERS)
)
# Not DISTINCT: as long as PostgreSQL has no statistics it would sort the whole table for every page.
_FILED = select(_lookups.c.hash).where(_lookups.c.hash >= bindparam("first")).order_by(_lookups.c.hash).limit(bindparam("limit"))


class ServerIndex(SqlIndex):
    """See the module, and `engine.sql.indices.JournalIndex`."""

    def __init__(self, link: Link, folder: Folder, note: Note, indexed_seq: int) -> None:
        self._link = link
        self._folder = folder
        self._note = note
        self._noted_s = time.monotonic()
        self.indexed_seq = link.indexed_seq = indexed_seq
        self.promised_seq = max(indexed_seq, note.seq)
        self.vault = VaultTables(link.transaction, self._rows, self._look)

    @property
    def where(self) -> str:
        """The database, without its password."""
        return self._link.where

    @property
    def may_be_away(self) -> bool:
        """A server may."""
        return True

    def _rows(self, statement: Executable, given: Mapping[str, Any]) -> Sequence[Any]:
        return self._link.rows(statement, given)

    def _look(self, statement: Executable, given: Mapping[str, Any]) -> Sequence[Any]:
        return self._link.rows(statement, given, quick=True)

    # Writing

    def write(
        self, batch: Sequence[Record], sealed: Sequence[Sealed] = (), slots: Sequence[tuple[int, int]] = (), through_seq: int = 0
    ) -> None:
        """Add records, vault entries and key slots in one transaction. Repeating it after a crash or a lost connection changes nothing."""
        entries = [(s.seq, s.subject_hash, s.class_.encode(), s.id_hash, s.expires_us, s.sealed) for s in sealed]
        insert_rows = self._link.dialect.insert
        with self._link.transaction() as connection:
            for start in range(0, len(batch), CHUNK):
                part = batch[start : start + CHUNK]
                insert_rows(connection, "records", [bytes_of(row_of(record)) for record in part])
                insert_rows(connection, "lookups", sorted((place, record.seq) for record in part for place in lookup_hashes(record)))
                time.sleep(BREATH_S)
            insert_rows(connection, "vault", entries)
            insert_rows(connection, "vault_keys", slots)
            if through_seq > self.indexed_seq:
                connection.execute(update(schema.facts).where(schema.facts.c.name == "indexed_seq").values(value=through_seq))
        self.indexed_seq = self._link.indexed_seq = max(self.indexed_seq, through_seq)
        if time.monotonic() - self._noted_s > NOTE_S:
            self._write_note()

    def _write_note(self) -> None:
        self._noted_s = time.monotonic()
        self._note = msgspec.structs.replace(self._note, seq=self.indexed_seq, where=self.where)
        write_note(self._folder, self._note)

    def tend(self) -> None:
        """Reach for a server that was away; keep the writer's session alive. Raises StorageBusy while it is away."""
        self._link.tend()

    # Reading

    def find_id(self, kind: str, id: str) -> Record | None:
        """The first record of a kind with this id: one trip to the server."""
        for row in self._look(_OLDEST, {"hash": lookup_hash("id", f"{kind}/{id}")}):
            if row.kind == kind and row.id == id:
                return record_of(row)
        return None

    def filed(self, first: int, limit: int) -> list[int]:
        """A page of the hashes under which records are filed, each once, ascending, from `first` on; none at the end."""
        return list(dict.fromkeys(int(row.hash) for row in self._rows(_FILED, {"first": first, "limit": limit})))

    def _newest(self, hash: int, limit: int) -> Sequence[Any]:
        return self._rows(NEWEST_FILED, {"hash": hash, "limit": limit})

    # Removing

    def _begin(self) -> AbstractContextManager[Connection]:
        return self._link.transaction()

    def _remove(self, connection: Connection, rows: Sequence[Any]) -> None:
        if not rows:
            return
        places = sorted({(place, row.seq) for row in rows for place in lookup_hashes(record_of(row))})
        for start in range(0, len(places), PAGE):
            pairs = places[start : start + PAGE]
            connection.execute(delete(_lookups).where(tuple_(_lookups.c.hash, _lookups.c.seq).in_(pairs)))
        connection.execute(delete(_records).where(_records.c.seq.in_([row.seq for row in rows])))

    def reclaim(self) -> int:
        """Nothing to do: rows were deleted, not blanked, and the server uses their space again."""
        return 0

    def compact(self) -> None:
        """Have the server write the tables anew: VACUUM FULL, OPTIMIZE TABLE. It needs their size in free space."""
        with self._link.unlimited() as connection:
            self._link.dialect.compact(connection)

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """After an erasure (`truncate`) have the server drop old row versions where it can be asked to."""
        if truncate:
            with self._link.unlimited() as connection:
                self._link.dialect.scrub(connection)
        return True

    # Care

    def backup(self, folder: Path) -> int:
        """Write the note that names the database into a backup; its rows are saved by the server's own tools. Gives how far they go now.

        The note does not say how far: whichever dump is put back with this copy, older or newer, it fits.
        """
        write_atomic(DiskFiles(), folder / ELSEWHERE, written(msgspec.structs.replace(self._note, seq=0)))
        return self.indexed_seq

    def close(self) -> None:
        """Write down how far the database came, and end the sessions."""
        try:
            if self.indexed_seq > self._note.seq:
                self._write_note()
        finally:
            self._link.close()


class ServerReader:
    """A server's records for another process than the one that owns the database: no lock is taken, and nothing is made or written.

    indexed_seq: everything up to here was in it when it was opened. Raises StorageBusy when the server cannot be reached.
    """

    def __init__(self, address: Address) -> None:
        self._link = Link(address)
        facts = {row.name: int(row.value) for row in self._link.rows(select(schema.facts))}
        self.indexed_seq = facts.get("indexed_seq", 0)

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None = None) -> Iterator[Record]:
        """Records in order, both ends included, a page at a time."""
        return pages(self._link.rows, from_seq, to_seq, kinds)

    def close(self) -> None:
        """End the sessions."""
        self._link.close()


def on_server(address: Address, *, adopt: bool = False) -> OpenIndex:
    """Opens a data folder's index on a server. adopt: let a new folder take over a database that belonged to another one (fail-over).

    Opening raises StorageLocked when another process uses the database, StorageError when it cannot be reached, belongs to another folder or
    is newer than this program.
    """

    def opened(folder: Folder) -> ServerIndex:
        if folder.files.exists(folder.path / EMBEDDED):
            raise StorageError(
                "the journal of this data folder is embedded",
                str(folder.path / EMBEDDED),
                "Leave store.database empty, or choose a new data folder.",
            )
        link = Link(address)
        try:
            link.open()
            return _paired(link, folder, adopt)
        except BaseException:
            link.close()
            raise

    return opened


def _paired(link: Link, folder: Folder, adopt: bool) -> ServerIndex:
    """The index, once folder and database are known to belong together; a new pair is made here."""
    facts = {row.name: int(row.value) for row in link.rows(select(schema.facts))}
    database_id, indexed_seq = facts.get("database", 0), facts["indexed_seq"]
    note = read_note(folder)
    if facts.get("moving"):
        raise StorageError(
            "a move into this database was cut short", link.where, "Repeat `wardline migrate --to` from the folder that it began with."
        )
    if note is not None and note.id == database_id:
        return ServerIndex(link, folder, note, indexed_seq)
    if adopt and not database_id:
        raise StorageError("there is no journal in this database to take over", link.where, "Start without --adopt to begin a new one.")
    if database_id and not (adopt and note is None):
        raise StorageError(
            "the database belongs to another data folder",
            f"{folder.path} and {link.where}",
            "Give this folder a database of its own, or restore a backup of the folder that the database belongs to.",
        )
    if note is not None and note.seq and not database_id:
        raise StorageDamaged(
            f"the database is empty, and {note.seq} records of this folder were in it",
            f"{folder.path} and {link.where}",
            "Bring the right database back, or begin with a new data folder.",
        )
    # The note first: a folder with a note and an empty database is a pair that was not finished, the other way round it would be a stranger's.
    note = note or Note(link.dialect.name, link.where, database_id or secrets.randbits(62) + 1, indexed_seq)
    write_note(folder, note)
    with link.transaction() as connection:
        link.put(connection, "database", note.id)
    return ServerIndex(link, folder, note, indexed_seq)
