"""What all configured sources know of an IP address at a time.

    sources.facts("192.0.2.7", 1795253400000000)
      -> {"ip.public": False, "ip.asn": 64500, "ip.as_name": "Example Net", "ip.country": "AT", "ip.hosting": False, "ip.tor": True,
          "ip.lists": [], "ip.sources_hit": ["tor-exits"], "ip.sources_missing": ["vpn"]}

The rule of yes, no and unknown: a mark (hosting, vpn, tor, proxy) is True when any source lists the address at that time; False when a source
that is loaded, fresh and covers the address's family does not list it; absent otherwise. A source that is older than its `max_age_days` still
says yes, but no longer no. Of several sources with an AS number or country the first by name that knows one counts. Text that is no address
gives nothing. What is looked up here is recorded with the event, and a replay reads the record: a reloaded source changes no past decision.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from wardline.protocols import ip
from wardline.sources.maxmind import Mmdb
from wardline.sources.rangefiles import Facts, FactTable

Fact = bool | int | str | list[str]
# (version, address, seconds since 1970, AS number) to yes, no, or nothing to say
Holds = Callable[[int, int, int, int | None], bool | None]
MARKS = {"hosting": "ip.hosting", "vpn": "ip.vpn", "tor": "ip.tor", "proxy": "ip.proxy"}
NAMES_LIMIT = 16  # names of sources in one fact


class Tally(msgspec.Struct):
    """How often a source was asked and said yes, since the start; and what became of events that it hit, once they were labelled."""

    lookups: int = 0
    hits: int = 0
    labelled_hits: int = 0
    false_hits: int = 0

    @property
    def false_hit_rate(self) -> float | None:
        """The share of labelled hits that were not abusive; None before the first label."""
        return self.false_hits / self.labelled_hits if self.labelled_hits else None


class Mark(Protocol):
    """What answers whether an address is listed: yes, no, or None for what it does not cover."""

    def holds(self, version: int, address: int, at_s: int, asn: int | None) -> bool | None: ...


class AsnList:
    """Marks by AS number: unknown where the address's AS number is."""

    def __init__(self, asns: frozenset[int]) -> None:
        self.asns = asns

    def holds(self, version: int, address: int, at_s: int, asn: int | None) -> bool | None:
        """Whether the AS number is on the list."""
        return None if asn is None else asn in self.asns


class MmdbMark:
    """One mark of a MaxMind DB: a network that it does not hold is not marked."""

    def __init__(self, database: Mmdb, mark: str) -> None:
        self.database = database
        self.mark = mark

    def holds(self, version: int, address: int, at_s: int, asn: int | None) -> bool | None:
        """Whether the record says so."""
        return self.mark in self.database.marks(version, address) if version in self.database.families else None


class IpSource(msgspec.Struct, frozen=True):
    """One loaded source. stale: older than it may be. families: those whose absence means no; empty leaves it to the table."""

    name: str
    kind: str
    table: Mark | FactTable | Mmdb
    tally: Tally
    stale: bool = False
    families: frozenset[int] = frozenset()


class IpSources:
    """All sources about addresses, as of one moment; made anew whenever one is loaded. missing: names of those that are not there or too old."""

    def __init__(self, sources: Iterable[IpSource] = (), missing: Iterable[str] = ()) -> None:
        self._missing = list(missing)[:NAMES_LIMIT]
        self._sources = tuple(sources)
        self._asked = 0
        self._tables: list[tuple[IpSource, Callable[[int, int], Facts], frozenset[str]]] = []
        self._lists: list[tuple[IpSource, Holds]] = []
        self._marks: list[tuple[str, IpSource, Holds]] = []
        for source in self._sources:
            table = source.table
            if isinstance(table, FactTable | Mmdb):
                self._tables.append((source, table.facts, _WANTED[source.kind]))
            elif source.kind == "ip_list":
                self._lists.append((source, _holding(source, table)))
            else:
                self._marks.append((MARKS[source.kind], source, _holding(source, table)))

    def facts(self, text: str, at_us: int) -> dict[str, Fact]:
        """Facts of the address as of a time in microseconds since 1970; {} for what is no address."""
        address = ip.parse(text)
        if address is None:
            return {}
        version, value = address
        at_s = at_us // 1_000_000
        self._asked += 1
        found: dict[str, Fact] = {"ip.public": ip.is_public(version, value)}
        hit: list[str] = []
        for source, facts_at, wanted in self._tables:
            facts = facts_at(version, value)
            if facts:
                source.tally.hits += 1
                for name, fact in facts:
                    if name in wanted and name not in found:
                        found[name] = fact
            if source.kind == "network" and isinstance(source.table, Mmdb):
                marks = source.table.marks(version, value)
                if marks:
                    found.update(dict.fromkeys(marks, True))
                    hit.append(source.name)
        number = found.get("ip.asn")
        asn = number if type(number) is int else None
        for fact_name, source, holds in self._marks:
            answer = holds(version, value, at_s, asn)
            if answer:
                found[fact_name] = True
                source.tally.hits += 1
                hit.append(source.name)
            elif answer is False and fact_name not in found:
                found[fact_name] = False
        if self._lists:
            self._list(version, value, at_s, asn, found, hit)
        found["ip.sources_hit"] = hit[:NAMES_LIMIT]
        found["ip.sources_missing"] = self._missing.copy()
        return found

    def _list(self, version: int, value: int, at_s: int, asn: int | None, found: dict[str, Fact], hit: list[str]) -> None:
        listed, covered = [], False
        for source, holds in self._lists:
            answer = holds(version, value, at_s, asn)
            if answer:
                source.tally.hits += 1
                listed.append(source.name)
            covered |= answer is not None
        if covered:
            found["ip.lists"] = listed[:NAMES_LIMIT]
            hit += listed

    def settle(self) -> None:
        """Add the look-ups since the last call to each source's tally: every look-up asks them all."""
        asked, self._asked = self._asked, 0
        for source in self._sources:
            source.tally.lookups += asked


_WANTED = {
    "asn": frozenset(("ip.asn", "ip.as_name")),
    "country": frozenset(("ip.country",)),
    "network": frozenset(("ip.asn", "ip.as_name", "ip.country")),
}


def _holding(source: IpSource, mark: Mark) -> Holds:
    """The mark's own answer, or one that keeps to what the source may say no about."""
    holds = mark.holds
    if source.stale:
        return lambda version, address, at_s, asn: holds(version, address, at_s, asn) or None
    if source.families:
        families = source.families
        return lambda version, address, at_s, asn: holds(version, address, at_s, asn) or (False if version in families else None)
    return holds
