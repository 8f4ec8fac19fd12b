"""Prepared reads: named parameters, constants of the statement, connections used again."""

from pathlib import Path

from sqlalchemy import bindparam, insert, select

from wardline.engine.sql import schema
from wardline.engine.sql.query import Query, Readers


def test_rows_by_named_parameters_and_fixed_limit(tmp_path: Path) -> None:
    engine = schema.connect(tmp_path / "j.db")
    schema.migrate(engine, "here")
    table = schema.lookups
    with engine.begin() as connection:
        connection.execute(insert(table), [{"hash": n % 2, "seq": n} for n in range(10)])
    query = Query(select(table.c.seq).where(table.c.hash == bindparam("hash")).order_by(table.c.seq).limit(3))
    readers = Readers(tmp_path / "j.db")
    assert readers.rows(query, hash=1) == [(1,), (3,), (5,)]
    assert readers.rows(query, hash=0) == [(0,), (2,), (4,)]
    assert readers.rows(query, hash=7) == []
    assert len(readers._idle) == 1
    readers.close()
    engine.dispose()
