"""Tables of somebody else's making, row by row to events: which column is what stands in a map, a small TOML file.

    [[event]]
    type = "login"
    id = {column = "index", prefix = "rba-"}
    occurred_at = {column = "Login Timestamp", format = "%Y-%m-%d %H:%M:%S.%f"}
    entities = {account = "User ID", ip = "IP Address"}
    fields = {user_agent = "User Agent String"}

    [[event]]                                        # a second event of the same row
    type = "login.outcome"
    id = {column = "index", prefix = "rba-", suffix = "-outcome"}
    occurred_at = {column = "Login Timestamp", format = "%Y-%m-%d %H:%M:%S.%f"}
    entities = {account = "User ID", ip = "IP Address"}
    fields = {result = {column = "Login Successful", values = {True = "success", False = "wrong_password"}}}

A field is a column's name, {column, values, type} or {value}. Times without a zone are UTC unless `timezone` says otherwise. TableError names the
line and the column.
"""

import csv
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

MAP_LIMIT_BYTES = 64 * 1024
CELL_LIMIT = 64 * 1024


class TableError(ValueError):
    """A map or a row that cannot be read: where, what is wrong, what to do."""


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value comes from: a column, or the same for all rows. values: what stands for what; a cell that is not among them is left out.
    type: text, number or bool."""

    column: str = ""
    value: Any = None
    values: dict[str, Any] = {}
    type: str = "text"
    prefix: str = ""
    suffix: str = ""


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of times. format: as of strptime, "iso" (RFC 3339), "s", "ms" or "us" since the epoch."""

    column: str
    format: str = "iso"
    timezone: str = "UTC"


class EventMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event a row."""

    type: str | Cell
    id: str | Cell
    occurred_at: str | Moment
    entities: dict[str, str | Cell] = {}
    fields: dict[str, str | Cell] = {}
    flow_id: str | Cell = ""
    only: dict[str, str] = {}  # columns and what must stand in them, for a row to give this event


class TableMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole map."""

    event: list[EventMap]
    delimiter: str = ","


def read_map(text: bytes, source: str) -> TableMap:
    """The map. Raises TableError."""
    if len(text) > MAP_LIMIT_BYTES:
        raise TableError(f"{source}: {len(text)} bytes; a map has at most {MAP_LIMIT_BYTES}")
    try:
        found = msgspec.convert(tomllib.loads(text.decode("utf-8")), TableMap)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise TableError(f"{source}: {error}") from None
    if not found.event:
        raise TableError(f"{source}: a map needs at least one [[event]]")
    if len(found.delimiter) != 1:
        raise TableError(f"{source}: delimiter: one character")
    for each in found.event:
        if isinstance(each.occurred_at, Moment):
            try:
                ZoneInfo(each.occurred_at.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise TableError(f"{source}: timezone: {each.occurred_at.timezone!r} is none; write it as Europe/Vienna or UTC") from None
    return found


def events_of(lines: Iterable[str], table: TableMap) -> Iterator[tuple[int, dict[str, Any] | TableError]]:
    """(line, an event's document or what is wrong) for every event of every row, in order."""
    # Strict, since a quote that is never closed would otherwise swallow the rows behind it without a word.
    reader = csv.DictReader(lines, delimiter=table.delimiter, strict=True)
    try:
        columns = set(reader.fieldnames or ())
    except csv.Error as error:
        raise TableError(f"line 1: {error}; a table begins with a line of column names, as text") from None
    if not columns:
        raise TableError("the table is empty: its first line names the columns")
    for each in table.event:
        for column in _columns(each):
            if column not in columns:
                raise TableError(f"the table has no column {column!r}; it has {', '.join(sorted(columns))[:300]}")
    while True:
        first = reader.reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.reader.line_num
            place = f"line {first}" if last <= first else f"lines {first} to {last}"
            yield last, TableError(f"{place}: {error}; a quote in a cell is written twice, and the cell stands in quotes")
            continue
        for each in table.event:
            if any(row.get(column) != wanted for column, wanted in each.only.items()):
                continue
            try:
                yield reader.line_num, _event(row, each)
            except TableError as error:
                yield reader.line_num, TableError(f"line {reader.line_num}: {error}")


def _columns(each: EventMap) -> Iterator[str]:
    for part in (each.type, each.id, each.flow_id, *each.entities.values(), *each.fields.values()):
        if isinstance(part, Cell):
            if part.column:
                yield part.column
        elif part and part is not each.type:
            yield part
    yield each.occurred_at.column if isinstance(each.occurred_at, Moment) else each.occurred_at
    yield from each.only


def _event(row: dict[str, Any], each: EventMap) -> dict[str, Any]:
    kind = each.type if isinstance(each.type, str) else _cell(row, each.type)
    entities = {name: str(found) for name, part in each.entities.items() if (found := _cell(row, part)) not in (None, "")}
    fields = {name: found for name, part in each.fields.items() if (found := _cell(row, part)) is not None}
    document = {
        "id": str(_cell(row, each.id) or ""),
        "type": kind,
        "occurred_at": _moment(row, each.occurred_at),
        "entities": entities,
        "fields": fields,
    }
    flow = _cell(row, each.flow_id) if each.flow_id else None
    return {**document, "flow_id": str(flow)} if flow else document


def _cell(row: dict[str, Any], part: str | Cell) -> Any:
    cell = Cell(column=part) if isinstance(part, str) else part
    if not cell.column:
        return cell.value
    text = row.get(cell.column)
    if not isinstance(text, str) or text == "":
        return None
    if len(text) > CELL_LIMIT:
        raise TableError(f"{cell.column}: {len(text)} characters; at most {CELL_LIMIT} are read")
    if cell.values:
        return cell.values.get(text)
    if cell.type == "number":
        try:
            return float(text) if not text.lstrip("-").isdigit() else int(text)
        except ValueError:
            raise TableError(f"{cell.column}: {text[:32]!r} is no number") from None
    if cell.type == "bool":
        return text.strip().lower() in ("1", "true", "yes", "t", "y")
    return f"{cell.prefix}{text}{cell.suffix}"


def _moment(row: dict[str, Any], part: str | Moment) -> str:
    moment = Moment(column=part) if isinstance(part, str) else part
    text = (row.get(moment.column) or "").strip()
    try:
        if moment.format in ("s", "ms", "us"):
            found = datetime.fromtimestamp(float(text) / {"s": 1, "ms": 1e3, "us": 1e6}[moment.format], UTC)
        elif moment.format == "iso":
            found = datetime.fromisoformat(text)
        else:
            found = datetime.strptime(text, moment.format)
    except (ValueError, OverflowError, OSError):
        raise TableError(f"{moment.column}: {text[:32]!r} is no time of the form {moment.format!r}") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(moment.timezone))
    return found.astimezone(UTC).isoformat()
