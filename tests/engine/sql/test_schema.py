"""The tables: made once, brought up to date, refused when they are newer than the program."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from wardline.base.storage import StorageError
from wardline.engine.sql import schema


def test_a_new_file_gets_the_current_version(tmp_path: Path) -> None:
    engine = schema.connect(tmp_path / "j.db")
    assert schema.migrate(engine, "here") == (schema.SCHEMA_VERSION, schema.SCHEMA_VERSION)
    assert schema.migrate(engine, "here") == (schema.SCHEMA_VERSION, schema.SCHEMA_VERSION)
    assert set(inspect(engine).get_table_names()) == set(schema.metadata.tables)
    engine.dispose()


def test_connections_are_durable_and_overwrite_what_they_delete(tmp_path: Path) -> None:
    connection = schema.raw(tmp_path / "a ?#%.db")
    values = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "secure_delete", "wal_autocheckpoint")
    }
    assert values == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "wal_autocheckpoint": 0}
    connection.close()
    assert (tmp_path / "a ?#%.db").exists()


def test_a_newer_folder_is_refused(tmp_path: Path) -> None:
    engine = schema.connect(tmp_path / "j.db")
    schema.migrate(engine, "here")
    with engine.begin() as connection:
        connection.execute(text("UPDATE facts SET value = 99 WHERE name = 'schema_version'"))
    with pytest.raises(StorageError, match="schema version 99"):
        schema.migrate(engine, "here")
    engine.dispose()


def test_an_older_folder_is_brought_up_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = schema.connect(tmp_path / "j.db")
    schema.migrate(engine, "here")
    steps: list[int] = []

    def step(number: int) -> None:
        def change(connection: Connection) -> None:
            steps.append(number)
            connection.execute(text(f"CREATE TABLE extra_{number} (x INTEGER)"))

        monkeypatch.setitem(schema.migrations, number, change)

    step(schema.SCHEMA_VERSION)
    step(schema.SCHEMA_VERSION + 1)
    before = schema.SCHEMA_VERSION
    monkeypatch.setattr(schema, "SCHEMA_VERSION", before + 2)
    assert schema.migrate(engine, "here") == (before, before + 2)
    assert steps == [before, before + 1]
    with engine.connect() as connection:
        assert schema.version(connection) == before + 2
    engine.dispose()
