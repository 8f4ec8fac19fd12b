"""Contract tests call the database server they run against `server`."""

import pytest
from databases import DatabaseServer


@pytest.fixture
def server(database_server: DatabaseServer) -> DatabaseServer:
    """Each kind of server, running."""
    return database_server
