"""States and their snapshots: whatever the engine keeps in memory can be put on disk, read back, and caught up from the journal.

    class Lists:                                    # a State
        name = "lists"
        applied_seq = 0                             # the last record it has applied
        def apply(self, record): ...                # once per record, in order; ignores kinds it does not know
        def snapshot(self) -> bytes: ...            # everything, applied_seq apart
        def restore(self, data): ...                # raises ValueError for bytes that it did not write
        def digest(self) -> str: ...                # equal states have equal digests

    snapshots = Snapshots(folder)
    snapshots.save(lists)                           # DATA/snapshots/lists.snap, replaced as a whole; the one before is kept beside it
    bring_up([lists], snapshots, journal.read)      # start: newest good snapshot, then the tail of the journal

File: "WLS1", applied_seq u64, size u64 (little-endian), SHA-256 of name, these numbers and the content (FIPS 180-4), then the content. A
file that does not match its sum is passed over for the one before it, and without any the state is rebuilt from the first record.
A file that knows more than the journal is removed at the start.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec

from wardline.base.storage import Folder, overwrite
from wardline.engine.kept import opened
from wardline.engine.record import Record

MAGIC = b"WLS1"
_HEAD = struct.Struct("<4sQQ32s")
_NAME = re.compile(r"^[a-z][a-z0-9_.-]{0,63}$")
FOLDER = "snapshots"


class State(Protocol):
    """Something that is a pure function of the journal's prefix up to `applied_seq`. See the module."""

    name: str
    applied_seq: int

    def apply(self, record: Record) -> None: ...

    def snapshot(self) -> bytes: ...

    def restore(self, data: bytes) -> None: ...

    def digest(self) -> str: ...


class Origin(msgspec.Struct, frozen=True):
    """Where a state came from at the start: snapshot_seq 0 means "from the first record"; damaged: snapshot files passed over; outdated: those of
    them that are whole and were written by another version of the state, as after an upgrade."""

    name: str
    snapshot_seq: int
    applied_seq: int
    damaged: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()


def advance(state: State, record: Record) -> bool:
    """Apply a record unless the state has it already. False when it was skipped: every record is applied exactly once."""
    if record.seq <= state.applied_seq:
        return False
    state.apply(record)
    state.applied_seq = record.seq
    return True


class Snapshots:
    """The snapshot files of a data folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def save(self, state: State) -> int:
        """Write a state's snapshot; gives its bytes. After a crash at any moment there is a good one. Raises OSError (full disk)."""
        return self.write(state.name, state.applied_seq, state.snapshot())

    def write(self, name: str, applied_seq: int, content: bytes | Sequence[bytes]) -> int:
        """The same for content that was taken before, whole or in parts, so that a thread can write while the state goes on."""
        files, path = self._folder.files, self._folder.path / FOLDER / _file(name)
        parts = [content] if isinstance(content, bytes) else content
        size = sum(map(len, parts))
        head = _HEAD.pack(MAGIC, applied_seq, size, _sum(name, applied_seq, parts))
        files.make_folder(path.parent)
        if files.exists(path):
            files.replace(path, path.with_suffix(".before"))
        self._folder.write_atomic(f"{FOLDER}/{path.name}", [head, *parts])
        return len(head) + size

    def load(self, state: State, last_seq: int | None = None) -> "Origin":
        """Restore a state from its newest good snapshot; it stays as it is, at applied_seq 0, when there is none.

        last_seq: the journal's end. A snapshot that claims to know more (of another folder, or of a journal that was restored from an older
        backup) is passed over like a damaged one, and removed: once the journal has grown past it, nobody could tell that it knows other records.
        """
        fresh = state.snapshot()
        state.applied_seq = 0
        damaged = [] if last_seq is None else self._remove_after(state.name, last_seq)
        outdated = []
        for file_name, applied_seq, content in self.files(state.name):
            if content is not None:
                try:
                    state.restore(content)
                except (ValueError, msgspec.DecodeError, msgspec.ValidationError):
                    # Written by another version of this state: rebuild instead of guessing. The state must be as new, not half restored.
                    state.restore(fresh)
                    outdated.append(file_name)
                else:
                    state.applied_seq = applied_seq
                    break
            damaged.append(file_name)
        return Origin(state.name, state.applied_seq, state.applied_seq, tuple(damaged), tuple(outdated))

    def _remove_after(self, name: str, last_seq: int) -> list[str]:
        """Remove the snapshots whose heads claim to know more than the journal. Gives their file names."""
        files, path = self._folder.files, self._folder.path / FOLDER
        removed = []
        for file_name in _file_names(name):
            if not files.exists(path / file_name):
                continue
            descriptor = files.open(path / file_name)
            try:
                head = files.pread(descriptor, _HEAD.size, 0)
            finally:
                files.close(descriptor)
            if len(head) == _HEAD.size and head.startswith(MAGIC) and _HEAD.unpack(head)[1] > last_seq:
                files.remove(path / file_name)
                removed.append(file_name)
        if removed:
            files.sync_folder(path)
        return removed

    def files(self, name: str) -> Iterator[tuple[str, int, bytes | None]]:
        """(file name, applied_seq, content) for each snapshot that is there, newest first; content None for one that is damaged."""
        for file_name in _file_names(name):
            data = self._folder.read(f"{FOLDER}/{file_name}")
            if data is None:
                continue
            if len(data) < _HEAD.size:
                yield file_name, 0, None
                continue
            magic, applied_seq, size, expected = _HEAD.unpack_from(data)
            content = data[_HEAD.size :]
            intact = magic == MAGIC and len(content) == size and _sum(name, applied_seq, [content]) == expected
            yield file_name, applied_seq, content if intact else None

    def names(self) -> list[str]:
        """The states that have a snapshot."""
        path = self._folder.path / FOLDER
        files = self._folder.files
        found = files.names(path) if files.exists(path) else []
        return sorted({name.rpartition(".")[0] for name in found if name.endswith((".snap", ".before"))})

    def erase(self, name: str | None = None) -> None:
        """Overwrite and remove a state's snapshots, or all: after a subject was erased they still hold what it left in the states."""
        path = self._folder.path / FOLDER
        files = self._folder.files
        if not files.exists(path):
            return
        for file_name in files.names(path):
            if name is None or file_name.startswith((f"{name}.snap", f"{name}.before")):
                overwrite(files, path / file_name)


def bring_up(
    states: Sequence[State], snapshots: Snapshots, read: Callable[[int], Iterator[Record]], last_seq: int | None = None
) -> list[Origin]:
    """Restore every state and apply what came after, in one pass over the journal. `read(from_seq)` gives records in order.

    last_seq: the journal's end; states count as applied up to there, since what is missing at the end was erased or is the vault's.
    """
    origins = [snapshots.load(state, last_seq) for state in states]
    from_seq = min((state.applied_seq for state in states), default=0) + 1
    for record in map(opened, read(from_seq)):
        for state in states:
            advance(state, record)
    if last_seq is not None:
        for state in states:
            state.applied_seq = max(state.applied_seq, last_seq)
    return [msgspec.structs.replace(origin, applied_seq=state.applied_seq) for origin, state in zip(origins, states, strict=True)]


def _file(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} cannot name a snapshot; use lower-case letters, digits, '_', '-' and '.', at most 64")
    return f"{name}.snap"


def _file_names(name: str) -> tuple[str, str]:
    """The newest snapshot's file, and that of the one before."""
    first = _file(name)
    return first, first.removesuffix(".snap") + ".before"


def _sum(name: str, applied_seq: int, parts: Sequence[bytes]) -> bytes:
    found = sha256(b"\0".join((name.encode(), struct.pack("<QQ", applied_seq, sum(map(len, parts))), b"")))
    for part in parts:
        found.update(part)
    return found.digest()
