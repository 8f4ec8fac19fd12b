"""Records as columns: one per fact and counter by its own name, and the decision's own under names that begin with "_".

    table, kinds = columns(batch, known)      # batch: [(Record, KeptEvent), …] of one event type

    _seq  _id  _occurred_us  _recorded_us  _verdict  _score … ip.asn  ip.country  failures_10m   _other
       7  01K…       …            …         allow     0.02     64500   AT          3              null

A name has one kind for all time: number, text, bool or list. The kind is the declared one, else the one that most values had when the name
was first seen. A value of another kind (text here, number there) is kept in `_other`, JSON by name, and its own column reads as unknown, as in
the rule language. So is whatever cannot be a column: a name that is not letters, digits, dots and underscores (100 at most, a letter first),
one that differs from another only by case, and every name beyond the first 512 of its event type. What values become is what
docs/contracts/rules.md says of SQL: numbers are finite 64-bit floats, and what is none is unknown; members of a list that are no texts are null.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from wardline.engine.kept import KeptDecision, KeptEvent
from wardline.engine.record import Record

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
COLUMN_LIMIT = 512

TYPES: dict[str, pa.DataType] = {
    "number": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "list": pa.list_(pa.string()),
}
# The decision's own columns, in the order in which they are written.
OWN: dict[str, pa.DataType] = {
    "_seq": pa.int64(),
    "_id": pa.string(),
    "_occurred_us": pa.int64(),
    "_recorded_us": pa.int64(),
    "_subject": pa.string(),
    "_keys": pa.list_(pa.string()),
    "_verdict": pa.string(),
    "_score": pa.float64(),
    "_log_odds": pa.float64(),
    "_line": pa.string(),
    "_mode": pa.string(),
    "_policy": pa.string(),
    "_policy_digest": pa.string(),
    "_hits": pa.list_(pa.string()),
    "_shadow": pa.list_(pa.string()),
    "_failed": pa.list_(pa.string()),
    "_other": pa.string(),
}

Batch = Sequence[tuple[Record, KeptEvent]]


def kind_of(value: Any) -> str | None:
    """The kind of one value; None for what is unknown: None, NaN, infinities and integers beyond the range of floats."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "number" if abs(value) <= sys.float_info.max else None
    if isinstance(value, float):
        return "number" if math.isfinite(value) else None
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else None


def columns(batch: Batch, known: Mapping[str, str], declared: Mapping[str, str] | None = None) -> tuple[pa.Table, dict[str, str]]:
    """A batch of one event type as a table, in the batch's order, and the kinds of all names known from now on.

    known: name -> kind as the manifest has it; declared: the same from whoever declares facts and counters, for names that are new.
    """
    kinds = dict(known)
    taken = {name.lower() for name in kinds}
    raw: dict[str, list[Any]] = {}
    other: list[dict[str, Any] | None] = [None] * len(batch)

    def set_aside(row: int, name: str, value: Any) -> None:
        found = other[row]
        if found is None:
            found = other[row] = {}
        found[plain(name)] = [plain_value(member) for member in value] if isinstance(value, list) else plain_value(value)

    for row, (_, kept) in enumerate(batch):
        read = kept.read if isinstance(kept, KeptDecision) else {}
        for source in (kept.facts, read):
            for name, value in source.items():
                if value is None:
                    continue
                if source is not read and name in read and read[name] is not None:
                    # A counter that is named like a fact is what rules see; the fact is kept beside it.
                    set_aside(row, f"fact:{name}", value)
                    continue
                column = raw.get(name)
                if column is None:
                    if name not in kinds and (not NAME.fullmatch(name) or name.lower() in taken or len(kinds) + len(raw) >= COLUMN_LIMIT):
                        set_aside(row, name, value)
                        continue
                    taken.add(name.lower())
                    column = raw[name] = []
                column.extend([None] * (row - len(column)))
                column.append(value)

    arrays: dict[str, pa.Array] = {}
    for name, values in raw.items():
        values.extend([None] * (len(batch) - len(values)))
        found = [kind_of(value) for value in values]
        if name not in kinds:
            wanted = _kind((declared or {}).get(name), found)
            if wanted is None:
                for row, value in enumerate(values):
                    if value is not None:
                        set_aside(row, name, value)
                continue
            kinds[name] = wanted
        kind = kinds[name]
        for row, (value, its) in enumerate(zip(values, found, strict=True)):
            if its != kind and value is not None:
                set_aside(row, name, value)
                values[row] = None
            elif its == "list" and not all(isinstance(member, str) for member in value):
                set_aside(row, name, value)
        arrays[name] = _array(kind, values)
    own = _own(batch, other)
    return pa.table({**{name: own[name] for name in OWN if name != "_other"}, **arrays, "_other": own["_other"]}), kinds


def _kind(declared: str | None, found: Sequence[str | None]) -> str | None:
    counted = Counter(kind for kind in found if kind is not None)
    if declared in TYPES:
        return declared
    # A tie goes by name, so that the same records always make the same table.
    return min(counted, key=lambda kind: (-counted[kind], kind)) if counted else None


def _array(kind: str, values: list[Any]) -> pa.Array:
    if kind == "number":
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kind == "text":
        return pa.array([None if value is None else plain(value) for value in values], pa.string())
    if kind == "list":
        lists = [None if value is None else [plain(member) if isinstance(member, str) else None for member in value] for value in values]
        return pa.array(lists, TYPES[kind])
    return pa.array(values, pa.bool_())


def plain(text: str) -> str:
    """The text as UTF-8 can hold it: lone surrogates become U+FFFD (Unicode 16.0 §5.22)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def plain_value(value: Any) -> Any:
    """The same for a value of any kind."""
    return plain(value) if isinstance(value, str) else value


def _own(batch: Batch, other: Sequence[dict[str, Any] | None]) -> dict[str, pa.Array]:
    rows: dict[str, list[Any]] = {name: [] for name in OWN}
    for (record, kept), aside in zip(batch, other, strict=True):
        # What facts say already is not said again: an erasure looks at both.
        said = {value for value in kept.facts.values() if isinstance(value, str)}
        rows["_seq"].append(record.seq)
        rows["_id"].append(plain(kept.id))
        rows["_occurred_us"].append(kept.occurred_us)
        rows["_recorded_us"].append(record.time_us)
        rows["_subject"].append(plain(record.subject) if record.subject and record.subject not in said else None)
        rows["_keys"].append([plain(key) for key in record.keys if key not in said] or None)
        decision = kept if isinstance(kept, KeptDecision) else None
        for name in ("verdict", "score", "log_odds", "line", "mode", "policy", "policy_digest"):
            value = getattr(decision, name, None)
            rows["_" + name].append(plain(value) if isinstance(value, str) else value)
        for name in ("hits", "shadow", "failed"):
            rows["_" + name].append([plain(rule) for rule in getattr(decision, name, ())] or None)
        rows["_other"].append(msgspec.json.encode(aside).decode() if aside else None)
    return {name: pa.array(rows[name], type_) for name, type_ in OWN.items()}
