"""The last good version over a restart."""

import os
from pathlib import Path

import pytest

from wardline.base.clock import FixedClock
from wardline.sources.lastgood import LastGood
from wardline.sources.registry import Registry

NOW_US = 1_795_000_000_000_000
LIST = "".join(f"198.51.100.{host}\n" for host in range(100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tor.toml").write_text('kind = "tor"\npath = "tor.txt"\n')
    (tmp_path / "tor.txt").write_text(LIST)
    return tmp_path


def start(folder: Path) -> Registry:
    """A process that begins."""
    made = Registry(folder, clock=FixedClock(NOW_US), keep=folder / "kept")
    made.refresh()
    return made


@pytest.mark.parametrize("content", [b"", b"<html>", b"198.51.100.7\n", None])
def test_a_broken_file_and_a_restart_lose_nothing(folder: Path, content: bytes | None) -> None:
    start(folder)
    if content is None:
        (folder / "tor.txt").unlink()
    else:
        (folder / "tor.txt").write_bytes(content)
    made = start(folder)
    shown = made.status()[0]
    assert (shown.state, shown.entries) == ("failing", 100)
    assert made.ip_facts("198.51.100.9", NOW_US)["ip.tor"] is True
    (folder / "tor.txt").write_text(LIST + "192.0.2.1\n")
    assert made.refresh() == ["tor"]
    assert LastGood(folder / "kept").entries("tor") == 101


def test_a_copy_of_another_kind_is_not_asked(folder: Path) -> None:
    start(folder)
    (folder / "tor.toml").write_text('kind = "vpn"\npath = "tor.txt"\n')
    (folder / "tor.txt").write_bytes(b"")
    assert start(folder).status()[0].state == "missing"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"kind": 5}', b"\xff"])
def test_a_damaged_note_is_passed_over(folder: Path, damage: bytes) -> None:
    start(folder)
    (folder / "kept" / "tor.kept.json").write_bytes(damage)
    (folder / "tor.txt").write_bytes(b"")
    assert start(folder).status()[0].state == "missing"


def test_packed_files_keep_their_format(folder: Path) -> None:
    import gzip

    (folder / "tor.toml").write_text('kind = "tor"\npath = "tor.csv.gz"\n')
    (folder / "tor.csv.gz").write_bytes(gzip.compress(("cidr\n" + LIST).encode()))
    start(folder)
    (folder / "tor.csv.gz").write_bytes(b"x")
    assert start(folder).ip_facts("198.51.100.9", NOW_US)["ip.tor"] is True


def test_a_folder_that_cannot_be_written_stops_nothing(folder: Path) -> None:
    (folder / "kept").write_text("a file in the way")
    assert start(folder).status()[0].state == "ok"


def test_an_unchanged_file_is_copied_once(folder: Path) -> None:
    start(folder)
    copy = folder / "kept" / "tor.txt"
    os.utime(copy, ns=(5, 5))
    start(folder)
    assert copy.stat().st_mtime_ns == 5
