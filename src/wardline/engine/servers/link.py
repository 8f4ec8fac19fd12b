"""The sessions with a database server: one that writes and holds the lock, others that only read; and what happens when the server is away.

    link = Link(address)
    link.open()                            # connected, the lock taken, tables made or brought up to date
    with link.transaction() as connection: …          # committed at the end; one thread at a time
    link.rows(statement, {"hash": 12})                # autocommit, any thread

Every error of the driver becomes one of ours, without statement, values or password. While the server is away, reading fails at once:
only `transaction` and `tend`, which belong to the indexer's thread, try to reach it again, so that an event loop never waits for that.

Nobody else may write into the tables. The writer's session holds the server's lock, and every transaction reads the fence (`facts.writer`): a
process whose session was cut off, and whose place another process took meanwhile, can never commit again.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Row, create_engine, event, insert, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from wardline.base.logs import logger
from wardline.base.storage import StorageBusy, StorageDamaged, StorageError, StorageLocked
from wardline.engine.servers.address import Address
from wardline.engine.servers.dialects import DIALECTS, LOOK_S, READ_S, WRITE_S
from wardline.engine.sql import schema

READERS = 4
MORE_READERS = 28
PING_S = 10.0
PREDECESSOR_S = 1.0
# A session that fails sooner was cut off while it lay idle, and another one may do; one that waited longer met a server that hangs.
CUT_OFF_S = 0.2
UNREACHED = "Start the server, and check store.database, its password, and the rights of its user."
AWAY = "Nothing is lost: records wait in the commit log, and it goes on by itself when the database is back."


class Link:
    """See the module."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.where = str(address)
        self.dialect = DIALECTS[address.kind]
        # None while the server answers, else why not.
        self.away: StorageError | None = None
        # What the newest transaction of this process left; the server must never hold less.
        self.indexed_seq = 0
        self._token = 0
        self._turn = threading.RLock()
        self._writer: Connection | None = None
        self._locked = False
        self._used_s = time.monotonic()
        self._writing = self._engine(WRITE_S, poolclass=NullPool)
        self._reading = self._readers(READ_S)
        self._looking = self._readers(LOOK_S)

    def _readers(self, statement_seconds: int) -> Engine:
        return self._engine(
            statement_seconds,
            poolclass=QueuePool,
            pool_size=READERS,
            max_overflow=MORE_READERS,
            pool_timeout=statement_seconds,
            # Nothing to roll back in autocommit: one trip less for each look-up.
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
        )

    def _engine(self, statement_seconds: int, **options: Any) -> Engine:
        options.setdefault("isolation_level", "READ COMMITTED")
        engine = create_engine(
            self.address.url, hide_parameters=True, connect_args=self.dialect.connect_arguments(statement_seconds), **options
        )

        def connect(_: object, __: object, arguments: tuple[Any, ...], given: dict[str, Any]) -> Any:
            return self.dialect.connect(statement_seconds, *arguments, **given)

        def set_up(connection: Any, _: object) -> None:
            with contextlib.closing(connection.cursor()) as cursor:
                for statement in self.dialect.session(statement_seconds):
                    cursor.execute(statement)
            connection.commit()

        event.listen(engine, "do_connect", connect)
        event.listen(engine, "connect", set_up)
        return engine

    # Opening

    def open(self) -> tuple[int, int]:
        """Connect, take the lock, bring the tables up to date, become the writer. Gives the schema's version before and after.

        Raises StorageLocked when another process uses the database, StorageError when it cannot be reached or is newer.
        """
        with self._turn, self._told(opening=True):
            # A server takes a moment to notice that the process before this one has ended.
            end_s = time.monotonic() + PREDECESSOR_S
            while self._connect() and not self._locked and time.monotonic() < end_s:
                time.sleep(0.05)
            if not self._locked:
                raise StorageLocked(
                    "another process uses this database", self.where, "Stop it first, or give every Wardline a database of its own."
                )
            changing = self._engine(0, poolclass=NullPool)
            try:
                versions = schema.migrate(changing, self.where)
            finally:
                changing.dispose()
            self._token = secrets.randbits(62) + 1
            assert self._writer is not None
            with self._writer.begin():
                self.put(self._writer, "writer", self._token)
                unsafe = self.dialect.unsafe(self._writer)
            for setting in unsafe:
                logger("database").warning("server_may_lose_commits", detail=setting)
        return versions

    @staticmethod
    def put(connection: Connection, name: str, value: int) -> None:
        """Set one of the database's facts."""
        done = connection.execute(update(schema.facts).where(schema.facts.c.name == name).values(value=value))
        if done.rowcount == 0:
            connection.execute(insert(schema.facts).values(name=name, value=value))

    def _connect(self) -> Connection:
        if self._writer is None:
            writer = self._writing.connect()
            try:
                # The lock stays with the session, whatever transactions begin and end in it.
                self._locked = self.dialect.lock(writer)
                writer.rollback()
            except BaseException:
                writer.close()
                raise
            self._writer = writer
        elif not self._locked:
            # A session of ours that the server has not missed yet may still hold it; the fence guards until it is gone.
            self._locked = self.dialect.lock(self._writer)
            self._writer.rollback()
        self._used_s = time.monotonic()
        return self._writer

    # Using

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The writer's session in a transaction, committed at the end. Raises StorageBusy (away), StorageLocked (taken over), StorageDamaged."""
        with self._turn, self._told():
            connection = self._connect()
            with connection.begin():
                self._check(connection)
                yield connection
            self.away = None

    def _check(self, connection: Connection) -> None:
        names = ("writer", "indexed_seq")
        rows = connection.execute(select(schema.facts).where(schema.facts.c.name.in_(names)).with_for_update())
        found = {row.name: int(row.value) for row in rows}
        if found.get("writer") != self._token:
            raise StorageLocked(
                "another process has taken this database over", self.where, "Stop one of them: this one records nothing any more."
            )
        if found.get("indexed_seq", 0) < self.indexed_seq:
            raise StorageDamaged(
                f"the database has gone back: it ends at record {found.get('indexed_seq', 0)} and had {self.indexed_seq}",
                self.where,
                "Bring the newer database back, or start again to see what the commit log still holds.",
            )

    def rows(self, statement: Executable, given: Mapping[str, Any] | None = None, *, quick: bool = False) -> Sequence[Row[Any]]:
        """All rows of a query, on a session that only reads. quick: a decision waits for it, so that it has LOOK_S instead of READ_S.

        Raises StorageBusy, at once while the server is known to be away.
        """
        # Taken once: the indexer's thread may find at this moment that the server is back.
        away = self.away
        if away is not None:
            raise type(away)(away.what, away.where, away.remedy)
        engine = self._looking if quick else self._reading
        began_s = time.monotonic()
        try:
            try:
                return self._read(engine, statement, given)
            except DBAPIError as error:
                # A session from before a restart of the server: the pool has let go of all of them by now.
                if not error.connection_invalidated or time.monotonic() - began_s > CUT_OFF_S:
                    raise
                return self._read(engine, statement, given)
        except SQLAlchemyError as error:
            self.away = failure = self._failure(error)
            raise failure from None

    @staticmethod
    def _read(engine: Engine, statement: Executable, given: Mapping[str, Any] | None) -> Sequence[Row[Any]]:
        with engine.connect() as connection:
            return connection.execute(statement, given).all()

    @contextlib.contextmanager
    def unlimited(self) -> Iterator[Connection]:
        """A session of its own for long work, outside transactions and without a time limit."""
        engine = self._engine(0, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._failure(error) from None
        finally:
            engine.dispose()

    def tend(self) -> None:
        """Look whether the server is there: when it was away, and else now and then, so that the session is not taken for dead."""
        if self.away is not None or time.monotonic() - self._used_s > PING_S:
            # Sessions from before an outage are of no use.
            if self.away is not None:
                self._reading.dispose()
                self._looking.dispose()
            with self.transaction():
                pass

    @contextlib.contextmanager
    def _told(self, *, opening: bool = False) -> Iterator[None]:
        """The writer's errors in our words; its session is given up after any error of the driver."""
        try:
            yield
        except SQLAlchemyError as error:
            self.away = failure = self._failure(error)
            self._give_up()
            raise (StorageError(failure.what, failure.where, UNREACHED) if opening else failure) from None
        except StorageLocked as error:
            self.away = error
            raise

    def _failure(self, error: SQLAlchemyError) -> StorageBusy:
        original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        return StorageBusy(f"the database does not serve: {self.dialect.reason(original)}", self.where, AWAY)

    def _give_up(self) -> None:
        if self._writer is not None:
            writer, self._writer, self._locked = self._writer, None, False
            with contextlib.suppress(Exception):
                writer.invalidate()
            with contextlib.suppress(Exception):
                writer.close()

    def close(self) -> None:
        """End all sessions; the lock goes with the writer's."""
        with self._turn:
            if self._writer is not None:
                with contextlib.suppress(SQLAlchemyError):
                    self._writer.close()
                self._writer = None
        self._writing.dispose()
        self._reading.dispose()
        self._looking.dispose()
