"""Reputation: decayed counts of abuse and of good behaviour per key, for the Beta estimate of the sender detectors.

    state = Reputation(half_life_days=30)
    state.seen("domain:5f0c…", 1_700_000_000)
    state.label("domain:5f0c…", abusive=True, weight=1.0, time_s=1_700_000_100)
    state.read("domain:5f0c…", 1_700_000_200)        # -> [1.0, 0.0, 1]: abusive, benign, messages seen; None when unknown

Keys are pseudonyms made by the caller, who must give only identities that were authenticated (a DMARC-aligned domain, a DKIM domain, a client
network): a name that anyone can write would let spammers inherit a good reputation. Decay by the day is A. Jøsang and R. Ismail's
forgetting factor ("The Beta Reputation System", 2002). Counts are integers (1/65,536 of a message) and the decay factors come from
decimal arithmetic, so that the state is equal on every machine.
"""

from collections import OrderedDict
from decimal import Context, Decimal
from functools import cache
from hashlib import blake2b

import msgspec

ONE = 1 << 16  # fixed point: one label of weight 1.0
SHIFT = 32  # fixed point of the decay factors
TILE_SECONDS = 86_400
COUNT_LIMIT = 1 << 40  # of one message's worth each: far beyond any mail stream, and it keeps integers small
KEY_LIMIT = 128
HORIZON_DAYS = 30
NEVER = -(1 << 40)  # a day before all days


class _Entry(msgspec.Struct, array_like=True):
    tile: int  # the day that abusive and benign are decayed to
    abusive: int = 0
    benign: int = 0
    seen: int = 0


class _Snapshot(msgspec.Struct, array_like=True):
    version: int
    half_life_days: int
    capacity: int
    evicted: int
    horizon: int
    entries: list[tuple[str, _Entry]]


@cache  # a table of constants
def _decay_table(half_life_days: int) -> tuple[int, ...]:
    """2^-(d / half-life) for d = 0, 1, … in fixed point, until nothing of a full count is left."""
    context = Context(prec=40)
    half = context.divide(Decimal(1), Decimal(half_life_days))
    # The powers within one half-life; each later one is half of the one a half-life before, to far more digits than are kept.
    first = [context.power(Decimal(2), context.multiply(Decimal(-days), half)) for days in range(half_life_days)]
    table = []
    for days in range(half_life_days * SHIFT + 1):
        halvings, rest = divmod(days, half_life_days)
        table.append(int(context.multiply(first[rest], Decimal(1 << (SHIFT - halvings))).to_integral_value()))
    return tuple(table)


class Reputation:
    """Decayed Beta counts per key; at most `capacity` keys, the least recently written leaves first and then reads as unknown.

    Reading changes nothing. A late write counts as what would be left of it by now, so taking a label back with its original time
    leaves what there was before, but for one unit of rounding (1/65,536).
    """

    name = "reputation"

    def __init__(self, half_life_days: int = 30, capacity: int = 200_000) -> None:
        if not 1 <= half_life_days <= 365 or capacity < 1:
            raise ValueError(f"reputation: half-life must be 1 to 365 days and capacity at least 1, got {half_life_days}, {capacity}")
        self.half_life_days = half_life_days
        self.capacity = capacity
        self.evicted = 0
        self._horizon = NEVER  # the last day on which a key that has been evicted was written
        self._decay = _decay_table(half_life_days)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, key: str, time_s: int) -> list[float | int] | None:
        """[abusive, benign, seen] as of `time_s` (the first two decayed floats), or None when the key is unknown or was evicted."""
        entry = self._entries.get(key[:KEY_LIMIT])
        if entry is None:
            return None
        factor = self._factor(max(time_s // TILE_SECONDS - entry.tile, 0))
        return [((entry.abusive * factor) >> SHIFT) / ONE, ((entry.benign * factor) >> SHIFT) / ONE, entry.seen]

    def first_contact(self, key: str, time_s: int) -> bool | None:
        """True: certainly not seen in the last 30 days. False: seen. None: it may have been seen and forgotten (evicted)."""
        entry = self._entries.get(key[:KEY_LIMIT])
        if entry is not None:
            return entry.seen == 0
        return True if self._horizon < time_s // TILE_SECONDS - HORIZON_DAYS else None

    def seen(self, key: str, time_s: int) -> None:
        """Counts one message of this key."""
        entry = self._touch(key, time_s)
        entry.seen = min(entry.seen + 1, COUNT_LIMIT)

    def label(self, key: str, abusive: bool, weight: float, time_s: int) -> None:
        """Adds a label, or takes one back with a negative weight and the time at which it was given. Never falls below zero."""
        if key[:KEY_LIMIT] not in self._entries and weight <= 0:
            return
        entry = self._touch(key, time_s)
        units = round(min(max(weight, -1e6), 1e6) * ONE)
        factor = self._factor(max(entry.tile - time_s // TILE_SECONDS, 0))
        amount = (abs(units) * factor) >> SHIFT
        change = amount if units > 0 else -amount
        if abusive:
            entry.abusive = min(max(entry.abusive + change, 0), COUNT_LIMIT * ONE)
        else:
            entry.benign = min(max(entry.benign + change, 0), COUNT_LIMIT * ONE)

    def _factor(self, days: int) -> int:
        return self._decay[days] if days < len(self._decay) else 0

    def _touch(self, key: str, time_s: int) -> _Entry:
        key = key[:KEY_LIMIT]
        tile = time_s // TILE_SECONDS
        entry = self._entries.get(key)
        if entry is None:
            while len(self._entries) >= self.capacity:
                _, oldest = self._entries.popitem(last=False)
                self._horizon = max(self._horizon, oldest.tile)
                self.evicted += 1
            entry = self._entries[key] = _Entry(tile)
            return entry
        self._entries.move_to_end(key)
        if tile > entry.tile:
            factor = self._factor(tile - entry.tile)
            entry.abusive = (entry.abusive * factor) >> SHIFT
            entry.benign = (entry.benign * factor) >> SHIFT
            entry.tile = tile
        return entry

    def snapshot(self) -> bytes:
        """The whole state as msgpack; equal states give equal bytes."""
        entries = list(self._entries.items())
        return msgspec.msgpack.encode(_Snapshot(1, self.half_life_days, self.capacity, self.evicted, self._horizon, entries))

    def restore(self, data: bytes) -> None:
        """Replaces the state. Raises ValueError when the bytes are not a snapshot of this version and these settings; the state is then unchanged."""
        try:
            snapshot = msgspec.msgpack.decode(data, type=_Snapshot)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"reputation: not a snapshot: {error}") from None
        if (snapshot.version, snapshot.half_life_days, snapshot.capacity) != (1, self.half_life_days, self.capacity):
            raise ValueError("reputation: the snapshot is of another version, half-life or capacity")
        self._entries = OrderedDict(snapshot.entries)
        self.evicted, self._horizon = snapshot.evicted, snapshot.horizon

    def digest(self) -> str:
        """32 hex digits that are equal exactly when the states are."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()
