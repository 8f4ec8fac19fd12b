"""Opening the journal that the configuration names: embedded without an address, and an address that is none is told. Servers: tests/journeys."""

from pathlib import Path

import pytest

from wardline.base.clock import FixedClock
from wardline.base.config import Store
from wardline.base.storage import StorageError
from wardline.engine.record import Record
from wardline.engine.store.opening import open_journal


def test_without_an_address_the_journal_is_in_the_folder(tmp_path: Path) -> None:
    with open_journal(tmp_path, Store(), FixedClock(1)) as journal:
        journal.append(Record(0, 0, "event", "e", 1, "login")).result(timeout=30)
    assert (tmp_path / "journal.db").stat().st_size > 0
    with open_journal(tmp_path, Store(), FixedClock(1)) as journal:
        assert journal.find_id("event", "e") is not None


@pytest.mark.parametrize("address", ["sqlite:///x.db", "nonsense", "postgresql+psycopg://"])
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(StorageError):
        open_journal(tmp_path, Store(database=address), FixedClock(1))
