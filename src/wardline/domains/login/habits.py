"""An account's habits in a few hundred bytes: which values its successful logins had, how often, and when first and last.

    packed = habits.add(b"", keys, day=20_418)      one login more
    habits.unpack(packed)                           {key: (count, first day, last day)}
    habits.index(packed)                            {key: the three in one number}: quicker, for looking up

Each entry is 64 bits: the key (32), a count (10), first and last day modulo 2,048 (11 each). Keys below 16 are the account's own numbers: 0 the
logins, 1 to 13 how often a level brought a value that was new (so that it is known of somebody who changes address daily that they do), TODAY
the logins of the last day. Bounded three ways: KEPT values a level, LOGINS_A_DAY counted logins a day (an intruder who logs in a hundred times
does not outweigh a month), and all counts are halved at HALVE_AT logins, so that habits of last year fade.
"""

import struct

from wardline.domains.login.attributes import KEPT, LEVELS, LOGINS, SHIFT, TODAY

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
Habits = dict[int, tuple[int, int, int]]
Index = dict[int, int]


def unpack(packed: bytes) -> Habits:
    """Key to (count, first day, last day)."""
    return {entry >> 32: (entry >> 22 & 1023, entry >> 11 & 2047, entry & 2047) for entry in struct.unpack(f"<{len(packed) >> 3}Q", packed)}


def index(packed: bytes) -> Index:
    """Key to count << COUNT_SHIFT | first day << FIRST_SHIFT | last day."""
    return {entry >> 32: entry & 0xFFFFFFFF for entry in struct.unpack(f"<{len(packed) >> 3}Q", packed)}


def pack(habits: Habits) -> bytes:
    """The inverse of `unpack`, in the order of the keys: equal habits are equal bytes."""
    entries = [key << 32 | min(count, COUNT_LIMIT) << 22 | first << 11 | last for key, (count, first, last) in sorted(habits.items())]
    return struct.pack(f"<{len(entries)}Q", *entries)


def add(packed: bytes, keys: tuple[int, ...], day: int, confirmed: bool = False, doubted: bool = False) -> tuple[bytes, list[int], bool]:
    """Count one login of a day. Gives the habits, the keys that the account had not yet used that day, and whether it is the day's first login.
    confirmed: a challenge was passed, so its values count as if they had been used for long.
    doubted: a challenge was asked for and nobody passed it, so what is new waits DOUBTED_DAYS longer."""
    habits = unpack(packed)
    day %= DAYS
    count, _, last = habits.get(TODAY, (0, day, day))
    today = count + 1 if last == day else 1
    habits[TODAY] = (today, day, day)
    first_today = [key for key in keys if key and (key not in habits or habits[key][2] != day)]
    if today <= LOGINS_A_DAY:
        _count(habits, LOGINS, day)
    for key in keys:
        if not key:
            continue
        if key not in habits:
            _count(habits, key >> SHIFT, day)  # one change more at this level
            _make_room(habits, key >> SHIFT, day)
            habits[key] = (1, (day + DOUBTED_DAYS) % DAYS if doubted else day, day)
            if not habits[LOGINS][0] > YOUNG_LOGINS:
                # The first values of an account are its habits: there is nothing yet to confirm them against.
                habits[key] = (1, (day - CONFIRMING_DAYS) % DAYS, day)
        elif today <= LOGINS_A_DAY:
            _count(habits, key, day)
        if confirmed:
            count, _, last = habits[key]
            habits[key] = (count, (day - CONFIRMING_DAYS) % DAYS, last)
    if habits[LOGINS][0] >= HALVE_AT:
        habits = {key: (count + 1 >> 1, first, last) for key, (count, first, last) in habits.items()}
    return pack(habits), first_today, today == 1


def _count(habits: Habits, key: int, day: int) -> None:
    count, first, _ = habits.get(key, (0, day, day))
    habits[key] = (min(count + 1, COUNT_LIMIT), first, day)


def _make_room(habits: Habits, level: int, day: int) -> None:
    found = [key for key in habits if key >> SHIFT == level and key > TODAY]
    if len(found) >= KEPT[level]:
        # The least used leaves; among equals the longest unused; a stale one before all.
        del habits[
            min(found, key=lambda key: ((day - habits[key][2]) % DAYS < STALE_DAYS, habits[key][0], -((day - habits[key][2]) % DAYS), key))
        ]


assert set(LEVELS) == set(KEPT)
