"""The data folder: one process owns it, files in it are replaced as a whole or not at all, and its free space is watched.

    folder = Folder.open(Path("/var/lib/wardline"))         # makes it (mode 0700) and locks it
    folder.write_atomic("snapshots/lists.snap", data)       # the old content or the new one, also after a power loss
    folder.free_bytes()                                     # what the file system would still give us

All durable writing goes through `Files`, the few calls of POSIX.1-2024 that we need (open, pwrite, fdatasync, rename, fsync of a directory),
so that tests can put a disk underneath that forgets whatever was not synced. Errors say what was wrong, where, and what to do.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

# RWF_DSYNC: write and sync exactly this range in one system call (Linux 4.7): one trip through the interpreter lock instead of two.
_DSYNC = getattr(os, "RWF_DSYNC", 0)
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class StorageError(Exception):
    """Something about the data folder. what: what was wrong; where: a path or a place in a file; remedy: what to do."""

    def __init__(self, what: str, where: str, remedy: str) -> None:
        super().__init__(f"{what} ({where}). {remedy}")
        self.what, self.where, self.remedy = what, where, remedy


class StorageFull(StorageError):
    """The disk's reserve is reached: nothing was written, nothing that was answered is lost, and it works again once there is space."""


class StorageBusy(StorageError):
    """More is waiting to be written than memory may hold: try again in a moment."""


class StorageLocked(StorageError):
    """Another process owns the folder."""


class StorageFailed(StorageError):
    """The device refused a write or a sync. What it holds is unknown until the folder has been opened anew."""


class StorageDamaged(StorageError):
    """Something that was durable can no longer be read, or does not match its checksum."""


class Files(Protocol):
    """What the durable parts ask of a file system. Offsets and sizes in bytes; `data` is written whole or OSError is raised.

    A folder is durable when `make_folder` returns; the name of a new or replaced file is durable after `sync_folder`.
    """

    def make_folder(self, path: Path) -> None: ...

    def names(self, path: Path) -> list[str]: ...

    def exists(self, path: Path) -> bool: ...

    def open(self, path: Path, *, create: bool = False) -> int: ...

    def close(self, descriptor: int) -> None: ...

    def size(self, descriptor: int) -> int: ...

    def pread(self, descriptor: int, size: int, offset: int) -> bytes: ...

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> None: ...

    def write_durably(self, descriptor: int, data: bytes, offset: int) -> None: ...

    def fdatasync(self, descriptor: int) -> None: ...

    def replace(self, source: Path, target: Path) -> None: ...

    def remove(self, path: Path) -> None: ...

    def sync_folder(self, path: Path) -> None: ...

    def free_bytes(self, path: Path) -> int: ...


class DiskFiles:
    """The real file system. Files are made with mode 0600, folders with 0700."""

    def __init__(self) -> None:
        self._dsync = _DSYNC

    def make_folder(self, path: Path) -> None:
        """Durably: a file in a folder whose own name was never synced is gone with the folder after a power loss."""
        missing = []
        while not path.exists():
            missing.append(path)
            path = path.parent
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            # A parent that may be searched and not read cannot be synced; its owner made it long ago.
            with contextlib.suppress(PermissionError):
                self.sync_folder(folder.parent)

    def names(self, path: Path) -> list[str]:
        return sorted(entry.name for entry in path.iterdir())

    def exists(self, path: Path) -> bool:
        return path.exists()

    def open(self, path: Path, *, create: bool = False) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        parts = []
        while size > 0:
            part = os.pread(descriptor, size, offset)
            if not part:
                break
            parts.append(part)
            size -= len(part)
            offset += len(part)
        return b"".join(parts)

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> None:
        written = os.pwrite(descriptor, data, offset)
        while written < len(data):
            written += os.pwrite(descriptor, memoryview(data)[written:], offset + written)

    def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write and return only when the range is on the medium, in one system call where the kernel can."""
        written = 0
        while self._dsync and written < len(data):
            try:
                written += os.pwritev(descriptor, [memoryview(data)[written:]], offset + written, self._dsync)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                self._dsync = 0
        if written < len(data):
            self.pwrite(descriptor, data, offset)
            os.fdatasync(descriptor)

    def fdatasync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync_folder(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, path: Path) -> int:
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize


# A large file goes to the disk a piece at a time: whoever waits for a sync of the log must not wait for all of it.
SYNC_BYTES = 2 << 20
# How long a lock is waited for whose owner is dead.
ORPHAN_SECONDS = 5.0


def write_atomic(files: Files, path: Path, data: bytes | Sequence[bytes]) -> None:
    """Replace a file's content, given whole or in parts: after a crash at any moment it holds the old bytes or the new ones. Durable when it returns."""
    # One fixed name: what a crash left behind is overwritten by the next attempt instead of piling up.
    temporary = path.with_name(path.name + ".new")
    files.remove(temporary)
    descriptor = files.open(temporary, create=True)
    try:
        offset = synced = 0
        for part in [data] if isinstance(data, bytes) else data:
            files.pwrite(descriptor, part, offset)
            offset += len(part)
            if offset - synced >= SYNC_BYTES:
                files.fdatasync(descriptor)
                synced = offset
        files.fdatasync(descriptor)
    finally:
        files.close(descriptor)
    files.replace(temporary, path)
    files.sync_folder(path.parent)


def read_whole(files: Files, path: Path) -> bytes:
    """A file's content. Raises FileNotFoundError."""
    descriptor = files.open(path)
    try:
        return files.pread(descriptor, files.size(descriptor), 0)
    finally:
        files.close(descriptor)


def overwrite(files: Files, path: Path) -> None:
    """Fill a file with zeros, sync it and remove it. A missing file is no error.

    The file's own blocks are overwritten; what a copy-on-write file system or a drive's wear levelling keeps elsewhere is out of reach.
    """
    if not files.exists(path):
        return
    descriptor = files.open(path)
    try:
        size = files.size(descriptor)
        for offset in range(0, size, 1 << 20):
            files.pwrite(descriptor, bytes(min(1 << 20, size - offset)), offset)
        files.fdatasync(descriptor)
    finally:
        files.close(descriptor)
    files.remove(path)
    files.sync_folder(path.parent)


class Folder:
    """The data folder while this process owns it."""

    LOCK_NAME = "lock"

    def __init__(self, path: Path, files: Files, lock_descriptor: int | None) -> None:
        self.path = path
        self.files = files
        self._lock_descriptor = lock_descriptor

    @classmethod
    def open(cls, path: Path, files: Files | None = None, *, lock: bool = True) -> Self:
        """Make the folder where it is missing (mode 0700) and lock it. Raises StorageLocked, or StorageError when it cannot be used."""
        files = files if files is not None else DiskFiles()
        try:
            files.make_folder(path)
        except OSError as error:
            raise StorageError(
                f"the data folder cannot be made: {error.strerror}",
                str(path),
                "Make it and give it to this user, or choose another with --data.",
            ) from error
        return cls(path, files, cls._lock(path) if lock else None)

    @classmethod
    def _lock(cls, path: Path) -> int:
        where = path / cls.LOCK_NAME
        try:
            descriptor = os.open(where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"the data folder cannot be written: {error.strerror}",
                str(where),
                "Give the folder to this user, or choose another with --data.",
            ) from error
        if not _locked(descriptor):
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StorageLocked(
                f"the data folder is in use by the process {owner}",
                str(where),
                "Stop that process first, or choose another folder with --data.",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def write_atomic(self, name: str, data: bytes | Sequence[bytes]) -> None:
        """Replace the content of DATA/name as a whole, given whole or in parts; makes the folder that the name lies in."""
        target = self.path / name
        self.files.make_folder(target.parent)
        write_atomic(self.files, target, data)

    def read(self, name: str) -> bytes | None:
        """The content of DATA/name, None when there is no such file."""
        try:
            return read_whole(self.files, self.path / name)
        except FileNotFoundError:
            return None

    def free_bytes(self) -> int:
        """Bytes that an unprivileged user may still write on the folder's file system."""
        return self.files.free_bytes(self.path)

    def close(self) -> None:
        """Give the folder up; a second call does nothing."""
        if self._lock_descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._lock_descriptor, 0)
            os.close(self._lock_descriptor)
            self._lock_descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _locked(descriptor: int) -> bool:
    """Take the lock. Where the owner is dead, a process that it was making at that moment may hold it until it first runs: it is waited for."""
    until = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if _lives(os.pread(descriptor, 32, 0)) or time.monotonic() > until:
                return False
            time.sleep(0.01)
        else:
            return True


def _lives(owner: bytes) -> bool:
    """Whether the process that a lock names is there; one that cannot be read is taken to be."""
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        return True
    return True
