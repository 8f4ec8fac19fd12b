"""The data folder: made, locked, written as a whole or not at all, with errors that say what to do."""

import errno
import fcntl
import os
import random
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.forgetful_disk import Crash, ForgetfulDisk
from wardline.base.storage import DiskFiles, Folder, StorageError, StorageLocked, overwrite, read_whole, write_atomic


def test_a_missing_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with Folder.open(tmp_path / "a" / "b") as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert folder.free_bytes() > 0


def test_every_new_folder_is_made_durable_in_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    files = DiskFiles()
    monkeypatch.setattr(files, "sync_folder", synced.append)
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_path_that_is_a_file_gives_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made") as caught:
        Folder.open(tmp_path / "file")
    assert "--data" in caught.value.remedy
    assert str(tmp_path) in caught.value.where


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with Folder.open(tmp_path), pytest.raises(StorageLocked, match=f"process {os.getpid()}"):
        Folder.open(tmp_path)
    Folder.open(tmp_path).close()


def test_a_second_process_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from wardline.base.storage import Folder; f = Folder.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(StorageLocked, match=f"process {child.pid}"):
            Folder.open(tmp_path)
        child.kill()
        child.wait()
    Folder.open(tmp_path).close()


def test_close_twice_does_nothing(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    folder.close()
    folder.close()


def test_write_atomic_and_read(tmp_path: Path) -> None:
    with Folder.open(tmp_path) as folder:
        assert folder.read("x/y") is None
        folder.write_atomic("x/y", b"one")
        folder.write_atomic("x/y", b"two, longer")
        folder.write_atomic("x/y", b"3")
        assert folder.read("x/y") == b"3"
        assert stat.S_IMODE((tmp_path / "x" / "y").stat().st_mode) == 0o600
        assert [name.name for name in (tmp_path / "x").iterdir()] == ["y"]


def test_write_atomic_survives_a_crash_at_every_operation() -> None:
    path = Path("/nowhere/file")
    old, new = b"old " * 600, b"new " * 700
    for crash_at in range(1, 12):
        for seed in range(20):
            disk = ForgetfulDisk(random.Random(seed))
            write_atomic(disk, path, old)
            disk.crash_at = disk.operations + crash_at
            done = True
            try:
                write_atomic(disk, path, new)
            except Crash:
                done = False
            found = read_whole(disk.after_power_loss(), path)
            assert found == new if done else found in (old, new)


def test_real_files_write_durably_with_and_without_the_kernels_help(tmp_path: Path) -> None:
    files = DiskFiles()
    descriptor = files.open(tmp_path / "f", create=True)
    files.write_durably(descriptor, b"abc", 0)
    files._dsync = 0
    files.write_durably(descriptor, b"def", 3)
    assert files.pread(descriptor, 100, 0) == b"abcdef"
    assert files.size(descriptor) == 6
    files.close(descriptor)


def test_a_kernel_without_synchronous_writes_falls_back_to_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "not here")

    synced: list[int] = []
    monkeypatch.setattr(os, "pwritev", refuse)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    files = DiskFiles()
    descriptor = files.open(tmp_path / "f", create=True)
    files.write_durably(descriptor, b"abc", 0)
    assert files.pread(descriptor, 100, 0) == b"abc"
    assert synced == [descriptor]
    files.close(descriptor)


def test_overwrite_removes_and_forgives_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"secret" * 1000)
    os.link(tmp_path / "f", tmp_path / "g")
    overwrite(DiskFiles(), tmp_path / "f")
    overwrite(DiskFiles(), tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert (tmp_path / "g").read_bytes() == bytes(6000)


def test_a_lock_whose_owner_is_dead_is_waited_for(tmp_path: Path) -> None:
    """A process that is killed just after it made another leaves its lock with that one, which gives it up when it first runs."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "lock").write_text(f"{dead.pid}\n")
    held = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    let_go = threading.Timer(0.1, os.close, [held])
    let_go.start()
    with Folder.open(tmp_path):
        let_go.join()
