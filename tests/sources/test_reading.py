"""Reading a file that changes, grows, is a pipe, a folder, or not there."""

import gzip
import os
from pathlib import Path

import pytest

from wardline.sources import reading
from wardline.sources.reading import SourceError, read_bytes, stamp_of, text_lines


def test_a_file_and_its_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x\n")
    data, stamp = read_bytes(path, 100)
    assert (data, stamp) == (b"x\n", stamp_of(path))


def test_a_folder_has_the_stamp_of_its_files(tmp_path: Path) -> None:
    before = stamp_of(tmp_path)
    (tmp_path / "a").write_bytes(b"x")
    assert stamp_of(tmp_path) != before
    assert stamp_of(tmp_path / "missing") is None


@pytest.mark.parametrize("name", ["missing", ".", "fifo", "nul\0", "a/b"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(SourceError):
        read_bytes(tmp_path / name, 100)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(10 << 30)  # sparse: ten gigabytes of nothing
    with pytest.raises(SourceError, match="at most 1 MB"):
        read_bytes(path, 1 << 20)


def test_a_packed_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\n" * (8 << 20)))
    with pytest.raises(SourceError, match="unpacks to more"):
        read_bytes(path, 1 << 20)


def test_a_file_that_is_written_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"192.0.2.1\n")
    real = os.fstat
    calls: list[int] = []

    def fstat(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 2:
            with path.open("ab") as file:
                file.write(b"192.0.2.2\n")
        return real(descriptor)

    monkeypatch.setattr(reading.os, "fstat", fstat)
    with pytest.raises(SourceError, match="changed while it was read"):
        read_bytes(path, 100)


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = tmp_path / "a", tmp_path / "new"
    path.write_bytes(b"old\n")
    new.write_bytes(b"new\n")
    real = os.fdopen

    def fdopen(descriptor: int, mode: str) -> object:
        if new.exists():
            new.replace(path)
        return real(descriptor, mode)

    monkeypatch.setattr(reading.os, "fdopen", fdopen)
    data, stamp = read_bytes(path, 100)
    assert data == b"old\n"
    assert stamp != stamp_of(path)  # so that the next look sees another file


def test_lines() -> None:
    assert text_lines(b"\xef\xbb\xbfa\r\nb\rc\n\nd", Path("x")) == ["a", "b", "c", "", "d"]
    assert text_lines("a\u2028b\x0cc\n".encode(), Path("x")) == ["a\u2028b\x0cc"]


def test_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ENTRIES_LIMIT", 10)
    with pytest.raises(SourceError, match="more than 10 lines"):
        text_lines(b"x\n" * 11, Path("x"))
