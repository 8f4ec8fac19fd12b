"""Addresses of database servers: where the password comes from, and that it is never shown."""

from pathlib import Path

import pytest

from wardline.base.storage import StorageError
from wardline.engine.servers.address import PASSWORD_VARIABLE, read_address

URL = "postgresql+psycopg://wardline@db.example.com:5433/wardline?sslmode=require"


def test_the_password_comes_from_url_file_or_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    given = {PASSWORD_VARIABLE: "from the environment"}
    assert read_address(URL.replace("wardline@", "wardline:from%20the%20url@"), str(file), given).url.password == "from the url"
    assert read_address(URL, str(file), given).url.password == "from the file"
    assert read_address(URL, "", given).url.password == "from the environment"
    assert read_address(URL, "", {}).url.password is None


def test_it_is_never_shown() -> None:
    address = read_address("mariadb://wardline:secret@db.example.com/wardline?ssl_key_password=secret", environment={})
    assert str(address) == repr(address) == "mariadb://wardline@db.example.com/wardline"
    assert address.url.drivername == "mariadb+pymysql"
    assert read_address("mysql://wardline@db.example.com/wardline", environment={}).kind == "mariadb"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("secret", "cannot be read"),
        ("oracle://wardline:secret@db.example.com/wardline", "no database of the kind 'oracle'"),
        ("postgresql://wardline:secret@db.example.com", "names no database"),
        ("postgresql://wardline:secret@db.example.com:port/wardline", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_without_quoting_it(url: str, said: str) -> None:
    with pytest.raises(StorageError, match=said) as told:
        read_address(url, environment={})
    assert "secret" not in str(told.value)


def test_a_password_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="password cannot be read: No such file"):
        read_address(URL, str(tmp_path / "none"), {})
