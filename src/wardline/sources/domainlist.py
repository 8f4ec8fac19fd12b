"""Lists of domains, one a line, and what they and the shipped lists say of a domain.

    # free-mail.txt
    example.com            a domain and all below it; "*.example.com", ".example.com" and "@example.com" say the same
    bücher.example         any script; compared in A-label form

    DomainSources([("throwaway", "disposable", listed, tally)]).facts("a.example.com", "email")
      -> {"email.disposable": True, "email.free_mail": False, "email.sources_hit": ["throwaway"]}

`free_mail` is always known: the shipped list holds the providers that matter. `disposable` is False only when an operator's list is loaded and
does not hold the domain; the shipped one is too short to say no. A list that is older than it may be no longer says no either.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wardline.protocols.addresses import a_label
from wardline.sources import disposable, freemail
from wardline.sources.ip import Tally
from wardline.sources.rangefiles import Notes
from wardline.sources.reading import TEXT_LIMIT_BYTES, Faults, is_cut, read_bytes, text_lines

_DOMAIN = re.compile(r"(?=.{3,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
LABELS_LIMIT = 8
BYTES_PER_DOMAIN = 110


class DomainList:
    """A set of domains; what lies below a listed domain is listed."""

    def __init__(self, domains: frozenset[str]) -> None:
        self.domains = domains

    def holds(self, domain: str) -> bool:
        """Whether the domain (in A-label form, lower case) or one above it is listed; the last eight labels are looked at."""
        labels = domain.split(".")[-LABELS_LIMIT:]
        return any(".".join(labels[start:]) in self.domains for start in range(len(labels) - 1))

    @property
    def memory_bytes(self) -> int:
        """About how much it takes."""
        return BYTES_PER_DOMAIN * len(self.domains)


def read_domains(path: Path) -> tuple[DomainList, Notes]:
    """A list from a file. Raises SourceError."""
    data, _ = read_bytes(path, TEXT_LIMIT_BYTES)
    faults, found, last_bad = Faults(path, is_cut(data)), set(), False
    for number, line in enumerate(text_lines(data, path), 1):
        words = line.partition("#")[0].split(None, 1)
        if not words or words[0].startswith(("//", "!")):
            continue
        domain = domain_of(words[0].rstrip(",").removeprefix("*.").lstrip(".@"))
        last_bad = domain is None
        if domain is None:
            faults.add(number, line, "domain")
        else:
            found.add(domain)
    faults.settle(len(found), last_bad)
    return DomainList(frozenset(found)), Notes(entries=len(found), bad_lines=faults.count)


def domain_of(text: str) -> str | None:
    """The domain in lower case and A-label form; None when it is none."""
    if len(text) > 1024:
        return None
    domain = a_label(text.rstrip("."))
    return domain if _DOMAIN.fullmatch(domain) else None


class DomainSource(msgspec.Struct, frozen=True):
    """One loaded list: its kind is disposable or free_mail. stale: older than it may be."""

    name: str
    kind: str
    listed: DomainList
    tally: Tally
    stale: bool = False


class DomainSources:
    """All lists of domains, as of one moment."""

    def __init__(self, sources: Iterable[DomainSource] = ()) -> None:
        self._sources = tuple(sources)

    def facts(self, text: str, prefix: str) -> dict[str, bool | list[str]]:
        """Facts of a domain, with a prefix such as "email"; {} for what is no domain."""
        domain = domain_of(text)
        if domain is None:
            return {}
        found: dict[str, bool | None] = {
            "disposable": True if disposable.is_disposable(domain) else None,
            "free_mail": freemail.is_freemail(domain),
        }
        hit: list[str] = []
        for source in self._sources:
            source.tally.lookups += 1
            if source.listed.holds(domain):
                source.tally.hits += 1
                hit.append(source.name)
                found[source.kind] = True
            elif not source.stale and found[source.kind] is None:
                found[source.kind] = False
        facts: dict[str, bool | list[str]] = {f"{prefix}.{kind}": value for kind, value in found.items() if value is not None}
        facts[f"{prefix}.sources_hit"] = hit
        return facts
