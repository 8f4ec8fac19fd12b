"""User agents: which browser and system a client says it has, on what kind of device, and whether it is a crawler that says so.

    UserAgents().facts("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
      -> {"user_agent.family": "Firefox", "user_agent.major": 128, "user_agent.os": "Linux", "user_agent.device": "desktop"}

Everything here is what the client says about itself. At most 512 characters are read; what was read is remembered for the last 8,192 new
texts. Patterns: uap-core, through ua-parser's regular expressions, which take linear time whatever the text (Rust's regex crate). Crawlers come
from a list of the operator's: one regular expression a line, or a JSON list of objects with "pattern"; `user_agent.crawler` is False only
when such a list is loaded.
"""

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from wardline.sources.ip import Tally
from wardline.sources.rangefiles import Notes
from wardline.sources.reading import Faults, SourceError, is_cut, read_bytes, text_lines

TEXT_LIMIT = 512
CACHE_LIMIT = 8192
FAMILY_LIMIT = 48
PATTERN_LIMIT_CHARS = 256  # longer ones take minutes to compile
PATTERNS_LIMIT = 5000
PATTERNS_LIMIT_BYTES = 4 << 20
COMPILING_LIMIT_SECONDS = 3.0  # of processor time; a thousand usual ones take a twentieth of a second, a hostile one a quarter
_DESKTOP = frozenset(("Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD", "Solaris", "Red Hat",
                      "SUSE", "Arch Linux", "Mint", "Kubuntu", "CentOS", "Gentoo"))  # fmt: skip
_SCRIPT = re.compile(
    r"curl/|wget/|python|go-http-client|java/|okhttp|apache-httpclient|libwww|axios|node-fetch|ruby|guzzle|aiohttp|httpx|scrapy|postman|php/",
    re.I,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook", re.I)
_PHONE = re.compile(r"iphone|ipod|windows phone|mobile|blackberry|opera mini", re.I)
_TV = re.compile(r"smart-?tv|appletv|bravia|roku|crkey|hbbtv|webos|googletv|android tv|aft[a-z]{1,4} build", re.I)
_CONSOLE = re.compile(r"playstation|xbox|nintendo", re.I)
_BOT = re.compile(r"(?<!cu)bot\b|crawl|spider|slurp", re.I)


class CrawlerList:
    """Patterns of user agents, searched for all at once in linear time. Raises ValueError for a pattern that is none."""

    def __init__(self, patterns: list[str]) -> None:
        import ua_parser_rs

        self.count = len(patterns)
        # One "parser" of uap-core for each pattern: its expression and the family that it stands for; what else it could replace is unused.
        self._extractor: Any = ua_parser_rs.UserAgentExtractor([(pattern, "crawler", None, None, None, None) for pattern in patterns])

    def holds(self, text: str) -> bool:
        """Whether any pattern is found in the text (its first 512 characters)."""
        return self._extractor.extract(text[:TEXT_LIMIT]) is not None


def read_crawlers(path: Path) -> tuple[CrawlerList, Notes]:
    """A list of patterns from a file. Raises SourceError."""
    data, _ = read_bytes(path, PATTERNS_LIMIT_BYTES)
    faults, good, last_bad = Faults(path, False), [], False
    begun = time.thread_time()
    for number, pattern in _patterns(data, path):
        if time.thread_time() - begun > COMPILING_LIMIT_SECONDS:
            raise SourceError(f"{path}: its patterns take too long to compile; use fewer or simpler ones")
        try:
            if len(pattern) > PATTERN_LIMIT_CHARS:
                raise ValueError
            # What is found in nothing is found in everything.
            last_bad = CrawlerList([pattern]).holds("")
        except ValueError:
            last_bad = True
        if last_bad:
            faults.add(number, pattern, "pattern (a regular expression without look-around and back-references, at most 256 characters)")
        else:
            good.append(pattern)
        if len(good) > PATTERNS_LIMIT:
            raise SourceError(f"{path}: has more than {PATTERNS_LIMIT:,} patterns")
    faults.settle(len(good), last_bad)
    try:
        return CrawlerList(good), Notes(entries=len(good), bad_lines=faults.count)
    except ValueError:
        raise SourceError(f"{path}: its patterns together are too large; use fewer or simpler ones") from None


def _patterns(data: bytes, path: Path) -> Iterable[tuple[int, str]]:
    lines = text_lines(data, path)
    if not re.match(rb"[\xef\xbb\xbf\s]*\[\s*\{", data):
        if is_cut(data) and not lines:
            raise SourceError(f"{path}: has no entries")
        return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    try:
        documents = msgspec.json.decode("\n".join(lines), type=list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError):
        raise SourceError(f"{path}: begins like JSON and is no whole list of objects; fetch it again") from None
    return [(number, str(entry.get("pattern", ""))) for number, entry in enumerate(documents, 1)]


class CrawlerSource(msgspec.Struct, frozen=True):
    """One loaded list of crawlers. stale: older than it may be."""

    name: str
    listed: CrawlerList
    tally: Tally
    stale: bool = False


class UserAgents:
    """Reads user agents. What it remembers is bounded."""

    def __init__(self, crawlers: Iterable[CrawlerSource] = ()) -> None:
        self._crawlers = tuple(crawlers)
        self._cache: dict[str, dict[str, bool | int | str]] = {}
        self._parser: Any = None

    def with_crawlers(self, crawlers: Iterable[CrawlerSource]) -> "UserAgents":
        """The same with other lists of crawlers; what was compiled and read stays."""
        made = UserAgents(crawlers)
        made._cache, made._parser = self._cache, self._parser
        return made

    def facts(self, text: str) -> dict[str, bool | int | str | list[str]]:
        """Facts of a user agent: family, major version, os, device (desktop, phone, tablet, tv, console, script, bot, other), crawler; {} for nothing."""
        text = text[:TEXT_LIMIT].strip()
        if not text:
            return {}
        known = self._cache.get(text)
        if known is None:
            known = self._cache[text] = self._read(text)
            if len(self._cache) > CACHE_LIMIT:
                del self._cache[next(iter(self._cache))]
        found: dict[str, bool | int | str | list[str]] = dict(known)
        hit = []
        for source in self._crawlers:
            source.tally.lookups += 1
            if source.listed.holds(text):
                source.tally.hits += 1
                hit.append(source.name)
                found["user_agent.crawler"] = True
            elif not source.stale:
                found.setdefault("user_agent.crawler", False)
        found["user_agent.sources_hit"] = hit
        if hit:
            found["user_agent.device"] = "bot"
        return found

    def _read(self, text: str) -> dict[str, bool | int | str]:
        if self._parser is None:
            from ua_parser import Parser
            from ua_parser.loaders import load_lazy_builtins
            from ua_parser.regex import Resolver

            self._parser = Parser(Resolver(load_lazy_builtins()))
        # Lone surrogates, which JSON can carry, are no text that the patterns can read.
        read = self._parser.parse(text.encode("utf-8", "replace").decode())
        found: dict[str, bool | int | str] = {}
        agent, system, device = read.user_agent, read.os, read.device
        if agent is not None:
            found["user_agent.family"] = _bounded(agent.family)
            major = agent.major or ""
            if major.isascii() and major.isdigit() and len(major) <= 6:
                found["user_agent.major"] = int(major)
        if system is not None:
            found["user_agent.os"] = _bounded(system.family)
        spider = device is not None and device.family == "Spider"
        found["user_agent.device"] = _device(text, system.family if system else "", spider)
        return {name: value for name, value in found.items() if value != ""}


def _bounded(text: str) -> str:
    return "".join(char for char in text[:FAMILY_LIMIT] if char.isprintable()).strip()


def _device(text: str, system: str, spider: bool) -> str:
    if spider or _BOT.search(text):
        return "bot"
    if _SCRIPT.search(text):
        return "script"
    if _CONSOLE.search(text):
        return "console"
    if _TV.search(text) or system in ("tvOS", "ATV OS X", "Chromecast", "Tizen", "WebTV"):
        return "tv"
    if _TABLET.search(text) or (system == "Android" and "mobile" not in text.lower()):
        return "tablet"
    if _PHONE.search(text) or system in ("iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS"):
        return "phone"
    return "desktop" if system in _DESKTOP else "other"
