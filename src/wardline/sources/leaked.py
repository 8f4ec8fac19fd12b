"""Leaked passwords: how often a password's SHA-1 stands in published leaks, asked by its first five hex digits alone.

    passwords = LeakedPasswords.in_folder(Path("/srv/pwned"))                                # 21BD1.txt or 21BD1, one file for each prefix
    passwords = LeakedPasswords.at_url("https://api.example.com/range", outbound)            # GET https://api.example.com/range/21BD1
    await passwords.count("21BD12DC183F740EE76F27B78EB39C8AD972A757")                        # 52579; 0: in none; None: not known

Format: the ranges of Have I Been Pwned (k-anonymity, https://haveibeenpwned.com/API/v3#PwnedPasswords): lines SUFFIX:COUNT, 35 hex digits and a
number; lines with the count 0 are padding. Nothing but the prefix leaves this machine or becomes part of a path, and no part of a hash is ever
logged. Comparison need not take constant time: both sides are public or about to be forgotten. A range that cannot be had or read is None.
After five failures in a row the source is not asked for thirty seconds, so that a dead one delays nobody.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from wardline.sources.ip import Tally
from wardline.sources.reading import SourceError, read_bytes

if TYPE_CHECKING:
    from wardline.sources.outbound import Outbound

RANGE_LIMIT_BYTES = 1 << 20
FAILURES_LIMIT = 5
PAUSE_SECONDS = 30.0
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_LINE = re.compile(rb"([0-9A-Fa-f]{35}):([0-9]{1,12})")
_FILE = re.compile(r"[0-9A-Fa-f]{5}(?:\.txt)?")
Fetch = Callable[[str], Awaitable[bytes | None]]


class LeakedPasswords:
    """One source of ranges. Its calls belong to one event loop."""

    def __init__(self, fetch: Fetch, tally: Tally | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """fetch: the bytes of a prefix's range; None when it cannot be had. clock: seconds."""
        self.tally = tally or Tally()
        self._fetch = fetch
        self._clock = clock
        self._failures = 0
        self._pause_until = 0.0

    @classmethod
    def in_folder(cls, folder: Path, tally: Tally | None = None) -> "LeakedPasswords":
        """Ranges from files, one for each prefix, with or without ".txt"."""

        def read(prefix: str) -> bytes | None:
            for name in (f"{prefix}.txt", prefix, f"{prefix.lower()}.txt", prefix.lower()):
                try:
                    return read_bytes(folder / name, RANGE_LIMIT_BYTES)[0]
                except SourceError:
                    continue
            return None

        async def fetch(prefix: str) -> bytes | None:
            return await asyncio.to_thread(read, prefix)

        return cls(fetch, tally)

    @classmethod
    def at_url(cls, url: str, outbound: "Outbound", tally: Tally | None = None, timeout_seconds: float = 2.0) -> "LeakedPasswords":
        """Ranges from a server, through the one outbound client; its host must be allowed there."""
        from wardline.sources.outbound import OutboundError

        async def fetch(prefix: str) -> bytes | None:
            try:
                # Padding hides from whoever sees the answer's size which range it was.
                answer = await outbound.request(
                    "GET", f"{url.rstrip('/')}/{prefix}", {"Add-Padding": "true"}, attempts=2, timeout_seconds=timeout_seconds
                )
            except OutboundError:
                return None
            return answer.body if answer.status == 200 and len(answer.body) <= RANGE_LIMIT_BYTES else None

        return cls(fetch, tally)

    async def count(self, sha1_hex: str) -> int | None:
        """How often the password was seen; 0 when the range does not hold it, None when nobody knows. Raises ValueError for what is no SHA-1 in hex."""
        if not _SHA1.fullmatch(sha1_hex):
            raise ValueError("a SHA-1 is 40 hexadecimal digits")
        if self._clock() < self._pause_until:
            return None
        self.tally.lookups += 1
        text = sha1_hex.upper()
        data = await self._fetch(text[:5])
        found = None if data is None else find(data, text[5:])
        if found is None:
            self._failures += 1
            if self._failures >= FAILURES_LIMIT:
                self._failures, self._pause_until = 0, self._clock() + PAUSE_SECONDS
            return None
        self._failures = 0
        self.tally.hits += found > 0
        return found


def find(data: bytes, suffix: str) -> int | None:
    """The count of a suffix (35 upper-case hex digits) in a range; 0 when it is not there, None when the bytes are no range."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split()
    wanted = suffix.encode()
    count = 0
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        if match[1].upper() == wanted:
            count = max(count, int(match[2]))
    return count if lines else None


def read_folder(folder: Path) -> int:
    """How many ranges a folder holds, after a look into one of them. Raises SourceError."""
    try:
        names = [entry.name for entry in folder.iterdir() if _FILE.fullmatch(entry.name)]
    except OSError:
        raise SourceError(f"{folder}: is no folder that can be read; leaked passwords need one file for each prefix: 21BD1.txt") from None
    if not names:
        raise SourceError(f"{folder}: holds no ranges; name the files by their prefix: 21BD1.txt")
    name = min(names)
    data, _ = read_bytes(folder / name, RANGE_LIMIT_BYTES)
    if find(data, "0" * 35) is None:
        raise SourceError(f"{folder / name}: is no range of hashes; its lines must be 35 hexadecimal digits, a colon and a count")
    return len(names)
