"""The history's manifest: which files count, what they hold, and up to which record they were written.

    {"version": 1, "compacted_seq": 120000, "kinds": {"login": {"ip.asn": "number", …}},
     "files": [{"name": "2026-11-21/login-1-65536-3.parquet", "type": "login", "day": "2026-11-21", "rows": 41207, "first_seq": 1, …}]}

A file that the manifest does not name does not exist: what a crash left behind is overwritten and removed by whoever writes next. The
manifest is replaced as a whole, so that a file becomes part of the history, and takes another's place, in one step.
"""

import hashlib
import re

import msgspec

VERSION = 1
FILE = "manifest.json"
_SAFE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file: rows of one event type and one day (UTC, of occurrence), sorted by time and seq."""

    name: str
    type: str
    day: str
    rows: int
    first_seq: int
    last_seq: int
    first_us: int
    last_us: int
    first_recorded_us: int
    last_recorded_us: int
    size_bytes: int
    sha256: str
    columns: list[str]


class Manifest(msgspec.Struct, kw_only=True):
    """See the module. written: how many times a file was written, which makes every file's name new."""

    version: int = VERSION
    compacted_seq: int = 0
    written: int = 0
    kinds: dict[str, dict[str, str]] = {}
    files: list[Part] = []

    def of_type(self, type: str | None) -> list[Part]:
        """The files of one event type, or all, oldest day first."""
        return sorted(
            (part for part in self.files if type is None or part.type == type), key=lambda part: (part.day, part.first_us, part.name)
        )

    @property
    def rows(self) -> int:
        """Records in all files."""
        return sum(part.rows for part in self.files)


def file_name(type: str, day: str, first_seq: int, last_seq: int, number: int) -> str:
    """A new file's name; event types that are no plain words appear by their digest (BLAKE2b, RFC 7693)."""
    plain = _SAFE.fullmatch(type) and len(type) <= 48
    slug = type if plain else "type-" + hashlib.blake2b(type.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{day}/{slug}-{first_seq}-{last_seq}-{number}.parquet"
