"""Files of address ranges: lists of networks, tables with a header, lists of AS numbers, folders with a file per country.

    # a list (format "cidr"): one a line, the rest of the line is ignored
    192.0.2.0/24        # a network
    2001:db8::/32
    198.51.100.7        3
    203.0.113.0-203.0.113.9

    # a table (format "csv"): network, cidr or ip, or start and end; asn, as_name, country; first_seen, last_seen, last_added, last_removed
    cidr,first_seen,last_removed
    192.0.2.0/24,2024-03-01,
    198.51.100.0/24,1675914847,1730944654

Dates are seconds since 1970 or ISO 8601 (UTC where no zone stands). A row counts from `first_seen` until `last_removed` (until for ever where
that is empty, or when `last_added` is later); `last_seen` alone closes nothing but a day after it. Host bits that are set are cleared and counted.
"""

import contextlib
import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from wardline.protocols import ip
from wardline.sources.ranges import Array, Ranges, Row
from wardline.sources.reading import ENTRIES_LIMIT, TEXT_LIMIT_BYTES, Faults, SourceError, is_cut, read_bytes, text_lines

Facts = tuple[tuple[str, int | str], ...]
Periods = tuple[tuple[int, int], ...]
FOR_EVER = 1 << 40  # seconds: beyond any date
AS_NAME_LIMIT = 64
FOLDER_LIMIT = 1000
# Periods that are put together where dated ranges overlap, in all: a wide range with a million of them would count for each one inside it.
JOINED_LIMIT = 2 * ENTRIES_LIMIT
_DAY_SECONDS = 86_400
COLUMNS = {
    "network": ("network", "cidr", "prefix", "ip", "address", "ip_address", "range"),
    "start": ("start", "first", "start_ip", "first_ip", "ip_start", "ip_from", "range_start", "network_start"),
    "end": ("end", "last", "end_ip", "last_ip", "ip_end", "ip_to", "range_end", "network_end"),
    "asn": ("asn", "as_number", "autonomous_system_number", "as"),
    "as_name": ("as_name", "asname", "as_org", "organization", "autonomous_system_organization", "entity", "owner"),
    "country": ("country", "country_code", "iso_code", "country_iso_code", "cc"),
    "first_seen": ("first_seen", "first_seen_unix", "added", "since"),
    "last_seen": ("last_seen", "last_seen_unix"),
    "last_added": ("last_added", "last_added_unix"),
    "last_removed": ("last_removed", "last_removed_unix", "removed", "until"),
}
_DATES = ("first_seen", "last_seen", "last_added", "last_removed")
_MEANINGS = {alias: meaning for meaning, aliases in COLUMNS.items() for alias in aliases}


class Notes(msgspec.Struct):
    """What was remarkable in a file that is used all the same. as_of_s: the newest date that stands in it, 0 where none does."""

    entries: int = 0
    bad_lines: int = 0
    host_bits: int = 0
    as_of_s: int = 0


class FlagTable:
    """Ranges that are listed: `holds` says yes at a time, no, or nothing for a family of which the file has no range.

    periods: for dated lists three arrays. The times [from, until) (second and third, seconds since 1970) of the ranges with the value v are those
    from first[v] to first[v + 1], which follow each other. since_s: the first date that the list knows; before it, it says nothing of who was not on it.
    """

    def __init__(self, ranges: Ranges, periods: tuple[Array, ...] = (), since_s: int = 0) -> None:
        self.ranges = ranges
        self.periods = periods
        self.since_s = since_s
        self.families = ranges.families
        self._find_4, self._find_6 = ranges.finder_4(), ranges.finder_6()

    @classmethod
    def build(cls, rows: Sequence[Row], periods: Sequence[Periods] = ()) -> "FlagTable":
        """periods[value - 1]: the times at which a row with this value is listed, in their order; none: always. Raises SourceError when more
        than 4,000,000 periods of overlapping ranges would have to be put together."""
        if not periods:
            return cls(Ranges.build(rows))
        known = list(periods)
        index = {value: place for place, value in enumerate(known, 1)}
        joined = 0

        def join(values: tuple[int, ...]) -> int:
            nonlocal joined
            if len(values) == 1:
                return values[0]
            joined += sum(len(known[value - 1]) for value in values)
            if joined > JOINED_LIMIT:
                raise SourceError(f"its dated ranges overlap in more than {JOINED_LIMIT:,} periods; give one row for each range and period")
            merged = _merged(period for value in values for period in known[value - 1])
            place = index.get(merged)
            if place is None:
                known.append(merged)
                place = index[merged] = len(known)
            return place

        ranges = Ranges.build(rows, join)
        first, since, until = array("I", [0, 0]), array("q"), array("q")
        for entry in known:
            since.extend(period[0] for period in entry)
            until.extend(period[1] for period in entry)
            first.append(len(since))
        return cls(ranges, (first, since, until), min((start for entry in periods for start, _ in entry if start), default=0))

    def holds(self, version: int, address: int, at_s: int, asn: int | None = None) -> bool | None:
        """Whether the address is listed at a time (seconds since 1970); its AS number does not matter here."""
        value = self._find_4(address) if version == 4 else self._find_6(address)
        if value:
            if not self.periods:
                return True
            first, since, until = self.periods
            place = bisect_right(since, at_s, first[value], first[value + 1]) - 1
            if place >= first[value] and at_s < until[place]:
                return True
        return False if version in self.families and at_s >= self.since_s else None

    @property
    def memory_bytes(self) -> int:
        """Bytes of all arrays."""
        return self.ranges.memory_bytes + sum(len(part) * part.itemsize for part in self.periods)


class FactTable:
    """Ranges with facts: `facts` gives ((name, value), …) of the most specific range, or nothing."""

    def __init__(self, ranges: Ranges, values: Sequence[Facts]) -> None:
        """values: what the ranges' values stand for; the first one is that of no range."""
        self.ranges = ranges
        self.values = tuple(values)
        self.families = ranges.families
        self._find_4, self._find_6 = self.ranges.finder_4(), self.ranges.finder_6()

    @classmethod
    def build(cls, rows: Sequence[Row], values: Sequence[Facts]) -> "FactTable":
        """values[value - 1]: what a row with this value says."""
        return cls(Ranges.build(rows), ((), *values))

    def facts(self, version: int, address: int) -> Facts:
        """Names and values; empty where no range lies."""
        return self.values[self._find_4(address) if version == 4 else self._find_6(address)]

    @property
    def memory_bytes(self) -> int:
        """Bytes of the arrays and, roughly, of the distinct values."""
        return self.ranges.memory_bytes + sum(8 + 56 + 64 * len(value) + sum(len(str(part[1])) for part in value) for value in self.values)


def read_flags(path: Path, form: str, columns: Sequence[str] = ()) -> tuple[FlagTable, Notes]:
    """A list of networks: form "cidr" or "csv". Raises SourceError."""
    notes = Notes()
    if form == "cidr":
        listed = [(*found, 1) for found in _cidr_spans(path, notes)]
        with _named(path):
            return FlagTable.build(listed), notes
    periods: dict[tuple[tuple[int, int], ...], int] = {}
    rows: list[Row] = []
    dated = False
    for version, low, high, fields in _csv_rows(path, columns, notes):
        period = _period(fields)
        dated |= period != (0, FOR_EVER)
        rows.append((version, low, high, periods.setdefault((period,), len(periods) + 1)))
        notes.as_of_s = max(
            notes.as_of_s, *(moment for moment in (*period, _moment(fields.get("last_added", "")) or 0) if 0 < moment < FOR_EVER), 0
        )
    with _named(path):
        return FlagTable.build(rows, tuple(periods) if dated else ()), notes


def read_facts(path: Path, form: str, columns: Sequence[str] = ()) -> tuple[FactTable, Notes]:
    """Networks with facts: form "csv", or "cidr" for a folder with a list for each country (at.cidr, de.txt). Raises SourceError."""
    notes = Notes()
    values: dict[Facts, int] = {}
    rows: list[Row] = []
    if form == "cidr":
        for file in _country_files(path):
            value = values.setdefault((("ip.country", file.stem.upper()),), len(values) + 1)
            rows.extend((*found, value) for found in _cidr_spans(file, notes))
    else:
        for version, low, high, fields in _csv_rows(path, columns, notes):
            facts = facts_of(fields.get("asn", ""), fields.get("as_name", ""), fields.get("country", ""))
            if facts:
                rows.append((version, low, high, values.setdefault(facts, len(values) + 1)))
        if not rows:
            raise SourceError(f"{path}: no row has an asn, as_name or country; name the columns with `columns`")
    with _named(path):
        return FactTable.build(rows, tuple(values)), notes


def read_asns(path: Path) -> tuple[frozenset[int], Notes]:
    """A list of AS numbers, one a line: "AS64500 # text", "64500", or 64500,"text" with or without a header. Raises SourceError."""
    notes = Notes()
    data, _ = read_bytes(path, TEXT_LIMIT_BYTES)
    faults, found, last_bad = Faults(path, is_cut(data)), set(), False
    for number, line in enumerate(text_lines(data, path), 1):
        word = line.partition("#")[0].partition(",")[0].strip().strip('"')
        if not word or (number == 1 and word.lower() in _MEANINGS):
            continue
        asn = as_number(word.split()[0])
        last_bad = asn is None
        if asn is None:
            faults.add(number, line, "AS number")
        else:
            found.add(asn)
    faults.settle(len(found), last_bad)
    notes.entries, notes.bad_lines = len(found), faults.count
    return frozenset(found), notes


def as_number(text: str) -> int | None:
    """ "AS64500" or "64500" -> 64500; None for what is none (RFC 6793: 32 bits)."""
    digits = text[2:] if text[:2].upper() == "AS" else text
    if digits.isascii() and digits.isdigit() and len(digits) <= 10 and 0 < int(digits) < 1 << 32:
        return int(digits)
    return None


def facts_of(asn: str, as_name: str, country: str) -> Facts:
    """The facts that texts from a file stand for, bounded: an AS number, its holder's name (64 characters), a country (two letters)."""
    facts: list[tuple[str, int | str]] = []
    number = as_number(asn.strip())
    if number is not None:
        facts.append(("ip.asn", number))
    name = " ".join("".join(char if char.isprintable() else " " for char in as_name[:256]).split())[:AS_NAME_LIMIT].strip()
    if name:
        facts.append(("ip.as_name", name))
    code = country.strip().upper()
    if len(code) == 2 and code.isascii() and code.isalpha():
        facts.append(("ip.country", code))
    return tuple(facts)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """A fault of all rows together says in which file."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None


def _country_files(path: Path) -> list[Path]:
    try:
        files = sorted(file for file in path.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError:
        raise SourceError(
            f"{path}: is no folder; a country source in the cidr format is a folder with a list for each country: at.cidr"
        ) from None
    chosen = [file for file in files if len(file.stem) == 2 and file.stem.isascii() and file.stem.isalpha()]
    if not chosen or len(chosen) > FOLDER_LIMIT:
        raise SourceError(f"{path}: has {len(chosen)} files that are named after a country; name them at.cidr, de.cidr, …")
    return chosen


def _cidr_spans(path: Path, notes: Notes) -> Iterator[tuple[int, int, int]]:
    data, _ = read_bytes(path, TEXT_LIMIT_BYTES)
    faults, entries, last_bad = Faults(path, is_cut(data)), 0, False
    for number, line in enumerate(text_lines(data, path), 1):
        text = line.partition("#")[0].partition(";")[0].strip()
        if not text:
            continue
        # "a - b" is one range; anything else after the first word is a remark or a count.
        text = text.replace(" - ", "-") if " - " in text else text
        found = ip.span(text.split(None, 1)[0].rstrip(",")) if len(text) < 200 else ip.span(text[:200].split(None, 1)[0])
        last_bad = found is None
        if found is None:
            faults.add(number, line, "address, network or range")
            continue
        entries += 1
        notes.host_bits += found[3]
        yield found[:3]
    faults.settle(entries, last_bad)
    notes.entries += entries
    notes.bad_lines += faults.count


def _csv_rows(path: Path, columns: Sequence[str], notes: Notes) -> Iterator[tuple[int, int, int, dict[str, str]]]:
    data, _ = read_bytes(path, TEXT_LIMIT_BYTES)
    lines = [line for line in text_lines(data, path) if line and not line.startswith("#")]
    if not lines:
        raise SourceError(f"{path}: has no entries; an empty list is taken for a failed download")
    delimiter = max(",;\t", key=lines[0].count)
    header = list(columns)
    if not header:
        header = next(csv.reader(lines[:1], delimiter=delimiter), [])
        del lines[0]
    meanings = [_MEANINGS.get(name.strip().strip('"').lower().replace(" ", "_"), "") for name in header]
    if "network" not in meanings and not {"start", "end"} <= set(meanings):
        raise SourceError(
            f"{path}: its first line {','.join(header)[:80]!r} names no column network, cidr or ip, nor start and end; "
            "give the file a header, or name its columns with `columns`"
        )
    faults, entries, last_bad = Faults(path, is_cut(data)), 0, False
    for number, line in enumerate(lines, 2 - bool(columns)):
        try:
            row = next(csv.reader((line,), delimiter=delimiter)) if '"' in line else line.split(delimiter)
        except (csv.Error, StopIteration):
            row = []
        fields = dict(zip(meanings, row, strict=False))
        found = ip.span(fields["network"].strip()) if "network" in fields else ip.span(f"{fields.get('start', '')}-{fields.get('end', '')}")
        if found is not None and any(_moment(fields.get(name, "")) is None for name in _DATES):
            found = None  # listed until when? Not for ever because of a slip
        last_bad = found is None
        if found is None:
            faults.add(number, line, "row with a network or range, and dates where dates belong")
            continue
        entries += 1
        notes.host_bits += found[3]
        yield *found[:3], fields
    faults.settle(entries, last_bad)
    notes.entries, notes.bad_lines = entries, faults.count


def _period(fields: dict[str, str]) -> tuple[int, int]:
    """[from, until) in seconds of one row."""
    first, seen, added, removed = (_moment(fields.get(name, "")) or 0 for name in _DATES)
    if removed and removed >= added:
        return first, max(first, removed)
    if seen and not added:
        return first, max(first, seen + _DAY_SECONDS)
    return first, FOR_EVER


def _moment(text: str) -> int | None:
    """Seconds since 1970 of a number or an ISO date; 0 for nothing, None for what is neither."""
    text = text.strip()
    if not text:
        return 0
    try:
        if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 24:
            number = int(float(text))
            return min(number // 1000 if number > 1 << 36 else number, FOR_EVER)  # milliseconds, from 1972 on
        moment = datetime.fromisoformat(text[:40])
    except (ValueError, OverflowError):
        return None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def _merged(periods: Iterator[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping and touching periods as one, in their order."""
    merged: list[tuple[int, int]] = []
    for period in sorted(periods):
        if merged and period[0] <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], period[1]))
        else:
            merged.append(period)
    return tuple(merged)
