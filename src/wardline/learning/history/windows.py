"""Windows over many keys at once: what counters read, computed with numpy, equal to the engine's tallies (`engine.counting.tally`).

    rows = Rows(key=…, time_us=…, counted=…, amount=…, read=…)      # by key, and within a key in order of the journal
    values(spec, rows)                                              # one float for each row; NaN is unknown, and where nothing is read

Where the tiles of a key's events never go back, a window is a run of rows: its end is the row itself, its beginning is found by binary search,
and counts and sums are differences of running totals. A member counts from its event to the next one of the same member, or until its tile
leaves the window, whichever comes first; so that "distinct" is a running total as well. All other keys are told to the tallies themselves.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np

from wardline.engine.counting.counters import compiled
from wardline.engine.counting.keytable import member_of
from wardline.engine.counting.tally import (
    COUNT,
    DISTINCT,
    EXACT_MEMBERS,
    FIRST_SEEN,
    LAST_SEEN,
    RATE,
    RATIO,
    SUM_LIMIT,
    UNIT,
    Spec,
    make_tally,
)

Array = np.ndarray
FEW_ROWS = 50
TABLE_BYTES = 1 << 30
# Differences of running totals are exact as long as no window's sum leaves 64 bits.
_SAFE_SUM = float(1 << 61)


class Rows(msgspec.Struct, frozen=True):
    """Events sorted by key and place. key: 64-bit numbers; counted: does it count?; amount: units, 0 or 1, or a member's number; read: is the
    value wanted here? An event is read before it counts."""

    key: Array
    time_us: Array
    counted: Array
    amount: Array
    read: Array


def values(spec: Spec, rows: Rows, members: Callable[[Array], Array] | None = None) -> Array:
    """What the counter reads at each row that is read.

    members: the facts behind the amounts of a distinct counter, for sketches, which are made of the facts' own hashes. Without it, an
    amount is the fact itself.
    """
    found = np.full(len(rows.key), np.nan)
    if not len(found):
        return found
    new = np.empty(len(found), bool)
    new[0] = True
    np.not_equal(rows.key[1:], rows.key[:-1], out=new[1:])
    group = np.cumsum(new) - 1
    if spec.kind == RATE:
        slow = np.ones(group[-1] + 1, bool)
    elif spec.kind in (FIRST_SEEN, LAST_SEEN):
        slow = _backwards(group, rows.time_us, new)
        _seen(spec, rows, group, new, found)
    else:
        tile = rows.time_us // spec.tile_us
        first = np.maximum(rows.time_us - spec.window_us, 0) // spec.tile_us
        slow = _backwards(group, tile, new) | _backwards(group, first, new)
        if spec.kind == DISTINCT:
            slow |= _distinct(spec, rows, group, new, tile, first, found)
        else:
            slow |= _totals(spec, rows, group, tile, first, found)
    if slow.any():
        _one_by_one(spec, rows, np.flatnonzero(new), slow, found, members)
    return found


def _backwards(group: Array, what: Array, new: Array) -> Array:
    """For each group whether something goes down from one of its rows to the next."""
    down = np.zeros(len(what), bool)
    np.less(what[1:], what[:-1], out=down[1:])
    return np.asarray(np.bincount(group[down & ~new], minlength=int(group[-1]) + 1) > 0)


def _places(group: Array, tile: Array) -> Array:
    """Group and tile as one number that rises where both do. Groups are below 2^31, tiles below 2^32."""
    return np.asarray((group.astype(np.int64) << 32) + tile)


def _totals(spec: Spec, rows: Rows, group: Array, tile: Array, first: Array, found: Array) -> Array:
    """Count, sum and ratio. Gives the groups whose sums could leave 64 bits."""
    counted = np.flatnonzero(rows.counted)
    # Before each row: how many were counted; and how many of them lie before the window's first tile.
    ends = np.cumsum(rows.counted) - rows.counted
    read = np.flatnonzero(rows.read)
    begins = np.searchsorted(_places(group[counted], tile[counted]), _places(group[read], first[read]))
    ends = ends[read]
    slow = np.zeros(int(group[-1]) + 1, bool)
    if spec.kind == COUNT:
        found[read] = ends - begins
        return slow
    amounts = rows.amount[counted]
    totals = np.concatenate([[0], np.cumsum(amounts)])
    inside = totals[ends] - totals[begins]
    if spec.kind == RATIO:
        events = ends - begins
        found[read] = np.divide(inside, events, out=np.full(len(read), np.nan), where=events > 0)
        return slow
    found[read] = np.where(inside % UNIT == 0, (inside // UNIT).astype(float), inside / UNIT)
    sizes = np.bincount(group[counted], weights=np.abs(amounts.astype(float)), minlength=len(slow))
    return np.asarray(sizes > min(_SAFE_SUM, SUM_LIMIT), dtype=bool)


def _distinct(spec: Spec, rows: Rows, group: Array, new: Array, tile: Array, first: Array, found: Array) -> Array:
    """Distinct members. Gives the groups that have more than 64 at once, which only a sketch can hold."""
    counted = np.flatnonzero(rows.counted)
    size = len(rows.key)
    following = _following(rows, group, counted, size)
    total = _alive(counted, following, tile, group, first, size)
    found[rows.read] = total[rows.read]
    # A tally drops members one step late: what the newest tile but one could not see any more.
    kept = _kept_from(spec, group, new, tile, rows.counted)
    held = _alive(counted, following, tile, group, kept, size)
    over = held + rows.counted > EXACT_MEMBERS
    return np.asarray(np.bincount(group[over & rows.counted], minlength=int(group[-1]) + 1) > 0)


def _following(rows: Rows, group: Array, counted: Array, size: int) -> Array:
    """For each counted row the next of the same member and key; `size` where there is none."""
    member = rows.amount[counted].astype(np.uint64)
    order = np.lexsort((counted, member, group[counted]))
    same = (member[order][1:] == member[order][:-1]) & (group[counted][order][1:] == group[counted][order][:-1])
    following = np.full(len(counted), size, np.int64)
    following[order[:-1][same]] = counted[order[1:][same]]
    return following


def _alive(counted: Array, following: Array, tile: Array, group: Array, first: Array, size: int) -> Array:
    """For each row how many members before it are in the window that begins with tile `first`, each by its last event."""
    ends_of_groups = np.append(np.flatnonzero(np.diff(group)) + 1, size)
    gone = np.searchsorted(_places(group, first), _places(group[counted], tile[counted]), side="right")
    # From the row behind the event to the row of the member's next one, which still reads this one.
    until = np.minimum(np.minimum(gone, following + 1), ends_of_groups[group[counted]])
    change = np.bincount(np.minimum(counted + 1, size), minlength=size + 1) - np.bincount(
        np.maximum(until, counted + 1), minlength=size + 1
    )
    return np.asarray(np.cumsum(change[:size]))


def _kept_from(spec: Spec, group: Array, new: Array, tile: Array, counted: Array) -> Array:
    """For each row the first tile that its key's tally still holds, the row's own event (if it counts) included."""
    places = np.flatnonzero(counted)
    kept = np.zeros(len(tile), np.int64)
    if not len(places):
        return kept
    t, g = tile[places], group[places]
    opens = np.empty(len(places), bool)
    opens[0] = True
    opens[1:] = (t[1:] != t[:-1]) | (g[1:] != g[:-1])
    starts = np.flatnonzero(opens)
    # The tile before the newest one, of the same key.
    before = np.zeros(len(starts), np.int64)
    same = g[starts][1:] == g[starts][:-1]
    before[1:][same] = t[starts][:-1][same]
    bound = np.maximum(before - spec.tiles, 0)[np.cumsum(opens) - 1]
    at = np.searchsorted(places, np.arange(len(tile)), side="right") - 1
    inside = (at >= 0) & (group[places[np.maximum(at, 0)]] == group)
    kept[inside] = bound[at[inside]]
    return kept


def _seen(spec: Spec, rows: Rows, group: Array, new: Array, found: Array) -> None:
    """First and last seen, in whole seconds."""
    places = np.flatnonzero(rows.counted)
    if not len(places):
        found[rows.read] = 0.0 if spec.kind == FIRST_SEEN else np.nan
        return
    t, g = rows.time_us[places], group[places]
    begins = np.empty(len(places), bool)
    begins[0] = True
    begins[1:] = (g[1:] != g[:-1]) | (t[1:] - t[:-1] > spec.window_us)
    run_start = t[np.maximum.accumulate(np.where(begins, np.arange(len(places)), 0))]
    read = np.flatnonzero(rows.read)
    at = np.searchsorted(places, read, side="left") - 1
    seen = (at >= 0) & (g[np.maximum(at, 0)] == group[read])
    at = np.maximum(at, 0)
    now = rows.time_us[read]
    silent = now - t[at] > spec.window_us
    if spec.kind == LAST_SEEN:
        found[read] = np.where(seen & ~silent, np.maximum(now - t[at], 0) // 1_000_000, np.nan)
        return
    age = now - run_start[at]
    known = np.minimum(age, spec.window_us) // 1_000_000
    found[read] = np.where(seen & ~silent & (age > 0), known, 0)


def _one_by_one(spec: Spec, rows: Rows, starts: Array, slow: Array, found: Array, members: Callable[[Array], Array] | None) -> None:
    """The keys that numpy cannot compute, through the engine itself."""
    amounts = rows.amount
    if members is not None and spec.kind == DISTINCT:
        chosen = rows.counted & np.repeat(slow, np.diff(np.append(starts, len(amounts))))
        amounts = np.zeros(len(amounts), object)
        amounts[chosen] = members(rows.amount[chosen])
    ends = np.append(starts[1:], len(rows.key))
    for number in np.flatnonzero(slow):
        part = slice(int(starts[number]), int(ends[number]))
        steps = zip(
            range(part.start, part.stop),
            rows.time_us[part].tolist(),
            rows.counted[part].tolist(),
            amounts[part].tolist(),
            rows.read[part].tolist(),
            strict=True,
        )
        # A table of its own costs as much as some dozen events, and holds a summand only as it was before it became units.
        if part.stop - part.start > FEW_ROWS and spec.kind in (COUNT, DISTINCT, RATE):
            _by_table(spec, steps, found)
        else:
            _by_tally(spec, steps, found)


Steps = Iterable[tuple[int, int, bool, Any, bool]]


def _by_tally(spec: Spec, steps: Steps, found: Array) -> None:
    tally = make_tally(spec)
    for place, time_us, counted, amount, read in steps:
        if read:
            value = tally.read(time_us, -1)
            found[place] = np.nan if value is None else value
        if counted:
            tally.write(time_us, (member_of(amount) or 0) if spec.kind == DISTINCT else amount)


def _by_table(spec: Spec, steps: Steps, found: Array) -> None:
    """One key in a table of the engine's, compiled where it was built: ten times quicker than a tally."""
    tables = compiled()(TABLE_BYTES, 0, 1)
    tables.add((), spec, ("event",), "member", -1, ("value",), -1)
    for place, time_us, counted, amount, read in steps:
        if read:
            value = tables.read(time_us, {})["value"]
            found[place] = np.nan if value is None else value
        if counted:
            tables.absorb(place + 1, "event", time_us, {"member": amount}, [])


__all__ = ["Rows", "values"]
