"""A declared source made ready: its file read, checked and turned into something that answers.

    loaded = load(source)        # source.kind == "tor"
    loaded.table, loaded.notes.entries, loaded.as_of_s

Works on nothing but the file: it is called in a thread, and by `wardline sources check`.
"""

from pathlib import Path
from typing import Any

import msgspec

from wardline.sources.declaration import Source
from wardline.sources.domainlist import read_domains
from wardline.sources.geoip import read_geoip
from wardline.sources.ip import MARKS, AsnList, MmdbMark
from wardline.sources.leaked import read_folder
from wardline.sources.maxmind import read_mmdb
from wardline.sources.rangefiles import Notes, read_asns, read_facts, read_flags
from wardline.sources.reading import SourceError, Stamp, stamp_of
from wardline.sources.useragent import read_crawlers

PATTERN_BYTES = 2000  # about what a compiled pattern takes


class Loaded(msgspec.Struct):
    """What was made of a file. as_of_s: how new it is, by the dates in it or else the file's (0: a service, always new); memory_bytes: what it takes."""

    table: Any
    notes: Notes
    stamp: Stamp
    as_of_s: int
    memory_bytes: int


SERVICE = Stamp(0, 0, 0)


def stamp_of_source(source: Source) -> Stamp | None:
    """What tells that the source's file is another one; None when it is not there."""
    return stamp_of(Path(source.path), within=source.kind != "leaked_passwords") if source.path else SERVICE


def load(source: Source) -> Loaded:
    """Read the source's file. Raises SourceError, and no other error, whatever lies there."""
    if not source.path:  # a service: nothing to load
        return Loaded(None, Notes(), SERVICE, 0, 0)
    path = Path(source.path)
    stamp = stamp_of_source(source)
    if stamp is None:
        raise SourceError(f"{path}: cannot be read (no such file or folder, or not for this user); check the path and who may read it")
    try:
        table, notes, memory_bytes = _load(source, path)
    except (ValueError, OverflowError, RecursionError, MemoryError, OSError) as error:
        raise SourceError(f"{path}: cannot be read as {source.form} ({type(error).__name__}); check the format") from None
    return Loaded(table, notes, stamp, notes.as_of_s or stamp.modified_ns // 1_000_000_000, memory_bytes)


def _load(source: Source, path: Path) -> tuple[Any, Notes, int]:
    form = source.form
    if form == "domains":
        domains, notes = read_domains(path)
        return domains, notes, domains.memory_bytes
    if form == "patterns":
        crawlers, notes = read_crawlers(path)
        return crawlers, notes, PATTERN_BYTES * crawlers.count
    if form == "ranges":
        return None, Notes(entries=read_folder(path)), 0
    if form == "mmdb":
        database, notes = read_mmdb(path)
        mark = MARKS.get(source.kind)
        return (MmdbMark(database, mark) if mark else database), notes, database.memory_bytes
    if form == "geoip":
        table, notes = read_geoip(path)
        return table, notes, table.memory_bytes
    if form == "asn":
        asns, notes = read_asns(path)
        return AsnList(asns), notes, 60 * len(asns)
    if source.kind in ("asn", "country", "network"):
        facts, notes = read_facts(path, form, source.columns)
        return facts, notes, facts.memory_bytes
    flags, notes = read_flags(path, form, source.columns)
    return flags, notes, flags.memory_bytes
