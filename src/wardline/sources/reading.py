"""Reading a source's file, whatever lies there: whole or not at all, within a size, and as text only when it is text.

    data, stamp = read_bytes(Path("tor.txt"), limit_bytes=64 << 20)
    lines = text_lines(data, Path("tor.txt"))            # BOM removed, \\r\\n and \\r are line ends too

A file that changes while it is read is refused (the next look takes it), so that half an old list and half a new one never become one. A new
file put in its place by a rename is no such change: what was opened is read to its end. `.gz` is unpacked within the same limit.
"""

import gzip
import io
import os
import stat
import zlib
from pathlib import Path

import msgspec

TEXT_LIMIT_BYTES = 128 << 20
BINARY_LIMIT_BYTES = 512 << 20
ENTRIES_LIMIT = 2_000_000
# Of a list that somebody else writes, so many lines may be unreadable before the whole is not what it should be.
BAD_SHARE_LIMIT = 0.05
_CHUNK_BYTES = 1 << 20


class SourceError(Exception):
    """A source that cannot be used: which file, what is wrong, what to do."""


class Stamp(msgspec.Struct, frozen=True):
    """What tells that a file is another one: time of change (ns), size in bytes, inode."""

    modified_ns: int
    size: int
    inode: int


def stamp_of(path: Path, *, within: bool = True) -> Stamp | None:
    """The file's stamp; None when nothing can be seen there. Of a folder: its newest file, the sum of their sizes and their number.

    within: False does not look at a folder's files, of which there may be a million, but at the folder alone.
    """
    try:
        if within and path.is_dir():
            stats = [entry.stat() for entry in sorted(path.iterdir()) if entry.is_file()]
            return Stamp(max((found.st_mtime_ns for found in stats), default=0), sum(found.st_size for found in stats), len(stats))
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def read_bytes(path: Path, limit_bytes: int) -> tuple[bytes, Stamp]:
    """The file's bytes (unpacked where the name ends in .gz) and its stamp. Raises SourceError."""
    try:
        # Non-blocking, because a pipe in this place would hold us for ever; regular files do not mind.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise SourceError(f"{path}: cannot be read ({reason}); check the path and who may read it") from None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise SourceError(f"{path}: is not a file; give the path of a file")
        if before.st_size > limit_bytes:
            raise SourceError(f"{path}: is {before.st_size >> 20} MB; at most {limit_bytes >> 20} MB are read")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit_bytes + 1)
        after = os.fstat(descriptor)
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or len(data) != after.st_size:
        raise SourceError(f"{path}: changed while it was read; put new versions in place with a rename")
    if not data:
        raise SourceError(f"{path}: is empty; an empty file is taken for a failed download")
    if path.suffix == ".gz":
        data = _unpacked(path, data, limit_bytes)
    return data, Stamp(after.st_mtime_ns, after.st_size, after.st_ino)


def _unpacked(path: Path, data: bytes, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while part := file.read(_CHUNK_BYTES):
                size += len(part)
                if size > limit_bytes:
                    raise SourceError(f"{path}: unpacks to more than {limit_bytes >> 20} MB; at most so much is read")
                parts.append(part)
    except (OSError, EOFError, zlib.error):
        raise SourceError(f"{path}: is not a whole gzip file; fetch it again") from None
    return b"".join(parts)


def text_lines(data: bytes, path: Path) -> list[str]:
    """The lines of a text, without their ends. Raises SourceError for what is no text, or has too many lines."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(f"{path}: is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise SourceError(f"{path}: is a binary file, not a text; check the source's format")
    text = data.decode("utf-8-sig", "replace")
    # Not str.splitlines, which also breaks at characters that stand inside names.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > ENTRIES_LIMIT:
        raise SourceError(f"{path}: has more than {ENTRIES_LIMIT:,} lines")
    return lines


def is_cut(data: bytes) -> bool:
    """Whether a text ends inside a line, as one does whose download broke off (or whose author's editor ends so)."""
    return not data.endswith((b"\n", b"\r"))


class Faults:
    """The unreadable lines of one file: some are passed over, too many refuse the file, and one at a broken-off end does at once."""

    def __init__(self, path: Path, cut: bool) -> None:
        self.path = path
        self.cut = cut
        self.count = 0
        self._first = ""

    def add(self, line: int, text: str, wanted: str) -> None:
        """Note line number `line` (from 1), which should have been `wanted`."""
        self.count += 1
        if not self._first:
            self._first = f"line {line}: {text.strip()[:60]!r} is no {wanted}"

    def settle(self, entries: int, last_line_bad: bool) -> None:
        """Raise SourceError when this is not the list that it should be."""
        if last_line_bad and self.cut:
            raise SourceError(f"{self.path}: ends inside a line, as a broken-off download does; fetch it again")
        if self.count > BAD_SHARE_LIMIT * (entries + self.count):
            raise SourceError(f"{self.path}: {self.count} of {entries + self.count} lines cannot be read ({self._first}); check the format")
        if not entries:
            raise SourceError(f"{self.path}: has no entries; an empty list is taken for a failed download")
