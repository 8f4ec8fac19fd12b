"""A counter as it is declared: what is counted, for whom, under which condition, over which window. The contract: docs/contracts/counters.md.

    Counter(name="failures_prefix_10m", kind="count", on=("login.outcome",), by=("ip.prefix24",),
            where='result == "wrong_password"', window_seconds=600)

The same in a rule file, read by `parse_counter("failures_prefix_10m", {...})`:

    failures_prefix_10m: {count: login.outcome, by: ip.prefix24, where: 'result == "wrong_password"', window: 10m}
    accounts_ip_1h:      {distinct: account, on: login, by: ip, window: 1h}
    spent_account_24h:   {sum: amount, on: wallet.transfer, by: account, window: 24h}
    failed_share_ip_1h:  {ratio: 'result == "wrong_password"', on: login.outcome, by: ip, window: 1h}
    account_known_for:   {first_seen: login, by: account}
    account_idle_for:    {last_seen: login, by: account}
    pace_pair:           {rate: login, by: [ip, account], half_life: 10m}

Two declarations that differ only in their names are one counter (`meaning`), kept once.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from wardline.engine.event import type_pattern

Kind = Literal["count", "sum", "distinct", "ratio", "first_seen", "last_seen", "rate"]
KINDS: tuple[str, ...] = get_args(Kind)

NAME_LIMIT = 64
KEY_PARTS_LIMIT = 4
WINDOW_LIMIT_SECONDS = 400 * 86_400
HALF_LIFE_MIN_SECONDS = 60
SEEN_WINDOW_SECONDS = 365 * 86_400  # for how long a silent key is remembered by first_seen and last_seen unless a window says otherwise
TILES = 60  # a window has about so many tiles

_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")
_TYPE = re.compile(type_pattern)
_DURATION = re.compile(r"^(\d{1,9})\s?(s|m|h|d)$")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# What stands behind the kind's own word in a rule file: the event types, or what is measured (then `on` names the types).
_OF_TYPES = ("count", "first_seen", "last_seen", "rate")
_OPTIONS = ("on", "by", "where", "window", "half_life")


class CounterError(ValueError):
    """A declaration that cannot be accepted: which counter, what is wrong, what to do."""


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration.

    on: event types that are counted. by: names of the facts that make the key; () counts everything together. of: the fact that is summed
    or whose different values are counted; for a ratio the condition whose share is taken. where: only events for which this is
    known to be true are counted. window_seconds: of all kinds but rate. half_life_seconds: of rate.
    """

    name: str
    kind: Kind
    on: tuple[str, ...]
    by: tuple[str, ...] = ()
    of: str = ""
    where: str = ""
    window_seconds: int = 0
    half_life_seconds: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """The names of `by` in a fixed order: counters with equal keys share one table."""
        return tuple(sorted(self.by))

    @property
    def tile_seconds(self) -> int:
        """The granularity of time: a sixtieth of the window in whole seconds, rounded up, at least one. 0 where there are no tiles."""
        return -(-self.window_seconds // TILES) if self.kind in ("count", "sum", "distinct", "ratio") else 0

    @property
    def line(self) -> str:
        """What it says, in one line of words."""
        of = f" of {self.of}" if self.of else ""
        types = f" {'in' if self.of else 'of'} {' and '.join(self.on)}"
        by = f" by {' and '.join(self.by)}" if self.by else ""
        where = f" where {self.where}" if self.where else ""
        over = f" over {render_duration(self.window_seconds)}" if self.window_seconds else ""
        half = f" with a half-life of {render_duration(self.half_life_seconds)}" if self.half_life_seconds else ""
        return f"{self.kind.replace('_', ' ')}{of}{types}{by}{where}{over}{half}"

    def meaning(self) -> "Counter":
        """The same without its name and with its lists in order: equal for declarations that count the same."""
        return msgspec.structs.replace(self, name="", on=tuple(sorted(self.on)), by=self.key)


def check_counter(counter: Counter) -> Counter:
    """The declaration itself, when it can be kept. Raises CounterError with a hint. Conditions are compiled by whoever knows the names."""

    def fail(what: str) -> CounterError:
        return CounterError(f"counter {counter.name[:NAME_LIMIT]!r}: {what}")

    if not _NAME.match(counter.name) or len(counter.name) > NAME_LIMIT:
        raise fail(f"a name has lower-case letters, digits, '_' and '.', begins with a letter and has at most {NAME_LIMIT} characters")
    if counter.kind not in KINDS:
        raise fail(f"there is no kind {counter.kind!r}{_hint(counter.kind, KINDS)}; use one of {', '.join(KINDS)}")
    if not counter.on:
        raise fail("it names no event type; say which events are counted, for example count: login.outcome")
    for kind in counter.on:
        if not _TYPE.match(kind):
            raise fail(f"{kind!r} is no event type; a type looks like login or login.outcome")
    if len(counter.by) > KEY_PARTS_LIMIT or len(set(counter.by)) != len(counter.by):
        raise fail(f"a key has at most {KEY_PARTS_LIMIT} different facts")
    for name in (*counter.by, *((counter.of,) if counter.kind in ("sum", "distinct") else ())):
        if not _NAME.match(name):
            raise fail(f"{name!r} is no name of a fact; a fact looks like ip or ip.prefix24")
    if counter.kind in ("sum", "distinct", "ratio") and not counter.of:
        raise fail(f"{counter.kind} needs what it is taken of, for example {_EXAMPLES[counter.kind]}")
    if counter.kind in _OF_TYPES and counter.of:
        raise fail(f"{counter.kind} takes no 'of'")
    if counter.kind == "rate":
        if counter.window_seconds:
            raise fail("a rate has a half_life instead of a window")
        if not HALF_LIFE_MIN_SECONDS <= counter.half_life_seconds <= WINDOW_LIMIT_SECONDS:
            raise fail("a rate needs a half_life from 1m to 400d, for example half_life: 10m")
    elif counter.half_life_seconds:
        raise fail(f"{counter.kind} has a window; only a rate has a half_life")
    elif not 1 <= counter.window_seconds <= WINDOW_LIMIT_SECONDS:
        raise fail("it needs a window from 1s to 400d, for example window: 10m")
    return counter


_EXAMPLES = {
    "sum": "sum: amount",
    "distinct": "distinct: account",
    "ratio": "ratio: 'result == \"wrong_password\"'",
}


def parse_counter(name: str, fields: Mapping[Any, Any]) -> Counter:
    """A counter as a rule file writes it; see the module. Raises CounterError."""
    if not isinstance(fields, Mapping):
        raise CounterError(f"counter {name!r}: write it as {{count: login.outcome, by: ip, window: 10m}}")
    # YAML 1.1 reads the bare word `on` as true.
    given = {"on" if key is True else str(key): value for key, value in fields.items()}
    kinds = [key for key in given if key in KINDS]
    for key in given:
        if key not in KINDS and key not in _OPTIONS:
            raise CounterError(f"counter {name!r}: unknown key {key!r}{_hint(key, (*KINDS, *_OPTIONS))}")
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        raise CounterError(f"counter {name!r}: give exactly one of {', '.join(KINDS)}, not {found}")
    kind = kinds[0]
    if kind in _OF_TYPES:
        if "on" in given:
            raise CounterError(f"counter {name!r}: the event types stand behind {kind} itself ({kind}: login); leave 'on' out")
        on, of = _names(name, kind, given[kind]), ""
    else:
        on, of = _names(name, "on", given.get("on", ())), given[kind]
        if not isinstance(of, str):
            raise CounterError(f"counter {name!r}: {kind} takes one text, for example {_EXAMPLES[kind]}")
    where = given.get("where", "")
    if not isinstance(where, str):
        raise CounterError(f"counter {name!r}: where takes a condition as text, for example where: 'result == \"wrong_password\"'")
    window = parse_duration(name, "window", given["window"]) if "window" in given else 0
    if not window and kind in ("first_seen", "last_seen"):
        window = SEEN_WINDOW_SECONDS
    counter = Counter(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        on=on,
        by=_names(name, "by", given.get("by", ())),
        of=of,
        where=where,
        window_seconds=window,
        half_life_seconds=parse_duration(name, "half_life", given["half_life"]) if "half_life" in given else 0,
    )
    return check_counter(counter)


def parse_duration(name: str, key: str, value: Any) -> int:
    """Seconds of "90s", "10m", "24h" or "30d". Raises CounterError."""
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise CounterError(f"counter {name!r}: {key} {value!r} is no duration; write a number and s, m, h or d, for example 10m")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def render_counter(counter: Counter) -> dict[str, Any]:
    """The declaration as a rule file would hold it: the inverse of `parse_counter`."""
    fields: dict[str, Any] = {}
    types: Any = counter.on[0] if len(counter.on) == 1 else list(counter.on)
    if counter.kind in _OF_TYPES:
        fields[counter.kind] = types
    else:
        fields[counter.kind] = counter.of
        fields["on"] = types
    if counter.by:
        fields["by"] = counter.by[0] if len(counter.by) == 1 else list(counter.by)
    if counter.where:
        fields["where"] = counter.where
    if counter.window_seconds:
        fields["window"] = render_duration(counter.window_seconds)
    if counter.half_life_seconds:
        fields["half_life"] = render_duration(counter.half_life_seconds)
    return fields


def render_duration(seconds: int) -> str:
    """The shortest text for a duration: 600 is "10m"."""
    for unit in ("d", "h", "m"):
        if seconds % _UNIT_SECONDS[unit] == 0 and seconds:
            return f"{seconds // _UNIT_SECONDS[unit]}{unit}"
    return f"{seconds}s"


def _names(counter: str, key: str, value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(part, str) for part in found):
        raise CounterError(f"counter {counter!r}: {key} takes a name or a list of names, not {value!r}")
    return tuple(found)


def _hint(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
