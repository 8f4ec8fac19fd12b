"""Counters computed over history: what they would have read, event by event, had they been declared all along.

    table = recount(session, [failures_prefix_10m], "login", since_us=…, until_us=…)
    table.schema.names                      # ["_seq", "failures_prefix_10m"]: one row for each login whose key is known

The values are those of `engine.counting.counters` under docs/contracts/counters.md, with no key ever given up: where a late event, or one whose key went for
lack of memory, read unknown, history knows. Only the columns that a
counter names are read, in slices of keys that memory can hold. Keys whose events came in order of their tiles, nearly all, are computed
with numpy (`windows`); the others, rates, and keys with more than 64 members go through the engine's own tallies, one event after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from wardline.engine.conditions.sql import to_sql
from wardline.engine.counting.counter import Counter
from wardline.engine.counting.tally import AMOUNT_LIMIT, TIME_LIMIT_US, UNIT, spec_of
from wardline.engine.rule import check
from wardline.learning.history import windows
from wardline.learning.history.session import Session, quoted

SLICE_ROWS = 4_000_000
INT_LIMIT = float(1 << 63)
Progress = Callable[[float], None]


def recount(
    session: Session,
    counters: Sequence[Counter],
    point: str,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    slice_rows: int = SLICE_ROWS,
) -> pa.Table:
    """What counters read at the events of type `point` in [since, until): `_seq` and a column for each, null where unknown.

    names: kinds of declared facts, for names that no row knows. progress: told the share done. Raises HistoryError, StorageDamaged, RuleError.
    """
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for number, counter in enumerate(counters):
        slices = max(-(-_rows(session, (*counter.on, point)) // slice_rows), 1)
        seqs: list[np.ndarray] = []
        values: list[np.ndarray] = []
        for part in range(slices):
            rows = session.arrow(*_query(session, counter, point, since_us, until_us, names or {}, (part, slices)))
            seq, value = _values(session, counter, rows)
            seqs.append(seq)
            values.append(value)
            if progress is not None:
                progress((number + (part + 1) / slices) / len(counters))
        found[counter.name] = np.concatenate(seqs), np.concatenate(values)
    every = np.unique(np.concatenate([seq for seq, _ in found.values()])) if len(found) > 1 else next(iter(found.values()))[0]
    columns: dict[str, pa.Array] = {"_seq": pa.array(every)}
    for name, (seq, value) in found.items():
        if len(found) > 1:
            whole = np.full(len(every), np.nan)
            whole[np.searchsorted(every, seq)] = value
            value = whole
        columns[name] = pa.array(value, mask=np.isnan(value))
    return pa.table(columns)


def _rows(session: Session, types: Sequence[str]) -> int:
    return sum(part.rows for type in dict.fromkeys(types) for part in session.manifest.of_type(type))


def _query(
    session: Session,
    counter: Counter,
    point: str,
    since_us: int | None,
    until_us: int | None,
    names: Mapping[str, str],
    slice_: tuple[int, int],
) -> tuple[str, list[Any]]:
    """The rows that matter, by key and place: _k (key), _t (time), _w (does it count?), _a (amount or member), _r (is it read?)."""
    parameters: list[Any] = []
    selects = []
    start = _start(session, counter, point, since_us, until_us)
    for type in dict.fromkeys((*counter.on, point)):
        kinds = {**names, **session.kinds(type)}
        keys = [_known(name, kinds) for name in counter.key]
        if not all(keys):
            continue  # a part of the key that is a list, or that nobody ever gave: unknown for all
        reads = list(counter.key)
        counted, amount = ("TRUE", _AMOUNTS.get(counter.kind, "1")) if type in counter.on else ("FALSE", _AMOUNTS.get(counter.kind, "1"))
        if type in counter.on:
            counted, amount, more = _counted(counter, kinds, parameters)
            reads += more
        read = "FALSE"
        if type == point:
            bounds = [f"_occurred_us >= {int(since_us)}"] if since_us is not None else []
            bounds += [f"_occurred_us < {int(until_us)}"] if until_us is not None else []
            read = " AND ".join(bounds) or "TRUE"
        wanted = {"_seq": "number", "_occurred_us": "number", "_recorded_us": "number", **{n: kinds.get(n, "text") for n in reads}}
        slicing = [f"hash(_k) % {slice_[1]} = {slice_[0]}"] if slice_[1] > 1 else []
        # Names that begin with "_" are no facts, and so are free for ours.
        selects.append(
            f"SELECT _seq, {_hash(counter, kinds)} AS _k, least(greatest(least(_occurred_us, _recorded_us), 0), {TIME_LIMIT_US}) AS _t, "  # noqa: S608
            f"{counted} AS _w, {amount} AS _a, ({read}) AS _r FROM {session.events(type, wanted, start, None)} "
            f"WHERE {' AND '.join([*keys, '(_w OR _r)', *slicing])}"
        )
    if not selects:
        return "SELECT 0 AS _seq, 0::UBIGINT AS _k, 0 AS _t, FALSE AS _w, 0 AS _a, FALSE AS _r WHERE FALSE", []
    return f"SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY _k, _seq", parameters  # noqa: S608


def _start(session: Session, counter: Counter, point: str, since_us: int | None, until_us: int | None) -> int | None:
    """Before which time no event matters to a reader; None where the whole past does (a sketch, a run, a decayed count)."""
    if since_us is None or counter.kind not in ("count", "sum", "ratio"):
        return None
    # A clock that ran ahead puts an event into the window that counts as of when it was recorded.
    names = {"_occurred_us": "number", "_recorded_us": "number"}
    found = session.rows(
        f"SELECT min(least(_occurred_us, _recorded_us)) FROM {session.events(point, names, since_us, until_us)}"  # noqa: S608
    ).rows[0][0]
    return None if found is None else int(found) - (counter.window_seconds + 2 * counter.tile_seconds) * 1_000_000


_AMOUNTS = {"sum": "0::DOUBLE", "distinct": "0::UBIGINT"}


def _counted(counter: Counter, kinds: Mapping[str, str], parameters: list[Any]) -> tuple[str, str, list[str]]:
    """SQL for "does this event count?" and for what it adds, and the names that both read. Parameters are added to the list."""
    counted, amount, reads = "TRUE", _AMOUNTS.get(counter.kind, "1"), []
    if counter.where:
        condition, names = _condition(counter.where, kinds, parameters)
        counted, reads = f"coalesce({condition}, FALSE)", [*names]
    if counter.kind == "ratio":
        share, names = _condition(counter.of, kinds, parameters)
        return f"({counted} AND {share} IS NOT NULL)", f"CAST({share} AS INT)", [*reads, *names]
    if counter.kind in ("sum", "distinct"):
        known = _known(counter.of, kinds)
        if not known or (counter.kind == "sum" and kinds[counter.of] != "number"):
            return "FALSE", amount, []
        value = quoted(counter.of) if counter.kind == "sum" else f"hash({quoted(counter.of)})"
        return (
            f"({counted} AND {quoted(counter.of)} IS NOT NULL)" if counter.kind == "sum" else f"({counted} AND {known})",
            value,
            [*reads, counter.of],
        )
    return counted, amount, reads


def _hash(counter: Counter, kinds: Mapping[str, str]) -> str:
    """SQL for the key as 64 bits, kinds included: 1 and "1" are two keys."""
    return "hash(0" + "".join(f", {quoted(name)}, '{kinds[name]}'" for name in counter.key) + ")"


def _condition(text: str, kinds: Mapping[str, str], parameters: list[Any]) -> tuple[str, tuple[str, ...]]:
    checked = check(text, kinds)
    sql = to_sql(checked, before=tuple(parameters))
    parameters[:] = sql.parameters
    return f"({sql.text})", checked.reads


def _known(name: str, kinds: Mapping[str, str]) -> str:
    """SQL for "this fact is known, and can be a key or a member"; "" where it never can."""
    kind = kinds.get(name)
    if kind not in ("text", "bool", "number"):
        return ""
    return f"{quoted(name)} IS NOT NULL" + (f" AND abs({quoted(name)}) < {INT_LIMIT!r}" if kind == "number" else "")


def _values(session: Session, counter: Counter, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """(seqs, values) of the rows that are read; NaN where unknown."""
    seq, key, time_us, counted, read = (rows[name].to_numpy() for name in ("_seq", "_k", "_t", "_w", "_r"))
    if not read.any():
        return np.empty(0, np.int64), np.empty(0)
    amount = rows["_a"].to_numpy()
    if counter.kind == "sum":
        amount = units(np.where(counted, amount, 0.0))
    elif counter.kind == "ratio":
        amount = np.where(counted, amount, 0).astype(np.int64)
    found = windows.values(
        spec_of(counter),
        windows.Rows(key=key, time_us=time_us, counted=counted, amount=amount, read=read),
        lambda hashes: members(session, counter, hashes),
    )
    return seq[read], found[read]


def members(session: Session, counter: Counter, hashes: np.ndarray) -> np.ndarray:
    """The facts behind DuckDB's hashes of them: the engine's sketch is made of hashes of its own."""
    wanted = np.unique(hashes)
    session.give("wanted", pa.table({"h": wanted}))
    name = quoted(counter.of)
    selects = [
        f"SELECT hash({name}) AS h, {name}::VARCHAR AS v, '{kinds[counter.of]}' AS kind FROM {session.events(type, [counter.of])} "  # noqa: S608
        f"WHERE {name} IS NOT NULL"
        for type in counter.on
        if (kinds := session.kinds(type)) and counter.of in kinds
    ]
    found = session.arrow(
        f"SELECT h, any_value(v) AS v, any_value(kind) AS kind FROM ({' UNION ALL '.join(selects)}) "  # noqa: S608
        "WHERE h IN (SELECT h FROM wanted) GROUP BY h ORDER BY h"
    )
    facts = np.empty(len(found), object)
    place = 0
    for batch in found.select(["v", "kind"]).to_batches(65_536):
        for text, kind in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            facts[place] = text if kind == "text" else float(text) if kind == "number" else text == "true"
            place += 1
    return np.asarray(facts[np.searchsorted(found["h"].to_numpy(), hashes)])


def units(amount: np.ndarray) -> np.ndarray:
    """Summands in millionths, held within ±10^12 (`engine.counting.keytable.units_of`)."""
    amount = np.nan_to_num(amount.astype(np.float64))
    held = np.clip(amount, -float(AMOUNT_LIMIT), float(AMOUNT_LIMIT))
    whole = held == np.floor(held)
    parts = np.rint(np.where(whole, 0.0, held) * UNIT).astype(np.int64)
    return np.asarray(np.where(whole, held.astype(np.int64) * UNIT, parts), dtype=np.int64)
