"""The tables behind the journal, in SQLAlchemy Core: the one place that knows them, so that another database needs no second schema.

    records    one row per record: seq, shard, kind, id, time_us, point, subject, keys (JSON), schema_version, crc, body
    lookups    (hash, seq): 64-bit hashes of "kind/id", subject and keys (`engine.record.lookup_hash`); readers compare the record itself
    vault      one row per sealed blob: seq, subject_hash, class, id_hash, expires_us, sealed
    vault_keys which slot of the key file belongs to a subject: subject_hash, slot
    erased     inclusive ranges of seq that are gone on purpose or by damage, with the reason
    expired    per kind of record, the time before which all were removed
    facts      name -> number: schema_version, indexed_seq, taken_KIND (0, or the time before which retention took records); on a server also
               database, writer, moving

Only hashes of subjects stand in randomly ordered indices: pages of a B-tree may keep traces of moved cells, and a hash of a pseudonym names
nobody. `migrations` upcasts an older folder, one step per version.

On a server (PostgreSQL, MariaDB, MySQL) texts lie in binary columns, as UTF-8: they come back exactly as they went in, the character NUL
included, and no collation takes "A" for "a" or cuts a trailing space.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB, VARBINARY
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator, TypeEngine

from wardline.base.storage import StorageError

SCHEMA_VERSION = 1


class Text(TypeDecorator[str]):
    """A text of at most `length` characters; without a length, up to 16 MiB. Costs SQLite nothing: it takes texts as they are."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """VARCHAR, BYTEA, or VARBINARY with room for four bytes a character."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.length))
        length = self.length
        return dialect.type_descriptor(LargeBinary() if dialect.name == "postgresql" else VARBINARY(length * 4) if length else MEDIUMBLOB())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """To UTF-8."""
        return None if dialect.name == "sqlite" else lambda value: value.encode() if value is not None else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From UTF-8. Bytes that are none, which only damage can leave, do not stop the reading: the checksum tells."""
        return None if dialect.name == "sqlite" else lambda value: bytes(value).decode("utf-8", "surrogateescape")


_content = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")

# SQLite gives a rowid table only to a column that is declared INTEGER.
_big = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("seq", _big, primary_key=True, autoincrement=False),
    Column("shard", Integer, nullable=False),
    Column("kind", Text(16), nullable=False),
    Column("id", Text(256), nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("point", Text(256), nullable=False),
    Column("subject", Text(256), nullable=False),
    Column("keys", Text(), nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("crc", BigInteger, nullable=False),
    Column("body", _content, nullable=False),
    Index("records_by_kind_and_time", "kind", "time_us"),
)

lookups = Table(
    "lookups",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

vault = Table(
    "vault",
    metadata,
    Column("seq", _big, primary_key=True, autoincrement=False),
    Column("subject_hash", BigInteger, nullable=False),
    Column("class", Text(32), nullable=False),
    Column("id_hash", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("sealed", _content, nullable=False),
    Index("vault_by_subject", "subject_hash"),
    Index("vault_by_id", "id_hash"),
    Index("vault_by_expiry", "expires_us"),
)

vault_keys = Table(
    "vault_keys",
    metadata,
    Column("subject_hash", _big, primary_key=True, autoincrement=False),
    Column("slot", Integer, nullable=False),
)

erased = Table(
    "erased",
    metadata,
    Column("first_seq", _big, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("reason", Text(16), nullable=False),
)

expired = Table(
    "expired",
    metadata,
    Column("kind", Text(32), primary_key=True),
    Column("before_us", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# From version N to N + 1: {N: change}. Every change runs inside one transaction with the new version number. MariaDB ends
# a transaction at every change of a table, so that a change must be one that can simply be repeated after it was cut short.
migrations: dict[int, Callable[[Connection], None]] = {}


def raw(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """One connection to the SQLite file: WAL, every commit synced, deleted content overwritten, checkpoints left to the indexer."""
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{quoted}?mode={'ro' if read_only else 'rwc'}", uri=True, timeout=30.0, check_same_thread=False)
    for pragma in (
        () if read_only else ("page_size=8192", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "wal_autocheckpoint=0")
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-16384")
    return connection


def connect(path: Path, *, read_only: bool = False) -> Engine:
    """An SQLAlchemy engine over such connections."""
    return create_engine(
        "sqlite+pysqlite://", creator=lambda: raw(path, read_only=read_only), poolclass=QueuePool, pool_size=4, max_overflow=28
    )


def version(connection: Connection) -> int | None:
    """The schema version of a folder, None where there are no tables yet."""
    if not connection.dialect.has_table(connection, facts.name):
        return None
    found = connection.execute(select(facts.c.value).where(facts.c.name == "schema_version")).scalar()
    return int(found) if found is not None else None


def migrate(engine: Engine, where: str) -> tuple[int, int]:
    """Make the tables or bring them to SCHEMA_VERSION. Gives (version before, version after); raises StorageError for a newer folder."""
    with engine.begin() as connection:
        before = version(connection)
        if before is None:
            metadata.create_all(connection)
            connection.execute(insert(facts), [{"name": "schema_version", "value": SCHEMA_VERSION}, {"name": "indexed_seq", "value": 0}])
            return SCHEMA_VERSION, SCHEMA_VERSION
    if before > SCHEMA_VERSION:
        raise StorageError(
            f"the journal has schema version {before}, this program knows {SCHEMA_VERSION}",
            where,
            "Use the newer program, or restore an older backup.",
        )
    for number in range(before, SCHEMA_VERSION):
        with engine.begin() as connection:
            migrations[number](connection)
            connection.execute(facts.update().where(facts.c.name == "schema_version").values(value=number + 1))
    return before, SCHEMA_VERSION


def is_sound(connection: Connection) -> str:
    """SQLite's own check of the file: "ok", or what it found."""
    return str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
