"""Where a database server is: a URL, and its password from there, a file or the environment; never shown again.

    address = read_address("postgresql+psycopg://wardline@db.example.com/wardline", environment={"WARDLINE_DATABASE_PASSWORD": "…"})
    str(address)         # "postgresql://wardline@db.example.com/wardline": for messages, without password and parameters
    address.url          # for SQLAlchemy

PostgreSQL through psycopg 3, MariaDB and MySQL through PyMySQL. A Unix socket: `postgresql+psycopg://wardline@/wardline?host=/run/postgresql`,
`mariadb+pymysql://wardline@/wardline?unix_socket=/run/mysqld/mysqld.sock`.
"""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from wardline.base.storage import StorageError

PASSWORD_VARIABLE = "WARDLINE_DATABASE_PASSWORD"  # noqa: S105  the variable's name
# Scheme -> (kind, SQLAlchemy's driver, the module behind it, the extra that installs it).
SCHEMES = {
    "postgresql": ("postgresql", "postgresql+psycopg", "psycopg", "postgresql"),
    "postgresql+psycopg": ("postgresql", "postgresql+psycopg", "psycopg", "postgresql"),
    "mariadb": ("mariadb", "mariadb+pymysql", "pymysql", "mariadb"),
    "mariadb+pymysql": ("mariadb", "mariadb+pymysql", "pymysql", "mariadb"),
    "mysql": ("mariadb", "mysql+pymysql", "pymysql", "mariadb"),
    "mysql+pymysql": ("mariadb", "mysql+pymysql", "pymysql", "mariadb"),
}
FORM = "Write postgresql+psycopg://user@host:5432/database or mariadb+pymysql://user@host:3306/database."


class Address:
    """A database on a server. kind: "postgresql" or "mariadb" (MySQL too)."""

    def __init__(self, url: URL, kind: str) -> None:
        self.url = url
        self.kind = kind

    def __str__(self) -> str:
        return URL.create(
            self.kind, self.url.username, host=self.url.host, port=self.url.port, database=self.url.database
        ).render_as_string(hide_password=True)

    __repr__ = __str__


def read_address(text: str, password_file: str = "", environment: Mapping[str, str] | None = None) -> Address:
    """The address behind a URL. Its own password goes first, then the file, then $WARDLINE_DATABASE_PASSWORD.

    Raises StorageError, which never quotes the URL: it may hold the password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StorageError("the database's URL cannot be read", "store.database", FORM) from None
    if url.drivername not in SCHEMES:
        raise StorageError(f"there is no database of the kind {url.drivername!r}", "store.database", FORM)
    kind, driver, module, extra = SCHEMES[url.drivername]
    if not url.database:
        raise StorageError("the database's URL names no database", "store.database", FORM)
    if importlib.util.find_spec(module) is None:
        raise StorageError(f"the driver {module} is not installed", "store.database", f"Install it: pip install 'wardline[{extra}]'.")
    url = url.set(drivername=driver)
    values = os.environ if environment is None else environment
    if url.password is None and password_file:
        try:
            url = url.set(password=Path(password_file).read_text("utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            raise StorageError(
                f"the file with the database's password cannot be read: {reason}", password_file, "Make it readable for this user."
            ) from None
    if url.password is None and values.get(PASSWORD_VARIABLE):
        url = url.set(password=values[PASSWORD_VARIABLE])
    return Address(url, kind)
