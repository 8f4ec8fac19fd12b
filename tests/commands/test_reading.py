"""Where messages come from: files, folders, Maildirs, mbox files, standard input, and what is not there."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from wardline.commands.context import Failure
from wardline.commands.reading import Source, sources

ONE = b"From: a@example.com\nSubject: one\n\nHello.\n"
TWO = b"From: b@example.com\nSubject: two\n\nFrom here it goes on.\n"


def read(*paths: Path) -> list[bytes]:
    return [source.read() for source in sources(list(paths))]


def test_a_file_and_a_folder_in_a_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, raw in (("b.eml", TWO), ("a.eml", ONE), ("deep/c", ONE), (".hidden", TWO), ("index.tsv", b"a\tham"), ("x.lock", b"")):
        (tmp_path / name).write_bytes(raw)
    assert read(tmp_path / "b.eml") == [TWO]
    assert [Path(source.name).name for source in sources([tmp_path])] == ["a.eml", "b.eml", "c"]


def test_a_maildir_gives_cur_and_new_alone(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp", ".Junk/cur", ".Junk/new"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cur" / "1.a:2,S").write_bytes(ONE)
    (tmp_path / "new" / "2.b").write_bytes(TWO)
    (tmp_path / "tmp" / "3.c").write_bytes(b"half a mess")
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1")
    (tmp_path / ".Junk" / "cur" / "4.d").write_bytes(TWO)
    assert sorted(read(tmp_path)) == sorted([ONE, TWO, TWO])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_an_mbox_is_split_at_its_from_lines(tmp_path: Path, ending: bytes) -> None:
    path = tmp_path / "archive.mbox"
    lines = b"From a@example.com Sat Nov 21 10:00:00 2026\n" + ONE + b"\nFrom b@example.com Sat Nov 21 10:00:00 2026\n" + TWO
    path.write_bytes(lines.replace(b"\n", ending))
    found = list(sources([path]))
    assert [source.name for source in found] == [f"{path}#1", f"{path}#2"]
    assert found[0].read().rstrip() == ONE.replace(b"\n", ending).rstrip()
    # A line that begins with "From " inside a paragraph ends nothing.
    assert found[1].read() == TWO.replace(b"\n", ending)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(ONE)))
    assert read(Path("-")) == [ONE]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(ONE)
    (source,) = sources([path])
    path.write_bytes(TWO)
    assert source.read() == TWO


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no such file or folder"):
        read(tmp_path / "gone")
    with pytest.raises(Failure, match="gone: cannot be read"):
        Source("gone", tmp_path / "gone").read()


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == []


def test_what_is_no_plain_file_is_passed_over_or_named(tmp_path: Path) -> None:
    """A pipe in a folder would be waited for without end."""
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.eml").write_bytes(ONE)
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert read(tmp_path) == [ONE]
