"""A disk for tests that forgets at a crash what was written and not synced: `Files` in memory, with a page cache of its own.

    disk = ForgetfulDisk(random.Random(7), crash_at=12)     # the 12th operation that changes something raises Crash, and all after it
    ...                                                     # run anything that takes `Files`
    disk.after_power_loss()                                 # another disk with what the medium holds

What the medium holds after a crash: every 512-byte sector that was synced; of the others a random choice, old or new, sector by sector, so
that a write can be torn anywhere, also the one that was under way. A file's size and name follow only when its folder and itself were
synced; before that each may be there or not. That is at least as bad as what POSIX and a drive with a volatile cache allow.
"""

import errno
import os
import random
from pathlib import Path

SECTOR = 512


class Crash(OSError):
    """The power is gone."""


class _Content:
    def __init__(self, synced: bytes = b"") -> None:
        self.cached = bytearray(synced)
        self.synced = bytearray(synced)
        self.dirty: set[int] = set()

    def write(self, data: bytes, offset: int) -> None:
        end = offset + len(data)
        if len(self.cached) < end:
            self.cached.extend(bytes(end - len(self.cached)))
        self.cached[offset:end] = data
        self.dirty.update(range(offset // SECTOR, -(-end // SECTOR)))

    def sync(self, sectors: set[int] | None = None) -> None:
        for sector in self.dirty if sectors is None else self.dirty & sectors:
            start = sector * SECTOR
            part = self.cached[start : start + SECTOR]
            if len(self.synced) < start + len(part):
                self.synced.extend(bytes(start + len(part) - len(self.synced)))
            self.synced[start : start + len(part)] = part
        self.dirty = set() if sectors is None else self.dirty - sectors


class ForgetfulDisk:
    """See the module. quota_bytes: how much the files may hold together; None is endless."""

    def __init__(self, chance: random.Random, crash_at: int | None = None, quota_bytes: int | None = None) -> None:
        self.chance = chance
        self.crash_at = crash_at
        self.quota_bytes = quota_bytes
        self.operations = 0
        self.crashed = False
        self.fail_next_write: OSError | None = None
        self._folders: set[Path] = set()
        self._names: dict[Path, _Content] = {}
        self._durable_names: dict[Path, _Content] = {}
        self._open: dict[int, _Content] = {}
        self._next_descriptor = 100

    def _change(self) -> None:
        if self.crashed:
            raise Crash(errno.EIO, "the power is gone")
        self.operations += 1
        if self.crash_at is not None and self.operations >= self.crash_at:
            self.crashed = True

    def _gone(self) -> None:
        if self.crashed:
            raise Crash(errno.EIO, "the power is gone")

    def make_folder(self, path: Path) -> None:
        self._folders.add(path)

    def names(self, path: Path) -> list[str]:
        return sorted(name.name for name in self._names if name.parent == path)

    def exists(self, path: Path) -> bool:
        return path in self._names or path in self._folders

    def open(self, path: Path, *, create: bool = False) -> int:
        if path not in self._names:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            self._change()
            self._gone()
            self._names[path] = _Content()
        self._next_descriptor += 1
        self._open[self._next_descriptor] = self._names[path]
        return self._next_descriptor

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def size(self, descriptor: int) -> int:
        return len(self._open[descriptor].cached)

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        return bytes(self._open[descriptor].cached[offset : offset + size])

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> None:
        content = self._open[descriptor]
        growth = max(0, offset + len(data) - len(content.cached))
        if self.quota_bytes is not None and self._used() + growth > self.quota_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.fail_next_write is not None:
            error, self.fail_next_write = self.fail_next_write, None
            raise error
        self._change()
        # A crash in the middle of this write leaves it in the cache: what reaches the medium is then drawn sector by sector.
        content.write(data, offset)
        self._gone()

    def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
        self.pwrite(descriptor, data, offset)
        self._change()
        self._gone()
        self._open[descriptor].sync(set(range(offset // SECTOR, -(-(offset + len(data)) // SECTOR))))

    def fdatasync(self, descriptor: int) -> None:
        self._change()
        self._gone()
        self._open[descriptor].sync()

    def replace(self, source: Path, target: Path) -> None:
        self._change()
        self._gone()
        self._names[target] = self._names.pop(source)

    def remove(self, path: Path) -> None:
        if path in self._names:
            self._change()
            self._gone()
            del self._names[path]

    def sync_folder(self, path: Path) -> None:
        self._change()
        self._gone()
        self._durable_names = {name: content for name, content in self._durable_names.items() if name.parent != path}
        self._durable_names |= {name: content for name, content in self._names.items() if name.parent == path}

    def free_bytes(self, path: Path) -> int:
        return 1 << 40 if self.quota_bytes is None else max(0, self.quota_bytes - self._used())

    def _used(self) -> int:
        return sum(len(content.cached) for content in self._names.values())

    def after_power_loss(self) -> "ForgetfulDisk":
        """What a machine finds after the crash: a new disk on which everything is synced."""
        after = ForgetfulDisk(self.chance)
        after._folders = set(self._folders)
        for name in sorted(self._names.keys() | self._durable_names.keys()):
            now, durable = self._names.get(name), self._durable_names.get(name)
            content = durable if now is durable or self.chance.random() < 0.5 else now
            if content is None:
                continue
            held = bytearray(content.synced)
            for sector in sorted(content.dirty):
                if self.chance.random() < 0.5:
                    start = sector * SECTOR
                    part = content.cached[start : start + SECTOR]
                    if len(held) < start + len(part):
                        held.extend(bytes(start + len(part) - len(held)))
                    held[start : start + len(part)] = part
            after._names[name] = after._durable_names[name] = _Content(bytes(held))
        return after

    def flip(self, path: Path, offset: int) -> None:
        """Change one byte of a file, as a dying disk does."""
        content = self._names[path]
        content.cached[offset] ^= 0xFF
        content.synced[offset] ^= 0xFF

    def content(self, path: Path) -> bytes:
        """A file's bytes."""
        return bytes(self._names[path].cached)
