"""The note that names a folder's database: written whole, read back, and told when it is damaged."""

from pathlib import Path

import pytest

from wardline.base.storage import Folder, StorageDamaged
from wardline.engine.servers.note import Note, read_note, write_note
from wardline.engine.sql.indices import ELSEWHERE


def test_a_note_comes_back_as_it_was_written(tmp_path: Path) -> None:
    note = Note("postgresql", "db.example.com/wardline", (1 << 62) - 1, 120_000)
    with Folder.open(tmp_path) as folder:
        assert read_note(folder) is None
        write_note(folder, note)
        assert read_note(folder) == note


@pytest.mark.parametrize("content", [b"", b"{}", b'{"kind": "mariadb"', b"[1, 2]"])
def test_a_damaged_note_is_told(content: bytes, tmp_path: Path) -> None:
    with Folder.open(tmp_path) as folder:
        folder.write_atomic(ELSEWHERE, content)
        with pytest.raises(StorageDamaged, match="names the database cannot be read"):
            read_note(folder)
