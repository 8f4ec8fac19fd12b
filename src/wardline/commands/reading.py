"""Where messages come from: files, folders, Maildirs, mbox files and standard input.

    for source in sources([Path("Maildir/"), Path("archive.mbox"), Path("-")]):
        source.name, source.read()

A folder is walked in a fixed order; of a Maildir only cur and new are read (not tmp). A file that begins with "From " and holds more such
lines is an mbox (RFC 4155) and is split without loading it whole.
"""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wardline.commands.context import Failure

SIZE_LIMIT_BYTES = 100 << 20
# Beside messages, folders hold what mail programs keep for themselves.
_SKIPPED = {"index.tsv", "dovecot-uidlist", "dovecot.index", "dovecot.index.cache", "dovecot.index.log", "subscriptions", "maildirfolder"}


class Source(msgspec.Struct, frozen=True):
    """One message: a name for people, a path and where in the file it stands (size_bytes -1: the whole file)."""

    name: str
    path: Path | None
    offset: int = 0
    size_bytes: int = -1
    content: bytes | None = None
    found_bytes: int = 0  # how large it was when it was found

    def read(self) -> bytes:
        """The message's bytes; Failure when it cannot be read."""
        if self.content is not None:
            return self.content
        assert self.path is not None
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size_bytes if self.size_bytes >= 0 else SIZE_LIMIT_BYTES + 1)
        except OSError as error:
            raise Failure(f"{self.name}: cannot be read ({error.strerror}); check the path and its permissions") from None


def sources(paths: list[Path]) -> Iterator[Source]:
    """All messages under the given paths, in order. Raises Failure for a path that does not exist."""
    for path in paths:
        if str(path) == "-":
            yield _content("standard input", sys.stdin.buffer.read(SIZE_LIMIT_BYTES + 1))
        elif path.is_dir():
            yield from _folder(path)
        elif path.exists():
            yield from _file(path)
        else:
            raise Failure(f"{path}: there is no such file or folder; give messages, folders, Maildirs, mbox files, or - for standard input")


def _content(name: str, content: bytes) -> Source:
    return Source(name, None, content=content, found_bytes=len(content))


def _folder(path: Path) -> Iterator[Source]:
    maildir = (path / "cur").is_dir() and (path / "new").is_dir()
    for root, folders, files in os.walk(path):
        folders[:] = sorted(folder for folder in folders if not folder.startswith(".") or maildir)
        if maildir and Path(root).name not in ("cur", "new"):
            continue
        for name in sorted(files):
            if name not in _SKIPPED and not name.startswith(".") and not name.endswith((".tmp", ".lock")):
                file = Path(root, name)
                if file.is_file():  # not a pipe, which would be waited for, nor a link that leads nowhere
                    yield from _file(file)


def _file(path: Path) -> Iterator[Source]:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):  # a pipe, such as <(command): it can be read once
                yield _content(str(path), file.read(SIZE_LIMIT_BYTES + 1))
                return
            begins = file.read(5)
    except OSError as error:
        raise Failure(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if begins != b"From ":
        yield Source(str(path), path, found_bytes=found.st_size)
        return
    yield from _mbox(path)


def _mbox(path: Path) -> Iterator[Source]:
    """The messages of an mbox: each begins after a line "From …, date" that stands at the top or behind an empty line."""
    starts: list[tuple[int, int]] = []
    at, empty_before = 0, True
    with path.open("rb") as file:
        for line in file:
            if empty_before and line.startswith(b"From ") and (at == 0 or _is_dated(line)):
                starts.append((at, at + len(line)))
            empty_before = line in (b"\n", b"\r\n")
            at += len(line)
    ends = [start for start, _content in starts[1:]] + [at]
    for number, ((_start, content), end) in enumerate(zip(starts, ends, strict=True), 1):
        name = str(path) if len(starts) == 1 else f"{path}#{number}"
        yield Source(name, path, content, end - content, found_bytes=end - content)


def _is_dated(line: bytes) -> bool:
    """Whether a "From " line is a separator, with a time and a year, and not the beginning of somebody's sentence."""
    words = line[:300].split()
    return any(word.isdigit() and len(word) == 4 for word in words) and any(
        word[:5].replace(b":", b"0").isdigit() and b":" in word for word in words
    )
