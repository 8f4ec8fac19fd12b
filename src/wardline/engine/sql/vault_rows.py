"""The vault's rows in SQL: sealed entries, and which slot of the key file belongs to whom. Subjects and ids stand there as hashes only.

    rows = VaultTables(engine.begin, read)
    rows.slot(subject_hash)                          # 17, or None
    rows.newest(id_hash, subject_hash, now_us)       # sealed bytes, newest first
    rows.forget(subject_hash)                        # how many entries went

Rows are added together with the records, in one transaction: see the index. `QuickVaultTables` reads past SQLAlchemy's pool, for SQLite.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, select

from wardline.engine.sql import schema
from wardline.engine.sql.query import Query, Readers

# Entries under one id that are tried, newest first.
CANDIDATES = 8
SLOTS_PAGE = 100_000

SLOT = select(schema.vault_keys.c.slot).where(schema.vault_keys.c.subject_hash == bindparam("subject_hash"))
NEWEST = (
    select(schema.vault.c.sealed)
    .where(schema.vault.c.id_hash == bindparam("id_hash"), schema.vault.c.subject_hash == bindparam("subject_hash"))
    .where(schema.vault.c.expires_us > bindparam("now_us"))
    .order_by(schema.vault.c.seq.desc())
    .limit(CANDIDATES)
)
QUICK_SLOT, QUICK_NEWEST = Query(SLOT), Query(NEWEST)

# A transaction that is committed at the end, and all rows of a query.
Begin = Callable[[], AbstractContextManager[Connection]]
Read = Callable[[Executable, Mapping[str, Any]], Sequence[Any]]


class VaultTables:
    """See the module."""

    def __init__(self, begin: Begin, read: Read, look: Read | None = None) -> None:
        """look: reads for what a decision waits for, where that is another way than `read`."""
        self._begin = begin
        self._read = read
        self._look = look or read

    def slot(self, subject_hash: int) -> int | None:
        """The slot of a subject's key."""
        rows = self._look(SLOT, {"subject_hash": subject_hash})
        return int(rows[0].slot) if rows else None

    def newest(self, id_hash: int, subject_hash: int, now_us: int) -> list[bytes]:
        """Sealed entries that may be the one asked for and have not expired, newest first."""
        given = {"id_hash": id_hash, "subject_hash": subject_hash, "now_us": now_us}
        return [bytes(row.sealed) for row in self._look(NEWEST, given)]

    def slots(self) -> Iterator[int]:
        """All slots that are in use, ascending."""
        last = -1
        keys = schema.vault_keys.c
        while True:
            # Page by page: there may be millions.
            rows = self._read(select(keys.slot).where(keys.slot > last).order_by(keys.slot).limit(SLOTS_PAGE), {})
            yield from (int(row.slot) for row in rows)
            if len(rows) < SLOTS_PAGE:
                return
            last = int(rows[-1].slot)

    def forget(self, subject_hash: int) -> int:
        """Remove a subject's entries and its key's row. Gives how many entries there were."""
        with self._begin() as connection:
            connection.execute(delete(schema.vault_keys).where(schema.vault_keys.c.subject_hash == subject_hash))
            return int(connection.execute(delete(schema.vault).where(schema.vault.c.subject_hash == subject_hash)).rowcount)

    def expire(self, now_us: int, limit: int) -> list[int]:
        """Remove at most `limit` entries whose time has come. Gives the subjects' hashes, one for each entry."""
        table = schema.vault
        query = select(table.c.seq, table.c.subject_hash).where(table.c.expires_us <= now_us).order_by(table.c.expires_us).limit(limit)
        with self._begin() as connection:
            rows = connection.execute(query).all()
            if rows:
                connection.execute(delete(table).where(table.c.seq.in_([row.seq for row in rows])))
        return [int(row.subject_hash) for row in rows]

    def drop_unused(self, subjects: set[int]) -> list[tuple[int, int]]:
        """Remove the key rows of those subjects that have no entry left; gives (subject_hash, slot) of each."""
        if not subjects:
            return []
        table, keys = schema.vault, schema.vault_keys
        with self._begin() as connection:
            used = connection.execute(select(table.c.subject_hash).where(table.c.subject_hash.in_(subjects)).distinct())
            unused = subjects - {int(row.subject_hash) for row in used}
            rows = connection.execute(select(keys.c.subject_hash, keys.c.slot).where(keys.c.subject_hash.in_(unused))).all()
            connection.execute(delete(keys).where(keys.c.subject_hash.in_(unused)))
        return [(int(row.subject_hash), int(row.slot)) for row in rows]


class QuickVaultTables(VaultTables):
    """For SQLite: the two look-ups of a decision take a connection from a stack."""

    def __init__(self, begin: Begin, read: Read, readers: Readers) -> None:
        super().__init__(begin, read)
        self._readers = readers

    def slot(self, subject_hash: int) -> int | None:
        """The slot of a subject's key."""
        rows = self._readers.rows(QUICK_SLOT, subject_hash=subject_hash)
        return int(rows[0][0]) if rows else None

    def newest(self, id_hash: int, subject_hash: int, now_us: int) -> list[bytes]:
        """Sealed entries that may be the one asked for and have not expired, newest first."""
        rows = self._readers.rows(QUICK_NEWEST, id_hash=id_hash, subject_hash=subject_hash, now_us=now_us)
        return [row[0] for row in rows]
