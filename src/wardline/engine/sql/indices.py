"""What the journal needs of the SQL behind it, whichever database that is.

    journal = Journal.open(path)                                    # embedded: SQLite in the data folder
    journal = Journal.open(path, index=embedded)                    # the same
    journal = Journal.open(path, index=on_server(read_address("postgresql+psycopg://…")))

An index holds the records that the commit log has made durable, finds them, and forgets them. One thread writes, any thread reads. Every
change is one transaction that is durable when the call returns; repeating it after a crash changes nothing. A database that is away
raises `StorageBusy`, at once or after a few seconds: nothing is lost then, and the same call works later.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from wardline.base.storage import Folder, StorageError
from wardline.engine.record import Record
from wardline.engine.sql.index import Index
from wardline.engine.sql.sql_index import Gap, Sealed

# The journal itself when it is embedded, and the note that says which server's database belongs to this folder.
EMBEDDED, ELSEWHERE = "journal.db", "database.json"


class VaultRows(Protocol):
    """The vault's part of an index; see `engine.sql.vault_rows`."""

    def slot(self, subject_hash: int) -> int | None: ...

    def newest(self, id_hash: int, subject_hash: int, now_us: int) -> list[bytes]: ...

    def slots(self) -> Iterator[int]: ...

    def forget(self, subject_hash: int) -> int: ...

    def expire(self, now_us: int, limit: int) -> list[int]: ...

    def drop_unused(self, subjects: set[int]) -> list[tuple[int, int]]: ...


class JournalIndex(Protocol):
    """See the module, and `engine.sql.index.Index` for what each call does.

    where: for messages, a path or a database without its password. indexed_seq: everything up to here is in it. promised_seq: how far it is
    known to have been once; more than indexed_seq in a server's database that was restored or failed over. may_be_away: it is somewhere
    else, so that whatever can be answered without it should be.
    """

    indexed_seq: int

    @property
    def where(self) -> str: ...

    @property
    def promised_seq(self) -> int: ...

    @property
    def may_be_away(self) -> bool: ...

    @property
    def vault(self) -> VaultRows: ...

    def write(
        self, batch: Sequence[Record], sealed: Sequence[Sealed] = (), slots: Sequence[tuple[int, int]] = (), through_seq: int = 0
    ) -> None: ...

    def find_id(self, kind: str, id: str) -> Record | None: ...

    def filed(self, first: int, limit: int) -> list[int]: ...

    def find_key(self, key: str, limit: int) -> list[Record]: ...

    def find_subject(self, subject: str, limit: int) -> list[Record]: ...

    def read(self, from_seq: int, to_seq: int, kinds: Sequence[str] | None = None) -> Iterator[Record]: ...

    def gaps(self, from_seq: int = 0, to_seq: int | None = None) -> list[Gap]: ...

    def expired_before_us(self) -> dict[str, int]: ...

    def taken_before_us(self) -> dict[str, int]: ...

    def erase(self, subject: str, at_us: int, after_seq: int = 0) -> tuple[int, int | None]: ...

    def expire(self, kind: str, before_us: int, after: tuple[int, int] = ...) -> tuple[int, tuple[int, int]]: ...

    def reclaim(self) -> int: ...

    def compact(self) -> None: ...

    def note_lost(self, ranges: Sequence[tuple[int, int]], at_us: int) -> None: ...

    def checkpoint(self, *, truncate: bool = False) -> bool: ...

    def backup(self, folder: Path) -> int: ...

    def verify(self) -> tuple[int, list[str]]: ...

    def tend(self) -> None: ...

    def close(self) -> None: ...


# Opens the index of a data folder that is locked already. Raises StorageError and its kind, OSError, sqlalchemy.exc.DatabaseError.
OpenIndex = Callable[[Folder], JournalIndex]


def embedded(folder: Folder) -> Index:
    """SQLite in the data folder."""
    path = folder.path / EMBEDDED
    if folder.files.exists(folder.path / ELSEWHERE):
        raise StorageError(
            "the journal of this data folder is in a database server",
            str(folder.path / ELSEWHERE),
            "Give its address as store.database, or choose another data folder.",
        )
    # Made here, so that it and SQLite's files beside it get the mode 0600.
    folder.files.close(folder.files.open(path, create=True))
    folder.files.sync_folder(folder.path)
    return Index.open(path)
