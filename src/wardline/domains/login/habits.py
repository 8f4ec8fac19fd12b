"""An account's habits in a few hundred bytes: which values its successful logins had, how often, and when first and last.

    packed = habits.add(b"", keys, day=20_418)      one login more
    habits.index(packed)                            {key: count, first and last day in one number}

Each entry is 64 bits: the key (32), a count (10), first and last day modulo 2,048 (11 each). Keys below 16 are the account's own numbers: 0 the
logins, 1 to 14 how often a level brought a value that was new (so that it is known of somebody who changes address daily that they do), TODAY
the logins of the last day. Keys at level TODAY are own numbers too: how many device identifiers came new with a system. Bounded three ways: KEPT
values a level, LOGINS_A_DAY counted logins a day (an intruder who logs in a hundred times does not outweigh a month), and all counts are halved at
HALVE_AT logins, so that habits of last year fade.
"""

import struct

from wardline.domains.login.attributes import DEVICE, IDENTIFIED, KEPT, LEVELS, LOGINS, SHIFT, SYSTEM, TODAY, renewals_key

try:
    from wardline.domains.login._habits import add as native_add
except ImportError:  # a source install without a C compiler
    NATIVE = False
else:
    NATIVE = True

COUNT_LIMIT = 1023
DAYS = 2048
LOGINS_A_DAY = 6
HALVE_AT = 400
# A value that was not used for so long is forgotten when room is needed, however often it was used before.
STALE_DAYS = 120
# How far back the first day of a value is put that needs no confirmation, and the logins after which new values need one.
CONFIRMING_DAYS = 7
YOUNG_LOGINS = 4
# How much later a value becomes habit that came with a login for which a challenge was asked and not passed ("success" all the same: the site
# did not ask, or tells the password's result). Intruders use what they have within a day or two; owners are still there afterwards.
DOUBTED_DAYS = 2
COUNT_SHIFT, FIRST_SHIFT = 22, 11
COUNT_ONE, COUNT_FULL, DAY_MASK = 1 << COUNT_SHIFT, COUNT_LIMIT << COUNT_SHIFT, DAYS - 1
Index = dict[int, int]
# What the C part takes: how many values of each level are kept, then the bounds of above.
_BOUNDS = struct.pack(
    f"={len(LEVELS)}B6I",
    *(KEPT[level] for level in LEVELS),
    LOGINS_A_DAY,
    HALVE_AT,
    STALE_DAYS,
    CONFIRMING_DAYS,
    YOUNG_LOGINS,
    DOUBTED_DAYS,
)


def index(packed: bytes) -> Index:
    """Key to count << COUNT_SHIFT | first day << FIRST_SHIFT | last day."""
    return {entry >> 32: entry & 0xFFFFFFFF for entry in struct.unpack(f"<{len(packed) >> 3}Q", packed)}


def add(packed: bytes, keys: tuple[int, ...], day: int, confirmed: bool = False, doubted: bool = False) -> tuple[bytes, list[int], bool]:
    """Count one login of a day. Gives the habits, the keys that the account had not yet used that day, and whether it is the day's first login.
    confirmed: a challenge was passed, so its values count as if they had been used for long.
    doubted: a challenge was asked for and nobody passed it, so what is new waits DOUBTED_DAYS longer."""
    return native_add(packed, keys, day, confirmed, doubted, _BOUNDS) if NATIVE else add_plain(packed, keys, day, confirmed, doubted)


def add_plain(
    packed: bytes, keys: tuple[int, ...], day: int, confirmed: bool = False, doubted: bool = False
) -> tuple[bytes, list[int], bool]:
    """As `add`, in Python."""
    entries = index(packed)
    day %= DAYS
    fresh = 1 << COUNT_SHIFT | day << FIRST_SHIFT | day
    before = entries.get(TODAY, 0)
    today = (before >> COUNT_SHIFT) + 1 if before & DAY_MASK == day else 1
    entries[TODAY] = min(today, COUNT_LIMIT) << COUNT_SHIFT | day << FIRST_SHIFT | day
    first_today: list[int] = []
    counts, new = today <= LOGINS_A_DAY, not before
    if counts:
        _count(entries, LOGINS, fresh, day)
    young = entries[LOGINS] >> COUNT_SHIFT <= YOUNG_LOGINS
    for key in keys:
        if not key:
            continue
        entry = entries.get(key)
        if entry is None:
            first_today.append(key)
            new = True
            level = key >> SHIFT
            _count(entries, level, fresh, day)  # one change more at this level
            _make_room(entries, level, KEPT[level], day)
            if level == DEVICE and key & IDENTIFIED and keys[SYSTEM - 1]:
                renewals = renewals_key(keys[SYSTEM - 1])
                if renewals not in entries:
                    _make_room(entries, TODAY, KEPT[SYSTEM], day)
                _count(entries, renewals, fresh, day)
            first = (day + DOUBTED_DAYS) % DAYS if doubted else day
            if young:
                # The first values of an account are its habits: there is nothing yet to confirm them against.
                first = (day - CONFIRMING_DAYS) % DAYS
            entry = 1 << COUNT_SHIFT | first << FIRST_SHIFT | day
        else:
            if entry & DAY_MASK != day:
                first_today.append(key)
            if counts:
                entry = (entry if entry >= COUNT_FULL else entry + COUNT_ONE) & ~DAY_MASK | day
        if confirmed:
            entry = entry & ~(DAY_MASK << FIRST_SHIFT) | (day - CONFIRMING_DAYS) % DAYS << FIRST_SHIFT
        entries[key] = entry
    if entries[LOGINS] >> COUNT_SHIFT >= HALVE_AT:
        entries = {key: (entry >> COUNT_SHIFT) + 1 >> 1 << COUNT_SHIFT | entry & COUNT_ONE - 1 for key, entry in entries.items()}
    # Without a new key they are in order still.
    ordered = sorted(entries.items()) if new else entries.items()
    return struct.pack(f"<{len(entries)}Q", *[key << 32 | entry for key, entry in ordered]), first_today, today == 1


def _count(entries: Index, key: int, fresh: int, day: int) -> None:
    entry = entries.get(key)
    entries[key] = fresh if entry is None else (entry if entry >= COUNT_FULL else entry + COUNT_ONE) & ~DAY_MASK | day


def _make_room(entries: Index, level: int, kept: int, day: int) -> None:
    found = [key for key in entries if key >> SHIFT == level and key > TODAY]
    if len(found) >= kept:
        # The least used leaves; among equals the longest unused; a stale one before all.
        def rank(key: int) -> tuple[bool, int, int, int]:
            unused = (day - entries[key]) % DAYS
            return unused < STALE_DAYS, entries[key] >> COUNT_SHIFT, -unused, key

        del entries[min(found, key=rank)]


assert set(LEVELS) == set(KEPT) and tuple(LEVELS) == tuple(range(1, 15)) and TODAY == 15 and SHIFT == 28 and COUNT_LIMIT == 1023
assert (SYSTEM, DEVICE, IDENTIFIED) == (7, 10, 1 << 27)
