"""What all configured sources know of an IP address at a time.

    sources.facts("192.0.2.7", 1795253400000000)
      -> {"ip.public": False, "ip.asn": 64500, "ip.as_name": "Example Net", "ip.country": "AT", "ip.hosting": False, "ip.tor": True,
          "ip.lists": [], "ip.sources_hit": ["tor-exits"], "ip.sources_missing": ["vpn"]}

The rule of yes, no and unknown: a mark (hosting, vpn, tor, proxy) is True when any source lists the address at that time; False when a source
that is loaded, fresh and covers the address's family does not list it; absent otherwise. A source that is older than its `max_age_days` still
says yes, but no longer no. Of several sources with an AS number or country the first by name that knows one counts. Text that is no address
gives nothing. What is looked up here is recorded with the event, and a replay reads the record: a reloaded source changes no past decision.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from wardline.protocols import ip
from wardline.sources.maxmind import Mmdb
from wardline.sources.rangefiles import FactTable

Fact = bool | int | str | list[str]
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
        self._tables: list[tuple[IpSource, FactTable | Mmdb]] = []
        self._lists: list[tuple[IpSource, Mark]] = []
        self._marks: dict[str, list[tuple[IpSource, Mark]]] = {}
        for source in sources:
            if isinstance(source.table, FactTable | Mmdb):
                self._tables.append((source, source.table))
            elif source.kind == "ip_list":
                self._lists.append((source, source.table))
            else:
                self._marks.setdefault(MARKS[source.kind], []).append((source, source.table))

    def facts(self, text: str, at_us: int) -> dict[str, Fact]:
        """Facts of the address as of a time in microseconds since 1970; {} for what is no address."""
        address = ip.parse(text)
        if address is None:
            return {}
        version, value = address
        at_s = at_us // 1_000_000
        found: dict[str, Fact] = {"ip.public": ip.is_public(version, value)}
        hit: list[str] = []
        asn: int | None = None
        for source, table in self._tables:
            self._from_table(source, table, version, value, found, hit)
        number = found.get("ip.asn")
        if type(number) is int:
            asn = number
        for fact, sources in self._marks.items():
            for source, mark in sources:
                answer = _answer(source, mark, version, value, at_s, asn)
                if answer:
                    found[fact] = True
                    hit.append(source.name)
                elif answer is False and fact not in found:
                    found[fact] = False
        if self._lists:
            answers = [(source.name, _answer(source, mark, version, value, at_s, asn)) for source, mark in self._lists]
            listed = [name for name, answer in answers if answer]
            if listed or any(answer is False for _, answer in answers):
                found["ip.lists"] = listed[:NAMES_LIMIT]
                hit += listed
        found["ip.sources_hit"] = hit[:NAMES_LIMIT]
        found["ip.sources_missing"] = self._missing.copy()
        return found

    def _from_table(
        self, source: IpSource, table: FactTable | Mmdb, version: int, value: int, found: dict[str, Fact], hit: list[str]
    ) -> None:
        source.tally.lookups += 1
        facts = table.facts(version, value)
        wanted = _WANTED[source.kind]
        for name, fact in facts:
            if name not in found and name in wanted:
                found[name] = fact
        if facts:
            source.tally.hits += 1
        if source.kind == "network" and isinstance(table, Mmdb):
            marks = table.marks(version, value)
            for mark in marks:
                found[mark] = True
            if marks:
                hit.append(source.name)


_WANTED = {
    "asn": frozenset(("ip.asn", "ip.as_name")),
    "country": frozenset(("ip.country",)),
    "network": frozenset(("ip.asn", "ip.as_name", "ip.country")),
}


def _answer(source: IpSource, mark: Mark, version: int, value: int, at_s: int, asn: int | None) -> bool | None:
    tally = source.tally
    tally.lookups += 1
    answer = mark.holds(version, value, at_s, asn)
    if answer:
        tally.hits += 1
        return True
    if source.stale:
        return None
    if source.families:
        return False if version in source.families else None
    return answer
