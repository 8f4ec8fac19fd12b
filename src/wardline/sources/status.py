"""A source as it is shown: who makes it, how old it is, what went wrong, how often it hit and how often that was wrong.

    Status(name="tor-exits", kind="tor", state="ok", entries=1243, age_days=0.4, hits=17, labelled_hits=5, false_hits=1, false_hit_rate=0.2, …)

state: ok; stale (older than `max_age_days`); failing (the present file is refused, the last good one is asked); missing (none was ever good); off.
"""

import msgspec

from wardline.sources.declaration import Source
from wardline.sources.ip import Tally
from wardline.sources.loading import Loaded

DAY_SECONDS = 86_400


class Status(msgspec.Struct, frozen=True):
    """One source at one moment. bad_lines, host_bits: what was remarkable in its file; times in seconds since 1970; rates None before the first label."""

    name: str
    kind: str
    format: str
    state: str
    detail: str
    owner: str
    licence: str
    url: str
    path: str
    entries: int
    bad_lines: int
    host_bits: int
    memory_bytes: int
    as_of_s: int
    loaded_s: int
    age_days: float | None
    max_age_days: int
    lookups: int
    hits: int
    labelled_hits: int
    false_hits: int
    false_hit_rate: float | None
    failures: int


def status_of(
    source: Source, loaded: Loaded | None, loaded_s: int, error: str, failures: int, tally: Tally, stale: bool, now_s: int
) -> Status:
    """The status as of now_s (seconds since 1970)."""
    if not source.enabled:
        state = "off"
    elif loaded is None:
        state = "missing"
    else:
        state = "failing" if error else "stale" if stale else "ok"
    notes = loaded.notes if loaded else None
    return Status(
        name=source.name,
        kind=source.kind,
        format=source.form,
        state=state,
        detail=error,
        owner=source.owner,
        licence=source.licence,
        url=source.url,
        path=source.path,
        entries=notes.entries if notes else 0,
        bad_lines=notes.bad_lines if notes else 0,
        host_bits=notes.host_bits if notes else 0,
        memory_bytes=loaded.memory_bytes if loaded else 0,
        as_of_s=loaded.as_of_s if loaded else 0,
        loaded_s=loaded_s,
        age_days=round((now_s - loaded.as_of_s) / DAY_SECONDS, 2) if loaded and loaded.as_of_s else None,
        max_age_days=source.max_age_days,
        lookups=tally.lookups,
        hits=tally.hits,
        labelled_hits=tally.labelled_hits,
        false_hits=tally.false_hits,
        false_hit_rate=tally.false_hit_rate,
        failures=failures,
    )
