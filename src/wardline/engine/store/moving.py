"""Move a journal between SQLite in the data folder and a database server, or from one server to another; nothing runs on it meanwhile.

    moved = move(Path("/var/lib/wardline"), source=None, target=read_address("postgresql+psycopg://…"))      # None: SQLite in the folder
    moved.rows["records"]                                                                                    # 120000

Every row is copied, read back, and compared by number and checksum before the folder is switched over; until then the source alone counts,
and a move that was cut short is simply repeated. The source is not deleted: `moved.left` says what the operator removes, since later
erasures do not reach it.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import DatabaseError

from wardline.base.storage import Folder, StorageBusy, StorageDamaged, StorageError
from wardline.engine.servers.address import Address
from wardline.engine.servers.dialects import TABLES
from wardline.engine.servers.index import on_server
from wardline.engine.servers.link import Link
from wardline.engine.servers.note import Note, write_note
from wardline.engine.sql import schema
from wardline.engine.sql.index import Index
from wardline.engine.sql.indices import ELSEWHERE, EMBEDDED, embedded
from wardline.engine.sql.sql_index import LIVE, bytes_of, intact
from wardline.engine.store.journal import Journal

COPIED = (schema.records, schema.lookups, schema.vault, schema.vault_keys, schema.erased, schema.expired)
PAGE = 1000
NEW, LEFT = f"{EMBEDDED}.new", f"moved-{EMBEDDED}"

# Told after each page: what is being done ("copying", "comparing"), rows so far, rows in all.
Told = Callable[[str, int, int], None]
Row = Sequence[Any]


class Moved(msgspec.Struct, frozen=True):
    """rows: by table. damaged: records whose checksum did not match, moved as they were. where: the journal from now on. left: the old one."""

    rows: dict[str, int]
    damaged: int
    where: str
    left: str


def move(path: Path, source: Address | None, target: Address | None, told: Told = lambda what, done, total: None) -> Moved:
    """Move the journal of a data folder; None stands for SQLite in the folder. Blocks. Raises StorageError and its kinds."""
    if (source is None) == (target is None) and (source is None or str(source) == str(target)):
        raise StorageError("the journal is there already", str(target or path / EMBEDDED), "Give the database that it should move to.")
    with Folder.open(path) as folder:
        begun = folder.files.exists(path / EMBEDDED) and folder.files.exists(path / ELSEWHERE)
    if begun:
        return _finish(path, source, target)
    # What the commit log still holds comes first: opening and closing leaves it empty.
    with Journal.open(path, index=embedded if source is None else on_server(source)):
        pass
    try:
        with Folder.open(path) as folder, _side(folder, source) as old, _side(folder, target, new=True) as new:
            return _moved(folder, old, new, told)
    except DatabaseError as error:
        raise StorageError(f"the journal cannot be moved: {error.orig}", str(path), "Nothing was changed: see to it and repeat.") from None


def _moved(folder: Folder, old: "Side", new: "Side", told: Told) -> Moved:
    new.prepare()
    with old.reading() as connection:
        indexed_seq = _fact(connection, "indexed_seq")
        totals = {table.name: int(connection.execute(_counted(table)).scalar() or 0) for table in COPIED}
        total, done, damaged = sum(totals.values()), 0, 0
        sums: dict[str, tuple[int, str]] = {}
        for table in COPIED:
            check = Checksum()
            for page in _pages(connection, table):
                new.write(table, page)
                check.add(page)
                if table is schema.records:
                    damaged += sum(not intact(row) for row in page)
                done += len(page)
                told("copying", done, total)
            sums[table.name] = check.value
    done = 0
    with new.reading() as connection:
        for table in COPIED:
            check = Checksum()
            for page in _pages(connection, table):
                check.add(page)
                done += len(page)
                told("comparing", done, total)
            if check.value != sums[table.name]:
                raise StorageDamaged(
                    f"the copy of the table {table.name} differs: {check.count} rows of {sums[table.name][0]}",
                    new.where,
                    "The journal stays where it was. Empty the new database and try again.",
                )
    new.finish(indexed_seq)
    old.leave()
    return Moved({name: count for name, (count, _) in sums.items()}, damaged, new.where, old.left)


def _finish(path: Path, source: Address | None, target: Address | None) -> Moved:
    """Both are there, complete and equal: a move was cut short at its last step, and nothing can have been written since."""
    with Folder.open(path) as folder:
        if target is None:
            folder.files.remove(path / ELSEWHERE)
            left, where = "" if source is None else str(source), str(path / EMBEDDED)
        else:
            folder.files.replace(path / EMBEDDED, path / LEFT)
            left, where = str(path / LEFT), str(target)
        folder.files.sync_folder(path)
    return Moved({}, 0, where, left)


class Checksum:
    """Rows in the order of their key, as one BLAKE2b over their values."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = hashlib.blake2b(digest_size=16)
        self._encoder = msgspec.msgpack.Encoder()

    def add(self, rows: Sequence[Row]) -> None:
        """The next rows."""
        self.count += len(rows)
        for row in rows:
            # As bytes: a text with damaged bytes holds surrogates, which MessagePack refuses.
            self._digest.update(self._encoder.encode(bytes_of(row)))

    @property
    def value(self) -> tuple[int, str]:
        """(rows, digest)."""
        return self.count, self._digest.hexdigest()


class Side(Protocol):
    """Where a journal lies or will lie."""

    where: str
    left: str

    def prepare(self) -> None:
        """Make the tables; raises StorageError when something is in them."""
        ...

    def reading(self) -> contextlib.AbstractContextManager[Connection]: ...

    def write(self, table: Table, rows: Sequence[Row]) -> None: ...

    def finish(self, indexed_seq: int) -> None:
        """The new side counts from now on."""
        ...

    def leave(self) -> None:
        """The old side does not count any more."""
        ...


class FolderSide:
    """SQLite in the data folder; a new one under another name until it is complete."""

    def __init__(self, folder: Folder, new: bool) -> None:
        self._folder = folder
        self._path = folder.path / (NEW if new else EMBEDDED)
        self.where, self.left = str(folder.path / EMBEDDED), str(folder.path / LEFT)
        self._engine: Engine | None = None
        if not new:
            self._engine = schema.connect(self._path, read_only=True)

    def prepare(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._folder.files.remove(Path(f"{self._path}{suffix}"))
        self._folder.files.close(self._folder.files.open(self._path, create=True))
        self._engine = schema.connect(self._path)
        schema.migrate(self._engine, str(self._path))

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        assert self._engine is not None
        return self._engine.connect()

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        assert self._engine is not None
        with self._engine.begin() as connection:
            connection.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])

    def finish(self, indexed_seq: int) -> None:
        assert self._engine is not None
        with self._engine.begin() as connection:
            connection.execute(update(schema.facts).where(schema.facts.c.name == "indexed_seq").values(value=indexed_seq))
        self.close()
        # Closing moves SQLite's write-ahead log into the file.
        Index.open(self._path).close()
        self._folder.files.replace(self._path, self._folder.path / EMBEDDED)
        self._folder.files.sync_folder(self._folder.path)

    def leave(self) -> None:
        self.close()
        Index.open(self._path).close()
        self._folder.files.replace(self._path, self._folder.path / LEFT)
        self._folder.files.sync_folder(self._folder.path)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()


class ServerSide:
    """A database on a server, locked like the running service's."""

    def __init__(self, folder: Folder, address: Address) -> None:
        self._folder = folder
        self._link = Link(address)
        self._kind = address.kind
        self.where = self.left = str(address)
        self._link.open()

    def prepare(self) -> None:
        with self._link.transaction() as connection:
            if not _fact(connection, "database") and _fact(connection, "moving"):
                # Left by a move that was cut short.
                for table in COPIED:
                    connection.execute(delete(table))
            elif _fact(connection, "database") or any(connection.execute(select(table).limit(1)).first() for table in COPIED):
                raise StorageError("there is a journal in this database", self.where, "Give an empty one: make it anew, or another.")
            self._link.put(connection, "moving", 1)

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        return self._link.unlimited()

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        with self._link.transaction() as connection:
            if table.name in TABLES:
                self._link.dialect.insert(connection, table.name, [bytes_of(row) for row in rows])
            else:
                connection.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])

    def finish(self, indexed_seq: int) -> None:
        number = secrets.randbits(62) + 1
        with self._link.transaction() as connection:
            self._link.put(connection, "indexed_seq", indexed_seq)
            self._link.put(connection, "database", number)
            self._link.put(connection, "moving", 0)
        write_note(self._folder, Note(self._kind, self.where, number, indexed_seq))

    def leave(self) -> None:
        # From one server to another the note names the new one already.
        if self._folder.files.exists(self._folder.path / EMBEDDED):
            self._folder.files.remove(self._folder.path / ELSEWHERE)
            self._folder.files.sync_folder(self._folder.path)

    def close(self) -> None:
        self._link.close()


@contextlib.contextmanager
def _side(folder: Folder, address: Address | None, *, new: bool = False) -> Iterator[Side]:
    side = FolderSide(folder, new) if address is None else ServerSide(folder, address)
    try:
        yield side
    except StorageBusy as error:
        raise StorageError(error.what, error.where, "The journal stays where it was: see to the server and repeat.") from None
    finally:
        side.close()


def _counted(table: Table) -> Any:
    query = select(func.count()).select_from(table)
    return query.where(LIVE) if table is schema.records else query


def _pages(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """All rows in the order of the key, without those that SQLite keeps as blanks."""
    key = list(table.primary_key.columns)
    places = [table.columns.keys().index(column.name) for column in key]
    query = select(table).order_by(*key).limit(PAGE)
    if table is schema.records:
        query = query.where(LIVE)
    last: list[Any] | None = None
    while True:
        rows: list[Row] = list(connection.execute(query if last is None else query.where(_beyond(connection, key, last))))
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        last = [rows[-1][place] for place in places]


def _beyond(connection: Connection, key: Sequence[Column[Any]], last: Sequence[Any]) -> ColumnElement[bool]:
    """A key after another one. MariaDB begins anew at the table's first row for a comparison of whole keys, SQLite sorts for one by columns."""
    if connection.dialect.name not in ("mariadb", "mysql"):
        return tuple_(*key) > tuple_(*last)
    return or_(*(and_(*(key[i] == last[i] for i in range(n)), key[n] > last[n]) for n in range(len(key))))


def _fact(connection: Connection, name: str) -> int:
    return int(connection.execute(select(schema.facts.c.value).where(schema.facts.c.name == name)).scalar() or 0)
