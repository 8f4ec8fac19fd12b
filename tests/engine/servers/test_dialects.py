"""What differs between the servers: portions of one statement, and errors that are told without quoting values."""

import pymysql

from wardline.engine.servers.dialects import DIALECTS, ROWS, STATEMENT_BYTES, parts


def test_rows_go_in_portions_by_number_and_bytes() -> None:
    rows = [(seq, b"x") for seq in range(ROWS * 2 + 1)]
    assert [len(part) for part in parts(rows)] == [ROWS, ROWS, 1]
    large = [(seq, bytes(STATEMENT_BYTES // 2)) for seq in range(3)]
    assert [len(part) for part in parts(large)] == [1, 1, 1]
    assert list(parts([])) == []


def test_an_error_about_the_server_is_told_and_one_about_values_is_only_numbered() -> None:
    dialect = DIALECTS["mariadb"]
    assert dialect.reason(pymysql.err.OperationalError(2003, "Can't connect to MySQL server")) == "Can't connect to MySQL server (2003)"
    assert dialect.reason(pymysql.err.DataError(1406, "Data too long: 'secret'")) == "error 1406"
