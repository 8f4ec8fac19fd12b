"""All sources of one installation: declared in a folder, loaded, reloaded when their files change, asked, and counted.

    registry = Registry(data / "sources")
    registry.refresh()                                   # in a thread: reading a large file takes seconds
    registry.ip_facts("192.0.2.7", event.occurred_us)    # {"ip.asn": 64500, …}, see sources/ip.py
    registry.labelled(facts["ip.sources_hit"], abusive=False)

A new version of a file is taken when it is whole and is what it should be. Otherwise the last good one goes on being asked, and the fault is
shown: in `status()`, in the metrics and by `wardline sources list`. A file with less than half of the entries of the one before counts as a
fault too, until `accept` names it. Look-ups never wait and never touch the disk. Counts begin anew with the process.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wardline.base.clock import Clock, SystemClock
from wardline.base.logs import logger
from wardline.sources.apart import load_apart
from wardline.sources.declaration import KINDS, Source, read_declarations
from wardline.sources.domainlist import DomainList, DomainSource, DomainSources
from wardline.sources.ip import Fact, IpSource, IpSources, Tally
from wardline.sources.lastgood import LastGood
from wardline.sources.leaked import LeakedPasswords
from wardline.sources.loading import Loaded, load, stamp_of_source
from wardline.sources.reading import SourceError, Stamp
from wardline.sources.status import Status, status_of
from wardline.sources.useragent import CrawlerList, CrawlerSource, UserAgents

if TYPE_CHECKING:
    from wardline.sources.outbound import Outbound

DAY_SECONDS = 86_400
# A file that shrinks below this share of its last entries is taken for a broken one.
SHRUNK_SHARE = 0.5
SHRUNK_FLOOR = 20  # entries: smaller lists may change as they like
_IP_KINDS = frozenset(name for name, kind in KINDS.items() if any(fact.startswith("ip.") for fact in kind.facts))
_VERSIONS = {"ipv4": 4, "ipv6": 6}


class _Entry(msgspec.Struct):
    source: Source
    tally: Tally
    loaded: Loaded | None = None
    loaded_s: int = 0
    error: str = ""
    failures: int = 0
    tried: Stamp | None = None


class Registry:
    """The sources that a folder declares. Look-ups belong to the event loop; `refresh` may run in a thread beside them."""

    def __init__(
        self, folder: Path, *, clock: Clock | None = None, outbound: "Callable[[], Outbound] | None" = None, keep: Path | None = None
    ) -> None:
        """outbound: makes or gives the HTTP client, for sources that are services; without it those are not asked. keep: folder for the last
        good versions, so that a restart finds them; None keeps none."""
        self.folder = folder
        self._outbound = outbound
        self._kept = LastGood(keep) if keep else None
        self._clock = clock or SystemClock()
        self._entries: dict[str, _Entry] = {}
        self._wrong: list[str] = []
        self._refreshing = threading.Lock()
        self._ready = False
        self._stale: frozenset[str] = frozenset()
        self._ip = IpSources()
        self._domains = DomainSources()
        self._agents = UserAgents()
        self._passwords: LeakedPasswords | None = None

    # Asking

    def ip_facts(self, text: str, at_us: int) -> dict[str, Fact]:
        """Facts of an IP address as of a time, as in `sources/ip.py`; {} for what is no address."""
        self._loaded()
        return self._ip.facts(text, at_us)

    def domain_facts(self, domain: str, prefix: str = "email") -> dict[str, bool | list[str]]:
        """Facts of a mail domain, as in `sources/domainlist.py`: {"email.disposable": …, "email.free_mail": …}; {} for what is no domain."""
        self._loaded()
        return self._domains.facts(domain, prefix)

    def user_agent_facts(self, text: str) -> dict[str, bool | int | str | list[str]]:
        """Facts of a user agent, as in `sources/useragent.py`; {} for nothing."""
        self._loaded()
        return self._agents.facts(text)

    @property
    def passwords(self) -> LeakedPasswords | None:
        """The source of leaked passwords; None when none is declared or ready."""
        self._loaded()
        return self._passwords

    def _loaded(self) -> None:
        if not self._ready:
            self.refresh()  # a command of its own has no server that loaded them: late is better than unknown

    # What became of hits

    def labelled(self, names: Iterable[str], abusive: bool, *, withdrawn: bool = False) -> None:
        """An event that these sources hit (its fact `ip.sources_hit`) was labelled, or its label was withdrawn. Unknown names are passed over."""
        step = -1 if withdrawn else 1
        for name in names:
            entry = self._entries.get(name)
            if entry is not None:
                entry.tally.labelled_hits += step
                entry.tally.false_hits += 0 if abusive else step

    # Loading

    def refresh(self, *, force: bool = False, accept: Sequence[str] = ()) -> list[str]:
        """Look for changed declarations and files and load them; returns the names of the sources that were taken anew.

        force: load every file again, changed or not. accept: names whose new file may be much smaller than the last one.
        """
        with self._refreshing:
            declared, self._wrong = read_declarations(self.folder)
            entries: dict[str, _Entry] = {}
            taken: list[str] = []
            for source in declared:
                known = self._entries.get(source.name)
                entry = known or _Entry(source, Tally())
                if known is not None and known.source != source:
                    same = (known.source.kind, known.source.format) == (source.kind, source.format)
                    entry = _Entry(source, known.tally, known.loaded if same else None, known.loaded_s)
                entries[source.name] = entry
                if source.enabled and self._take(entry, force or source.name in accept, source.name in accept):
                    taken.append(source.name)
            # A declaration that has become unreadable takes nothing away: its sources stay as they were.
            if self._wrong:
                entries = {**self._entries, **entries}
            changed = taken or entries.keys() != self._entries.keys() or any(entries[name] is not self._entries[name] for name in entries)
            self._entries = entries
            stale = frozenset(name for name, entry in entries.items() if self._is_stale(entry))
            if changed or stale != self._stale:
                self._stale = stale
                self._rebuild()
            self._ready = True
            return taken

    def _take(self, entry: _Entry, force: bool, accept: bool) -> bool:
        source = entry.source
        stamp = stamp_of_source(source)
        if not force and stamp is not None and stamp == entry.tried:
            return False
        try:
            # While nobody is being served yet, there is nobody to disturb.
            loaded = load_apart(source) if self._ready else load(source)
            before = entry.loaded.notes.entries if entry.loaded else self._kept.entries(source.name) if self._kept else 0
            if not accept and before >= SHRUNK_FLOOR and loaded.notes.entries < before * SHRUNK_SHARE:
                raise SourceError(
                    f"{source.path}: shrank from {before} entries to {loaded.notes.entries}; the old ones stay in use. "
                    f"If that is right: wardline sources reload --accept {source.name}"
                )
        except SourceError as error:
            # The same fault of the same file is one fault, however often we look.
            if entry.error != str(error) or stamp != entry.tried:
                entry.failures += 1
                logger("sources").error("source_refused", source=source.name)
            entry.error, entry.tried = str(error), stamp
            return entry.loaded is None and self._take_kept(entry)
        entry.loaded, entry.error, entry.tried = loaded, "", loaded.stamp
        entry.loaded_s = self._clock.now_us() // 1_000_000
        if self._kept:
            self._kept.remember(source, loaded)
        return True

    def _take_kept(self, entry: _Entry) -> bool:
        again = self._kept.again(entry.source) if self._kept else None
        if again is None:
            return False
        try:
            entry.loaded = load(again)
        except SourceError:
            return False
        entry.loaded_s = self._clock.now_us() // 1_000_000
        return True

    def _is_stale(self, entry: _Entry) -> bool:
        if entry.loaded is None or not entry.source.max_age_days or not entry.loaded.as_of_s:
            return False
        return self._clock.now_us() // 1_000_000 - entry.loaded.as_of_s > entry.source.max_age_days * DAY_SECONDS

    def _rebuild(self) -> None:
        used = [entry for entry in self._entries.values() if entry.source.enabled]
        missing = [entry.source.name for entry in used if entry.loaded is None or entry.source.name in self._stale]
        ready = [(entry, entry.loaded.table) for entry in used if entry.loaded is not None and entry.source.kind in _IP_KINDS]
        self._ip.settle()
        self._ip = IpSources(
            (
                IpSource(
                    entry.source.name,
                    entry.source.kind,
                    table,
                    entry.tally,
                    entry.source.name in self._stale,
                    frozenset(_VERSIONS[family] for family in entry.source.families),
                )
                for entry, table in ready
            ),
            missing,
        )
        loaded = [(entry, entry.loaded.table, entry.source.name in self._stale) for entry in used if entry.loaded is not None]
        self._domains = DomainSources(
            DomainSource(entry.source.name, entry.source.kind, table, entry.tally, stale)
            for entry, table, stale in loaded
            if isinstance(table, DomainList)
        )
        self._agents = self._agents.with_crawlers(
            CrawlerSource(entry.source.name, table, entry.tally, stale) for entry, table, stale in loaded if isinstance(table, CrawlerList)
        )
        chosen = next((entry for entry, _, _ in loaded if entry.source.kind == "leaked_passwords"), None)
        self._passwords = None if chosen is None else self._leaked(chosen)

    def _leaked(self, entry: _Entry) -> LeakedPasswords | None:
        if entry.source.path:
            return LeakedPasswords.in_folder(Path(entry.source.path), entry.tally)
        try:
            return LeakedPasswords.at_url(entry.source.url, self._outbound(), entry.tally) if self._outbound else None
        except ValueError as error:  # the client's own settings make no sense
            entry.loaded, entry.error = None, str(error)
            return None

    def warm(self) -> None:
        """Load everything, the patterns of user agents too, so that the first look-up is as quick as the next. For a thread."""
        self.refresh()
        self.user_agent_facts("Mozilla/5.0")

    async def watch(self, seconds: float) -> None:
        """Refresh so often, until cancelled. Whatever goes wrong is tried again; look-ups go on meanwhile."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception as error:
                logger("sources").error("refresh_failed", error=type(error).__name__)

    # Showing

    def status(self) -> list[Status]:
        """Every declared source, by name."""
        self._loaded()
        self._ip.settle()
        now_s = self._clock.now_us() // 1_000_000
        return [
            status_of(
                entry.source,
                entry.loaded,
                entry.loaded_s,
                entry.error,
                entry.failures,
                entry.tally,
                entry.source.name in self._stale,
                now_s,
            )
            for entry in self._entries.values()
        ]

    @property
    def ready(self) -> bool:
        """Whether the sources were loaded."""
        return self._ready

    @property
    def in_use(self) -> bool:
        """Whether any source was loaded that could be told how it did."""
        return bool(self._entries)

    @property
    def wrong_declarations(self) -> list[str]:
        """What is wrong with files of the folder, one line each."""
        return list(self._wrong)
