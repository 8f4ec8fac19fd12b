"""A reader of the history: DuckDB in memory over the Parquet files and the fresh tail, read-only and bounded.

    with Session(history, tail(history, journal), Limits(seconds=10)) as session:
        answer = session.rows(f"SELECT count(*) FROM {session.events('login')}", [])
        answer.rows                                   # [(41207,)]

What a statement can do is little: one SELECT, no extension, no network, no file but the history's (`enable_external_access` off,
configuration locked), memory, threads, seconds and rows limited. `events` gives one event type's rows as a sub-query whose columns are
named as facts and counters are; `verdict`, `score` and so on stand for `_verdict`, `_score` where no fact has that name.
"""

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import duckdb
import msgspec
import pyarrow as pa

from wardline.base.storage import StorageDamaged
from wardline.learning.history.columns import OWN, TYPES
from wardline.learning.history.manifest import Part
from wardline.learning.history.store import History

# How the decision's own columns may be called in a query, and what the rule language takes them for.
SHORT = {
    "id": "text",
    "seq": "number",
    "occurred_us": "number",
    "recorded_us": "number",
    "verdict": "text",
    "score": "number",
    "line": "text",
    "mode": "text",
    "policy": "text",
    "hits": "list",
    "shadow": "list",
    "failed": "list",
}


class HistoryError(ValueError):
    """A question that cannot be answered: what is wrong, what to do."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one statement may use. seconds: then it is interrupted; rows: more are cut off, and the answer says so."""

    memory_bytes: int = 1 << 30
    threads: int = 2
    seconds: float = 30.0
    rows: int = 1000


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with the names of their columns. more: there were more rows than the limit."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool
    seconds: float


class Session:
    """See the module. Belongs to one thread; holds the history's files in place until it is closed."""

    def __init__(self, history: History, tail: Mapping[str, pa.Table] | None = None, limits: Limits | None = None) -> None:
        self.history = history
        self.limits = limits if limits is not None else Limits()
        self._tail = dict(tail or {})
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.manifest = self._stack.enter_context(self.history.reading())
        try:
            self.connection = self._connect()
            self._stack.callback(self.connection.close)
            for number, (type, table) in enumerate(sorted(self._tail.items())):
                # Files that were compacted since the tail was taken hold its first records already.
                fresh = table.filter(pa.compute.greater(table["_seq"], self.manifest.compacted_seq))
                self._tail[type] = fresh
                self.connection.register(f"tail_{number}", fresh)
        except BaseException:
            self._stack.close()
            raise
        self._tails = {type: f"tail_{number}" for number, type in enumerate(sorted(self._tail))}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        limits = self.limits
        connection = duckdb.connect(":memory:", config={"threads": limits.threads, "memory_limit": f"{limits.memory_bytes}B"})
        folder = str(self.history.path.absolute()).replace("'", "''") + "/"
        for setting in (
            "temp_directory = ''",
            "python_enable_replacements = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            f"allowed_directories = ['{folder}']",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        return connection

    # What there is

    def types(self) -> list[str]:
        """The event types of which there are rows."""
        return sorted({*(part.type for part in self.manifest.files), *(type for type, table in self._tail.items() if len(table))})

    def kinds(self, type: str) -> dict[str, str]:
        """The names of an event type's facts and counters, and their kinds."""
        found = dict(self.manifest.kinds.get(type, {}))
        table = self._tail.get(type)
        if table is not None:
            for field in table.schema:
                if field.name not in OWN:
                    found.setdefault(field.name, next(kind for kind, its in TYPES.items() if its == field.type))
        return found

    def names(self, type: str) -> dict[str, str]:
        """The same for the rule language, with the decision's own: name -> number, text, bool or list."""
        return names_of(self.kinds(type))

    def events(self, type: str, names: Sequence[str] | Mapping[str, str], since_us: int | None = None, until_us: int | None = None) -> str:
        """A sub-query in parentheses: the named columns of an event type's rows in [since, until).

        A name of which no row knows anything is there too, unknown in every row, of the type that `names` maps it to (text without one).
        """
        kinds = self.kinds(type)
        if isinstance(names, Mapping):
            kinds = {**{name: its for name, its in names.items() if its in TYPES and f"_{name}" not in OWN and name not in OWN}, **kinds}
        parts = [part for part in self.manifest.of_type(type) if _touches(part, since_us, until_us)]
        sources = []
        if parts:
            there = {column for part in parts for column in part.columns}
            paths = ", ".join(_text(str((self.history.path / part.name).absolute())) for part in parts)
            sources.append((f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)", there))
        table = self._tail.get(type)
        if table is not None and len(table):
            sources.append((self._tails[type], set(table.schema.names)))
        if not sources:
            sources.append(("(SELECT 1) WHERE false", set()))
        selects = []
        for source, there in sources:
            columns = ", ".join(f"{self._column(name, kinds, there)} AS {quoted(name)}" for name in dict.fromkeys(names or ("_seq",)))
            times = [f"_occurred_us >= {int(since_us)}"] if since_us is not None else []
            times += [f"_occurred_us < {int(until_us)}"] if until_us is not None else []
            where = f" WHERE {' AND '.join(times)}" if times and there else ""
            # Names come quoted from `_column`, paths from the manifest, times are integers; what a caller asks for is bound.
            selects.append(f"SELECT {columns} FROM {source}{where}")  # noqa: S608
        return "(" + " UNION ALL ".join(selects) + ")"

    def _column(self, name: str, kinds: Mapping[str, str], there: set[str]) -> str:
        column = name
        if name not in kinds and name not in OWN:
            column = f"_{name}"
            if column not in OWN:
                return "CAST(NULL AS VARCHAR)"
        if column in there:
            return quoted(column)
        return f"CAST(NULL AS {_SQL[kinds[name]] if name in kinds else _sql(OWN[column])})"

    # Asking

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, limit: int | None = None) -> Answer:
        """The rows of one SELECT, at most `limit`. Raises HistoryError (refused, or interrupted), StorageDamaged (a file is not sound)."""
        rows = self.limits.rows if limit is None else limit
        started = time.monotonic()
        with self._bounded(sql):
            done = self.connection.execute(sql, parameters)
            names = tuple(column[0] for column in done.description or ())
            found = done.fetchmany(rows + 1)
        return Answer(columns=names, rows=found[:rows], more=len(found) > rows, seconds=time.monotonic() - started)

    def arrow(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """The same as one table, without a limit on rows: for what is aggregated or narrow."""
        with self._bounded(sql):
            return self.connection.sql(sql, params=parameters or None).to_arrow_table()

    def make(self, name: str, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Keep the rows of a SELECT in memory under a name, for the statements that follow."""
        with self._bounded(sql):
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {sql}", parameters)

    def give(self, name: str, table: pa.Table) -> None:
        """Let statements read a table of the caller's under a name."""
        self.connection.register(name, table)

    @contextlib.contextmanager
    def _bounded(self, sql: str) -> Any:
        if not sql.lstrip("( \n").upper().startswith(("SELECT", "WITH")):
            raise HistoryError("only SELECT can be asked of the history")
        late, done = threading.Event(), threading.Event()

        def watch() -> None:
            # Again and again: an interruption that comes before DuckDB has begun is lost.
            wait_seconds = self.limits.seconds
            while not done.wait(wait_seconds):
                late.set()
                self.connection.interrupt()
                wait_seconds = 0.02

        watcher = threading.Thread(target=watch, name="history-limit", daemon=True)
        watcher.start()
        try:
            yield
        except duckdb.InterruptException:
            if late.is_set():
                raise HistoryError(
                    f"the question took longer than {self.limits.seconds:g} s and was stopped; ask for fewer days (--since), or give it more time"
                ) from None
            raise KeyboardInterrupt from None
        except duckdb.OutOfMemoryException:
            raise HistoryError(
                f"the question needs more than {self.limits.memory_bytes >> 20} MB of memory; ask for fewer days (--since) or fewer columns"
            ) from None
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            if ".parquet" not in str(error):
                raise HistoryError(_first_line(error)) from None
            # DuckDB refuses a file's content with the same class as a malformed statement; only files have this ending.
            raise StorageDamaged(
                f"a file of the history cannot be read: {_first_line(error)}",
                str(self.history.path),
                "`wardline compact --verify` names it; `wardline compact --rebuild` writes the history anew from the journal.",
            ) from None
        except duckdb.Error as error:
            raise HistoryError(_first_line(error)) from None
        finally:
            done.set()
            watcher.join()


def names_of(kinds: Mapping[str, str]) -> dict[str, str]:
    """The names that may be asked for where rows have these, and their kinds: with the decision's own, short and with "_"."""
    return {**{f"_{name}": its for name, its in SHORT.items()}, **SHORT, **kinds}


_SQL = {"number": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "list": "VARCHAR[]"}


def _sql(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return "VARCHAR[]"
    return "BIGINT" if pa.types.is_integer(type_) else "DOUBLE" if pa.types.is_floating(type_) else "VARCHAR"


def quoted(name: str) -> str:
    """A name as an SQL identifier (SQL:1999 §5.2)."""
    return '"' + name.replace('"', '""').replace("\0", "") + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _touches(part: Part, since_us: int | None, until_us: int | None) -> bool:
    return (since_us is None or part.last_us >= since_us) and (until_us is None or part.first_us < until_us)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:300]
