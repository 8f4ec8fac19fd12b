"""Which index a data folder has: the embedded one, unless the folder says that its journal is elsewhere."""

from pathlib import Path

import pytest

from wardline.base.storage import StorageError
from wardline.engine.sql.indices import ELSEWHERE, JournalIndex, embedded
from wardline.engine.store.journal import Journal


def test_the_embedded_one_is_a_journal_index(tmp_path: Path) -> None:
    with Journal.open(tmp_path, index=embedded) as journal:
        index: JournalIndex = journal._index
        assert index.where == str(tmp_path / "journal.db")
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600


def test_a_folder_whose_journal_is_elsewhere_is_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / ELSEWHERE).write_text("{}")
    with pytest.raises(StorageError, match="in a database server"):
        Journal.open(tmp_path)
    assert not (tmp_path / "journal.db").exists()
