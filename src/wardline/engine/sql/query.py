"""Small reads on the hot path: a statement is compiled once, and a connection is taken from a stack instead of a pool.

    by_hash = Query(select(lookups.c.seq).where(lookups.c.hash == bindparam("hash")))
    readers = Readers(path)
    readers.rows(by_hash, hash=12)               # [(7,), (9,)]

The statement is written in SQLAlchemy Core like every other. Compiling it and checking a connection in and out costs ten times as much as
running it, and an id is looked up before every decision.
"""

import sqlite3
from collections import deque
from pathlib import Path
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from wardline.engine.sql import schema


class Query:
    """A statement with named parameters (`bindparam`), compiled for SQLite."""

    def __init__(self, statement: Select[Any]) -> None:
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        self.text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        """What was given, and the statement's own constants."""
        return {**self._fixed, **given} if self._fixed else given


class Readers:
    """Connections that only read, as many as threads ever read at once. No transaction stays open between two calls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()

    def rows(self, query: Query, **given: Any) -> list[tuple[Any, ...]]:
        """All rows of a query. Raises sqlite3.OperationalError."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = schema.raw(self._path, read_only=True)
        try:
            return connection.execute(query.text, query.parameters(given)).fetchall()
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection; nobody may be reading."""
        while self._idle:
            self._idle.pop().close()
