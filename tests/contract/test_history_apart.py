"""Compaction in a process of its own, beside a journal on each kind of database server that is open and goes on writing."""

import json
from pathlib import Path

import pytest
from databases import DatabaseServer
from learning.history.builders import account, login

from wardline.base.clock import SystemClock
from wardline.base.storage import StorageError
from wardline.engine.servers.index import on_server
from wardline.engine.store.journal import Journal, Settings
from wardline.learning.history.apart import run
from wardline.learning.history.question import Question
from wardline.learning.keeper import Keeper

SETTINGS = Settings(min_free_bytes=0)


def test_a_servers_records_are_compacted_beside_it(server: DatabaseServer, tmp_path: Path) -> None:
    server.fresh()
    with Journal.open(tmp_path, settings=SETTINGS, index=on_server(server.address())) as journal:
        keeper = Keeper(tmp_path, journal, SystemClock(), database=server.url("wardline"))
        for seq in range(1, 301):
            journal.append(login(seq, keys=(account(seq % 4),)))
        assert keeper.compact(apart=True).records == 300 and keeper.verify() == [], "more than a page, while the owner holds the lock"
        journal.erase(account(1))
        assert keeper.rebuild().records == 225
        journal.append(login(301))
        assert keeper.ask(Question(text="login", count=True)).rows == [(226,)]
    away = {"last_seq": 301, "database": "postgresql+psycopg://nobody@127.0.0.1:9/none"}
    with pytest.raises(StorageError, match="does not serve"):
        run(tmp_path, json.dumps(away).encode())
