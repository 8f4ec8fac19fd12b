"""A limit for every exchange with PostgreSQL; with a server that stops for real: tests/journeys/test_databases.py."""

import socket
from collections.abc import Generator
from typing import Any

import psycopg
import pytest
from psycopg.pq import ConnStatus
from psycopg.waiting import Ready, Wait

from wardline.engine.servers.waiting import Limited


class Channel:
    """What `Limited.wait` needs of libpq's connection."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.socket = self.near.fileno()
        self.finished = False
        self.status = ConnStatus.BAD

    def finish(self) -> None:
        self.finished = True


def exchange(wanted: Wait) -> Generator[Any, Any, list[Any]]:
    first = yield wanted
    second = yield wanted
    return [first, second]


def test_an_answer_in_time_and_one_that_never_comes() -> None:
    channel = Channel()
    connection = Limited.__new__(Limited)
    connection.pgconn = channel  # type: ignore[assignment]
    connection.limit_seconds = 0.05
    with channel.near, channel.far:
        assert connection.wait(exchange(Wait.W)) == [Ready.W, Ready.W]
        channel.far.send(b"x")
        assert connection.wait(exchange(Wait.R)) == [Ready.R, Ready.R]
        channel.near.recv(1)
        with pytest.raises(psycopg.OperationalError, match=r"no answer within 0\.05 s"):
            connection.wait(exchange(Wait.R))
    assert channel.finished
