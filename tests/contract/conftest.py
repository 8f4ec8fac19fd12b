"""Contract tests call the database server they run against `server`, and the store of counters is what `make` makes."""

from typing import Any

import pytest
from databases import DatabaseServer

from tests.engine.counting.backends import BACK_ENDS, NAMES, Make
from wardline.engine.counting.counter import Counter
from wardline.engine.counting.counter_store import CounterStore
from wardline.engine.counting.counters import Counters


@pytest.fixture
def server(database_server: DatabaseServer) -> DatabaseServer:
    """Each kind of server, running."""
    return database_server


@pytest.fixture(params=BACK_ENDS, ids=lambda made: made.__module__.rpartition(".")[2])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a store: make(declarations, capacity_bytes=…, shard=…, shards=…)."""

    def build(declarations: list[Counter], **settings: Any) -> CounterStore:
        return Counters(declarations, NAMES, make_tables=request.param, **settings)

    return build
