"""Real database servers for the contract tests: each started once by whoever asks for it first, and ended with the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import DatabaseServer, MariaDb, PostgreSql


@pytest.fixture(scope="session")
def postgresql(require: Callable[..., Path]) -> Iterator[DatabaseServer]:
    """Debian keeps the server's programs beside each other, by version, outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    server = PostgreSql(found[-1].parent if found else require("postgres", "postgresql").resolve().parent)
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def mariadb(require: Callable[..., Path]) -> Iterator[DatabaseServer]:
    """Debian's MariaDB."""
    server = MariaDb(require("mariadbd", "mariadb-server"), require("mariadb-install-db", "mariadb-server"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each kind of server, running."""
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found
