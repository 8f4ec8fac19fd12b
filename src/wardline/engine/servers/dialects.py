"""What differs between the database servers: how a session is set up, locked, filled in bulk and cleaned; which errors mean what.

    dialect = DIALECTS["postgresql"]
    dialect.lock(connection)                        # True: this session alone may write
    dialect.insert(connection, "lookups", rows)     # rows that are there already stay as they are

Every session runs READ COMMITTED: the journal only adds and removes whole records, and one session writes. Time-outs are set on the
session and, a little longer, on this side, so that a server that hangs is told from one that works: LOOK_S for what a decision waits
for, READ_S for other reading, WRITE_S for a batch, 5 s for a lock.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, text

# The driver takes 2 s for the least.
CONNECT_S = 2
LOOK_S = 1
READ_S = 4
WRITE_S = 20
# On this side a statement is given up so much later than the server should have ended it.
GRACE_S = 0.5
# The writer speaks at least every few seconds: a server that has not heard it for so long ends the session, and with it the lock.
SILENCE_S = 60
LOCK_KEY = 0x5741_5244_4C49_4E45  # "WARDLINE"
ROWS = 256
STATEMENT_BYTES = 1 << 20
# Columns in the order of `engine.sql.schema`, with PostgreSQL's types.
TABLES = {
    "records": ("seq int8", "shard int4", "kind bytea", "id bytea", "time_us int8", "point bytea", "subject bytea", "keys bytea",
                "schema_version int4", "crc int8", "body bytea"),
    "lookups": ("hash int8", "seq int8"),
    "vault": ("seq int8", "subject_hash int8", "class bytea", "id_hash int8", "expires_us int8", "sealed bytea"),
    "vault_keys": ("subject_hash int8", "slot int4"),
}  # fmt: skip
REPLACED = {"vault_keys": ("subject_hash", "slot")}


class ServerDialect(Protocol):
    """One kind of server. Every call may raise sqlalchemy.exc.DBAPIError."""

    name: str

    def connect_arguments(self, statement_seconds: int) -> dict[str, Any]:
        """For the driver: time-outs of the connection. statement_seconds 0: no limit for a statement."""
        ...

    def connect(self, statement_seconds: int, *arguments: Any, **options: Any) -> Any:
        """A connection of the driver that gives up a server which does not answer a statement in time; None: the driver's usual one does."""
        ...

    def session(self, statement_seconds: int) -> list[str]:
        """Statements that set up a session; statement_seconds 0: no limit."""
        ...

    def lock(self, connection: Connection) -> bool:
        """Take the one writer's lock for this session; False when another session has it."""
        ...

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows to one of TABLES; those whose key is there already stay as they are, or are replaced (REPLACED)."""
        ...

    def scrub(self, connection: Connection) -> None:
        """After an erasure, outside a transaction: make what was deleted unreachable also to whoever reads the server's old row versions."""
        ...

    def compact(self, connection: Connection) -> None:
        """Write the tables anew, outside a transaction."""
        ...

    def unsafe(self, connection: Connection) -> list[str]:
        """Settings of the server that let it lose a transaction that it has confirmed."""
        ...

    def reason(self, error: BaseException) -> str:
        """An error in words without any content or password."""
        ...


def parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in portions of one statement each, by number and bytes."""
    part: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        row_bytes = sum(len(value) for value in row if isinstance(value, bytes)) + 16
        if part and (len(part) >= ROWS or size + row_bytes > STATEMENT_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += row_bytes
    if part:
        yield part


class PostgreSql:
    """PostgreSQL 13 and newer, through psycopg 3."""

    name = "postgresql"

    def connect_arguments(self, statement_seconds: int) -> dict[str, Any]:
        """libpq's own: a peer that is gone is noticed after some 15 seconds, and when it does not take what is sent."""
        return {
            "connect_timeout": CONNECT_S,
            "application_name": "wardline",
            "keepalives_idle": 5,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": (statement_seconds or WRITE_S) * 1000,
        }

    def connect(self, statement_seconds: int, *arguments: Any, **options: Any) -> Any:
        """Limited on this side too: libpq itself waits for an answer without an end."""
        from wardline.engine.servers.waiting import connect_limited

        return connect_limited(statement_seconds + GRACE_S if statement_seconds else 0.0, *arguments, **options)

    def session(self, statement_seconds: int) -> list[str]:
        """The server's side of the same, so that it lets go of the lock of a client that is gone."""
        return [
            f"SET statement_timeout = {statement_seconds * 1000}",
            "SET lock_timeout = 5000",
            "SET tcp_keepalives_idle = 10",
            "SET tcp_keepalives_interval = 5",
            "SET tcp_keepalives_count = 3",
        ]

    def lock(self, connection: Connection) -> bool:
        """An advisory lock of the session; they are per database."""
        return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar())

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """One array for each column: the statement is the same for any number of rows, and values travel in binary."""
        columns = [column.split() for column in TABLES[table]]
        names = ", ".join(f'"{name}"' for name, _ in columns)
        arrays = ", ".join(f"%b::{kind}[]" for _, kind in columns)
        conflict = "DO NOTHING"
        if table in REPLACED:
            key, value = REPLACED[table]
            conflict = f"({key}) DO UPDATE SET {value} = excluded.{value}"
        # Names are constants of this module, the values are bound.
        statement = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT {conflict}"  # noqa: S608
        for part in parts(rows):
            connection.exec_driver_sql(statement, tuple(map(list, zip(*part, strict=True))))

    def scrub(self, connection: Connection) -> None:
        """Dead row versions go from every page."""
        connection.execute(text("VACUUM records, lookups, vault, vault_keys"))

    def compact(self, connection: Connection) -> None:
        """New files for the tables; locks them meanwhile."""
        connection.execute(text("VACUUM (FULL, ANALYZE) records, lookups, vault, vault_keys"))

    def unsafe(self, connection: Connection) -> list[str]:
        """fsync, full_page_writes and synchronous_commit."""
        query = (
            "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY 1"
        )
        return [f"{row[0]}=off" for row in connection.execute(text(query))]

    def reason(self, error: BaseException) -> str:
        """The server's primary message for what is about the server; for what is about values only the class of error (their text quotes them)."""
        state = getattr(error, "sqlstate", None)
        if state is None:
            return _first_line(error)
        message = getattr(getattr(error, "diag", None), "message_primary", None)
        # Connection, authorization, resources, operator, transaction state, missing objects and rights.
        if message and state[:2] in ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "42"):
            return f"{message} ({state})"
        return f"error {state}"


class MariaDb:
    """MariaDB 10.6 and newer, MySQL 8, through PyMySQL; tables of InnoDB."""

    name = "mariadb"

    def connect_arguments(self, statement_seconds: int) -> dict[str, Any]:
        """Time-outs of the socket; a statement that the server should have ended by itself is given up a little later."""
        seconds = statement_seconds + GRACE_S if statement_seconds else None
        return {"connect_timeout": CONNECT_S, "read_timeout": seconds, "write_timeout": seconds, "charset": "utf8mb4"}

    def connect(self, statement_seconds: int, *arguments: Any, **options: Any) -> Any:
        """None: as the driver does it by itself, since its socket has the time-outs."""
        return None

    def session(self, statement_seconds: int) -> list[str]:
        """Strict: a value that does not fit is an error, never cut. max_statement_time is MariaDB's, MySQL skips the comment."""
        return [
            "SET SESSION sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = 5, lock_wait_timeout = 5",
            f"SET SESSION wait_timeout = {SILENCE_S}, default_storage_engine = InnoDB /*M!, max_statement_time = {statement_seconds} */",
        ]

    def lock(self, connection: Connection) -> bool:
        """GET_LOCK. Its names are the server's, take 64 characters and know no case: the database is part of them as a hash."""
        return bool(connection.execute(text("SELECT GET_LOCK(CONCAT('wardline.', LEFT(SHA2(DATABASE(), 256), 48)), 0)")).scalar() == 1)

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Many rows in one statement. Not INSERT IGNORE: that would cut values that do not fit."""
        names = [column.split()[0] for column in TABLES[table]]
        one = "(" + ", ".join(["%s"] * len(names)) + ")"
        kept = f"{REPLACED[table][1]} = VALUES({REPLACED[table][1]})" if table in REPLACED else "seq = seq"
        columns = ", ".join(f"`{name}`" for name in names)
        for part in parts(rows):
            values = ", ".join([one] * len(part))
            statement = f"INSERT INTO {table} ({columns}) VALUES {values} ON DUPLICATE KEY UPDATE {kept}"  # noqa: S608  constants
            connection.exec_driver_sql(statement, tuple(itertools.chain.from_iterable(part)))

    def scrub(self, connection: Connection) -> None:
        """Nothing to ask for: InnoDB's purge removes old row versions by itself once no transaction can see them."""

    def compact(self, connection: Connection) -> None:
        """New files for the tables."""
        connection.execute(text("OPTIMIZE TABLE records, lookups, vault, vault_keys")).all()

    def unsafe(self, connection: Connection) -> list[str]:
        """innodb_flush_log_at_trx_commit other than 1."""
        value = connection.execute(text("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit")).scalar()
        return [] if value == 1 else [f"innodb_flush_log_at_trx_commit={value}"]

    def reason(self, error: BaseException) -> str:
        """The message of errors about connections and rights; of others the number, since their text quotes values."""
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        about_server = {1040, 1044, 1045, 1046, 1049, 1142, 1146, 1203, 1205, 1213, 1290, 1836, 1927, 1969, 3024} | set(range(2000, 2100))
        if code in about_server and len(error.args) > 1:
            return f"{str(error.args[1]).splitlines()[0][:200]} ({code})"
        return f"error {code}" if code else _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


DIALECTS: dict[str, ServerDialect] = {dialect.name: dialect for dialect in (PostgreSql(), MariaDb())}
