"""The vault's rows: the plain way through SQLAlchemy and the quick one past its pool give the same."""

from pathlib import Path

from wardline.engine.sql.index import Index
from wardline.engine.sql.sql_index import Sealed
from wardline.engine.sql.vault_rows import QuickVaultTables, VaultTables


def test_both_ways_give_the_same(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "journal.db")
    sealed = [Sealed(seq, seq % 3 - 1, "update", seq % 2, 100 * seq, b"sealed %d" % seq) for seq in range(1, 13)]
    index.write((), sealed, [(-1, 4), (0, 2), (1, 7)])
    quick, plain = index.vault, VaultTables(index.engine.begin, index._rows)
    assert isinstance(quick, QuickVaultTables)
    for rows in (quick, plain):
        assert [rows.slot(subject) for subject in (-1, 0, 1, 5)] == [4, 2, 7, None]
        assert rows.newest(1, 0, 0) == [b"sealed 7", b"sealed 1"]
        assert rows.newest(1, 0, 100) == [b"sealed 7"]
        assert list(rows.slots()) == [2, 4, 7]
    assert plain.expire(300, 2) == [0, 1]
    assert plain.expire(300, 2) == [-1]
    assert plain.drop_unused({-1, 0, 1}) == []
    assert plain.forget(0) == 3
    assert plain.slot(0) is None
    plain.expire(9_999, 99)
    assert sorted(plain.drop_unused({-1, 0, 1})) == [(-1, 4), (1, 7)]
    assert plain.drop_unused(set()) == []
    index.close()
